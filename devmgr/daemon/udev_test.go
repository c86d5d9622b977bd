package daemon_test

import (
	"errors"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"slashdev/devmgr/udevdb"
	"slashdev/devmgr/uevent"
)

var clock = regexp.MustCompile(`I:[0-9]+`)

// hears returns what libudev's listeners have heard since it was asked last.
func (m *machine) hears() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	heard := m.heard
	m.heard = nil
	for i, h := range heard {
		heard[i] = clock.ReplaceAllString(h, "I:N")
	}
	return heard
}

func (m *machine) expectHeard(want ...string) {
	m.t.Helper()
	if got := m.hears(); !slices.Equal(got, want) {
		m.t.Errorf("heard\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

const vdaLinks = "S:disk/by-path/pci-0000:00:01.0 S:disk/by-path/virtio-pci-0000:00:01.0 I:N V:1 ; "

// When a message arrives, the database can be read and the node has its owner.
func TestMessagesComeAfterEverythingElse(t *testing.T) {
	m := newMachine(t)
	m.start()
	m.expectHeard("add +pci:0000:00:01.0: none", "add +virtio:virtio1: none", "add b254:0: "+vdaLinks+"0660 0:6",
		"add c1:3: ; 0666 0:0")
	m.plugDisk("vdb", 16)
	m.writeSys()
	m.node("vdb", unix.S_IFBLK, 254, 16)
	m.sendVdb(uevent.Add)
	m.send(uevent.Add, "/module/loop", "module") // of which the tree knows nothing
	m.do("settle")
	m.expectHeard("add b254:16: "+vdaLinks+"0660 0:6", "add +module:loop: none")
	m.sys.Remove(disks + "vdb")
	m.writeSys()
	m.must(os.Remove(m.dev + "/vdb"))
	m.sendVdb(uevent.Remove)
	m.do("settle")
	m.expectHeard("remove b254:16: none; ")
	if left, _ := os.ReadDir(m.root + `/udev/links/disk\x2fby-path\x2fpci-0000:00:01.0`); len(left) != 1 {
		t.Errorf("claims: %v", left)
	}
}

func (m *machine) sendVdb(action uevent.Action) {
	m.seq++
	m.src.items <- item{ev: uevent.Event{Action: action, DevPath: disks + "vdb", Subsystem: "block", SeqNum: m.seq,
		Env: "MAJOR=254\x00MINOR=16\x00DEVNAME=vdb\x00DEVTYPE=disk\x00"}}
}

func (m *machine) queued() bool {
	_, err := os.Stat(m.root + "/udev/queue")
	return !errors.Is(err, fs.ErrNotExist)
}

// As long as a node is waited for, its event is not done, and nobody hears of it.
func TestQueueFileIsThereWhileEventsAre(t *testing.T) {
	m := newMachine(t)
	m.start()
	m.hears()
	if m.queued() {
		t.Error("a queue after coldplug")
	}
	m.plugDisk("vdb", 16)
	m.writeSys()
	m.sendVdb(uevent.Add)
	for m.do("status")[0].Get("pending") != "1" { // its event has arrived
	}
	if !m.queued() {
		t.Error("no queue while a node is missing")
	}
	m.expectHeard()
	m.node("vdb", unix.S_IFBLK, 254, 16)
	m.do("settle", "vdb", "--timeout=20")
	m.do("status") // another turn of the loop
	if m.queued() {
		t.Error("a queue when all is done")
	}
	m.expectHeard("add b254:16: " + vdaLinks + "0660 0:6")
}

// A device manager that comes back knows since when devices have been there,
// tells listeners of new ones only, and forgets those that went.
func TestU07_RestartKeepsTheDatabase(t *testing.T) {
	m := newMachine(t)
	m.start()()
	m.hears()
	db := os.DirFS(m.root + "/udev")
	before, err := udevdb.Read(db, "b254:0")
	m.must(err)
	m.plugDisk("vdb", 16)
	m.sys.Remove("/devices/virtual/mem/null")
	m.writeSys()
	m.node("vdb", unix.S_IFBLK, 254, 16)
	m.src = &source{items: make(chan item, 1000)}
	m.start()
	after, err := udevdb.Read(db, "b254:0")
	m.must(err)
	if before.Initialized == 0 || before.Initialized != after.Initialized {
		t.Errorf("known since %d, after a restart since %d", before.Initialized, after.Initialized)
	}
	m.expectHeard("add b254:16: " + vdaLinks + "0660 0:6")
	if _, err := udevdb.Read(db, "c1:3"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a device that went: %v", err)
	}
}

// A network interface that gets another name is the same device.
func TestRenamedInterfaceKeepsItsRecord(t *testing.T) {
	m := newMachine(t)
	m.sys.Add("/devices/virtual/net/eth0", "net", "INTERFACE=eth0", "IFINDEX=2")
	m.rule("50-test.rules", `SUBSYSTEM=="net", ACTION=="add", TAG+="systemd", ENV{ID_X}="1"`)
	m.writeSys()
	m.start()
	db := os.DirFS(m.root + "/udev")
	before, err := udevdb.Read(db, "n2")
	m.must(err)
	m.hears()
	m.sys.Remove("/devices/virtual/net/eth0")
	m.sys.Add("/devices/virtual/net/lan0", "net", "INTERFACE=lan0", "IFINDEX=2")
	m.writeSys()
	m.seq++
	m.src.items <- item{ev: uevent.Event{Action: uevent.Move, DevPath: "/devices/virtual/net/lan0", Subsystem: "net", SeqNum: m.seq,
		Env: "DEVPATH_OLD=/devices/virtual/net/eth0\x00INTERFACE=lan0\x00IFINDEX=2\x00"}}
	m.do("settle")
	after, err := udevdb.Read(db, "n2")
	m.must(err)
	if before.Initialized == 0 || after.Initialized != before.Initialized || !slices.Equal(after.Tags, []string{"systemd"}) {
		t.Errorf("before %+v, after %+v", before, after)
	}
	if got := m.hears(); len(got) != 1 || !strings.HasPrefix(got[0], "move n2: ") {
		t.Errorf("heard %q", got)
	}
}

// Rules see what an earlier device manager stored (IMPORT{db}).
func TestU07_RulesKnowWhatWasStored(t *testing.T) {
	m := newMachine(t)
	m.rule("50-test.rules", `KERNEL=="vda", ENV{FROM_TEST}="yes", TAG+="seat"`)
	m.start()()
	m.rule("50-test.rules", `KERNEL=="vda", IMPORT{db}="FROM_TEST"`)
	m.src = &source{items: make(chan item, 1000)}
	m.start()
	r, err := udevdb.Read(os.DirFS(m.root+"/udev"), "b254:0")
	m.must(err)
	if r.Properties.Get("FROM_TEST") != "yes" || !slices.Equal(r.Tags, []string{"seat"}) || len(r.CurrentTags) > 0 {
		t.Errorf("got %+v", r)
	}
}
