package daemon_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"slashdev/devmgr/ctl"
	"slashdev/devmgr/netname"
	udevrules "slashdev/devmgr/rules/udev"
	"slashdev/devmgr/udevctl"
	"slashdev/devmgr/uevent"
)

// rule writes a file of rules.
func (m *machine) rule(name, text string) {
	m.t.Helper()
	m.must(os.MkdirAll(m.root+"/etc/udev/rules.d", 0o755))
	m.must(os.WriteFile(m.root+"/etc/udev/rules.d/"+name, []byte(text), 0o644))
}

func (m *machine) link(name string) string {
	target, err := os.Readlink(m.dev + "/" + name)
	if err != nil {
		return "none"
	}
	return target
}

func (m *machine) leads(name, want string) {
	m.t.Helper()
	if got := m.link(name); got != want {
		m.t.Errorf("%s leads to %q, want %q", name, got, want)
	}
}

// waitFile waits until a file has been written.
func (m *machine) waitFile(name, want string) {
	m.t.Helper()
	client := m.client("devmgr.sock")
	for range 10000 {
		if text, _ := os.ReadFile(name); string(text) == want {
			return
		}
		_, err := client.Do("status")
		m.must(err)
	}
	m.t.Errorf("%s is not %q", name, want)
}

// The stock table is the base, rules come on top of it, and what they say is
// in the database.
func TestRulesOnTopOfTheStockTable(t *testing.T) {
	m := newMachine(t)
	m.sys.Attr(disks[1:]+"vda/serial", "a b\n")
	m.sys.Attr(disks[1:]+"vda/queue/wanted", "0\n")
	m.writeSys()
	m.rule("50-test.rules", `
SUBSYSTEM=="block", KERNEL=="vd*", ATTR{serial}=="?*", ENV{ID_SERIAL}="$attr{serial}", SYMLINK+="disk/by-id/virtio-$env{ID_SERIAL}", TAG+="systemd"
SUBSYSTEMS=="virtio", DRIVERS=="virtio_blk", ENV{.PRIVATE}="x", ENV{ABOVE}="$id"
KERNEL=="vda", ATTR{queue/wanted}="1", MODE="0640"
NONSENSE=="x"
`)
	m.start()
	m.is("null", "0666 0:0") // no rule says anything
	m.is("vda", "0640 0:6")  // the group is of the stock table
	m.leads("disk/by-id/virtio-a_b", "../../vda")
	m.leads("disk/by-path/pci-0000:00:01.0", "../../vda")
	heard := strings.Join(m.hears(), "\n")
	if want := "E:ID_SERIAL=a b E:ABOVE=virtio1 G:systemd Q:systemd"; !strings.Contains(heard, want) || strings.Contains(heard, "PRIVATE") {
		t.Errorf("no %q in\n%s", want, heard)
	}
	if !m.logged("50-test.rules:5:1: unknown key NONSENSE") {
		t.Errorf("log: %q", m.log)
	}
	m.waitFile(m.sysRoot+disks+"vda/queue/wanted", "1")
}

// Owner and mode that a rule gave when a device came stay when it changes.
func TestModesOutlastAChange(t *testing.T) {
	m := newMachine(t)
	m.rule("50-test.rules", `ACTION=="add", KERNEL=="vda", GROUP="video"`)
	m.start()
	m.is("vda", "0660 0:44")
	m.send(uevent.Change, disks+"vda", "block")
	m.do("settle")
	m.is("vda", "0660 0:44")
}

func TestU11_HigherPriorityTakesTheLink(t *testing.T) {
	m := newMachine(t)
	m.rule("50-test.rules", `SUBSYSTEM=="block", SYMLINK+="best", OPTIONS+="link_priority=%m"`)
	m.start()
	m.leads("best", "vda")
	m.plugDisk("vdb", 16)
	m.writeSys()
	m.node("vdb", unix.S_IFBLK, 254, 16)
	m.sendVdb(uevent.Add)
	m.do("settle")
	m.leads("best", "vda") // %m is no number: a problem, and no priority
	m.rule("50-test.rules", "SUBSYSTEM==\"block\", SYMLINK+=\"best\"\nKERNEL==\"vdb\", OPTIONS+=\"link_priority=10\"\n")
	m.order(udevctl.Reload)
	m.sendVdb(uevent.Change)
	m.do("settle")
	m.leads("best", "vdb")
	m.sys.Remove(disks + "vdb")
	m.writeSys()
	m.must(os.Remove(m.dev + "/vdb"))
	m.sendVdb(uevent.Remove)
	m.do("settle")
	m.leads("best", "vda")
}

func (m *machine) sendEnv(devpath, subsystem string, env uevent.Env) {
	m.seq++
	m.src.items <- item{ev: uevent.Event{Action: uevent.Add, DevPath: devpath, Subsystem: subsystem, SeqNum: m.seq, Env: env}}
}

// slowDisk answers for a disk when the test lets it.
type slowDisk struct{ asked, let chan string }

func (s slowDisk) blkid(devpath string) []udevrules.Property {
	s.asked <- devpath
	return []udevrules.Property{{Key: "ID_FS_UUID", Value: <-s.let}}
}

const slowRules = `
ENV{DEVTYPE}=="partition", IMPORT{parent}="ID_FS_*", ENV{PARENT}="$env{ID_FS_UUID}"
ENV{DEVTYPE}=="disk", KERNEL=="vdb", IMPORT{builtin}="blkid", SYMLINK+="disk/by-uuid/$env{ID_FS_UUID}"
`

// While a disk is asked, other devices go on; its partition waits for it, and
// nobody hears of either before the answer.
func TestC03_SlowDiskHoldsOnlyItsOwn(t *testing.T) {
	m := newMachine(t)
	disk := slowDisk{make(chan string), make(chan string)}
	m.blkid = disk.blkid
	m.rule("50-slow.rules", slowRules)
	m.start()
	m.hears()
	m.plugDisk("vdb", 16)
	m.sys.Add(disks+"vdb/vdb1", "block", "MAJOR=254", "MINOR=17", "DEVNAME=vdb1", "DEVTYPE=partition", "PARTN=1")
	m.sys.Add("/devices/virtual/mem/zero", "mem", "MAJOR=1", "MINOR=5", "DEVNAME=zero", "DEVMODE=0666")
	m.writeSys()
	m.node("vdb", unix.S_IFBLK, 254, 16)
	m.node("vdb1", unix.S_IFBLK, 254, 17)
	m.node("zero", unix.S_IFCHR, 1, 5)
	m.sendVdb(uevent.Add)
	m.sendEnv(disks+"vdb/vdb1", "block", "MAJOR=254\x00MINOR=17\x00DEVNAME=vdb1\x00")
	<-disk.asked
	m.sendEnv("/devices/virtual/mem/zero", "mem", "MAJOR=1\x00MINOR=5\x00DEVNAME=zero\x00")
	for m.stat("char/1:5") == "" { // its event has been handled
		m.do("status")
	}
	m.is("vdb", "0660 0:6") // the stock table does not wait
	m.leads("disk/by-uuid/1234", "none")
	m.expectHeard("add c1:5: ; 0666 0:0")
	disk.let <- "1234"
	m.do("settle")
	m.leads("disk/by-uuid/1234", "../../vdb")
	heard := m.hears()
	if len(heard) != 2 || !strings.Contains(heard[0], "E:ID_FS_UUID=1234") || !strings.Contains(heard[1], "E:PARENT=1234") {
		t.Errorf("heard %q", heard)
	}
}

// A disk that never answers is given up after a minute: it has its node, and
// listeners hear that its rules were not applied.
func TestC03_DiskThatNeverAnswersIsGivenUp(t *testing.T) {
	m := newMachine(t)
	var late atomic.Bool
	began := time.Now()
	m.clock = func() time.Time {
		if late.Load() {
			return stopped().Add(time.Since(began) + 2*time.Minute)
		}
		return stopped().Add(time.Since(began))
	}
	disk := slowDisk{make(chan string), make(chan string)}
	m.blkid = disk.blkid
	m.rule("50-slow.rules", slowRules)
	m.start()
	m.hears()
	m.plugDisk("vdb", 16)
	m.node("vdb", unix.S_IFBLK, 254, 16)
	m.writeSys()
	m.sendVdb(uevent.Add)
	<-disk.asked
	late.Store(true)
	m.do("settle")
	m.is("vdb", "0660 0:6")
	m.expectHeard("add b254:16: " + vdaLinks + "0660 0:6; failed: ETIMEDOUT")
	if !m.logged("vdb: no answer to its rules in 1m0s") {
		t.Errorf("log: %q", m.log)
	}
	disk.let <- "1234" // too late
	m.do("settle")
	m.leads("disk/by-uuid/1234", "none")
	m.send(uevent.Change, disks+"vdb", "block")
	<-disk.asked
	disk.let <- "1234"
	m.do("settle")
	m.leads("disk/by-uuid/1234", "../../vdb")
}

// A disk that goes while it is asked leaves nothing behind.
func TestU04_DiskGoesWhileItIsAsked(t *testing.T) {
	m := newMachine(t)
	disk := slowDisk{make(chan string), make(chan string, 1)}
	m.blkid = disk.blkid
	m.rule("50-slow.rules", slowRules)
	m.start()
	m.plugDisk("vdb", 16)
	m.writeSys()
	m.node("vdb", unix.S_IFBLK, 254, 16)
	m.sendVdb(uevent.Add)
	<-disk.asked
	m.sys.Remove(disks + "vdb")
	m.writeSys()
	m.must(os.Remove(m.dev + "/vdb"))
	m.sendVdb(uevent.Remove)
	m.do("settle")
	disk.let <- "1234"
	m.do("settle")
	m.leads("disk/by-uuid/1234", "none")
	m.leads("block/254:16", "none")
}

// fields returns all values of a key in an answer.
func fields(records []ctl.Record, key string) []string {
	var all []string
	for _, r := range records {
		all = slices.AppendSeq(all, r.Values(key))
	}
	return all
}

func TestWhyNamesLinesAndRivals(t *testing.T) {
	m := newMachine(t)
	m.plugDisk("vdb", 16)
	m.writeSys()
	m.node("vdb", unix.S_IFBLK, 254, 16)
	m.rule("50-test.rules", `SUBSYSTEM=="block", SYMLINK+="best", GROUP="nosuch", RUN+="/bin/x '%k y'"`+"\n"+
		`KERNEL=="vdb", OPTIONS+="link_priority=3", ENV{A}="1"`+"\n")
	m.start()
	why := m.do("why", "vda")
	if got := strings.Join(fields(why, "at"), " "); !strings.HasSuffix(got, "/50-test.rules:1") {
		t.Errorf("lines %q", got)
	}
	for key, want := range map[string]string{
		"does": `SYMLINK="best" RUN="/bin/x '%k y'"`, "text": `GROUP "nosuch" does not exist`, "word": "/bin/x vda y", "driver": "virtio_blk virtio_blk virtio-pci",
	} {
		if got := strings.Join(fields(why, key), " "); got != want {
			t.Errorf("%s: got %q, want %q", key, got, want)
		}
	}
	i := slices.IndexFunc(why, func(r ctl.Record) bool { return r.Get("claim") == "best" })
	if i < 0 || why[i].Get("owner") != "vdb" || why[i].Get("priority") != "0" {
		t.Errorf("claims: %q", why)
	}
	m.rule("50-test.rules", `ACTION=="change", ENV{B}="%k", MODE="0604"`)
	test := m.do("test", "vdb", "--action=change")
	if got := strings.Join(fields(test, "property"), " "); got != "B" || test[0].Get("wanted_mode") != "604" {
		t.Errorf("test: %q", test)
	}
	m.is("vdb", "0660 0:6")
	if _, err := m.client("devmgr-ro.sock").Do("why", "vda"); ctl.ExitCode(err) != ctl.Refused {
		t.Errorf("anybody may have programs run: %v", err)
	}
}

// OPTIONS="watch": when a program has written to a node, the kernel is asked to
// announce the device.
func TestWatchedNodeIsAnnounced(t *testing.T) {
	m := newMachine(t)
	m.rule("50-test.rules", `KERNEL=="null", OPTIONS+="watch"`)
	m.start()
	if f, err := os.OpenFile(m.dev+"/null", os.O_WRONLY, 0); err != nil {
		t.Skipf("needs root: %v", err)
	} else {
		f.Close()
	}
	m.waitFile(m.sysRoot+"/devices/virtual/mem/null/uevent", "change")
}

// When somebody has written to a whole disk the kernel reads its partition table;
// if it does not want to, the partitions are announced as they are.
func TestWrittenDiskIsReadAgain(t *testing.T) {
	m := newMachine(t)
	const disk = "/devices/virtual/block/loop0"
	m.sys.Add(disk, "block", "MAJOR=7", "MINOR=0", "DEVNAME=loop0", "DEVTYPE=disk")
	m.sys.Add(disk+"/loop0p1", "block", "MAJOR=259", "MINOR=0", "DEVNAME=loop0p1", "DEVTYPE=partition")
	m.sys.Attr(disk[1:]+"/loop0p1/partition", "1\n")
	m.writeSys()
	m.node("loop0", unix.S_IFBLK, 7, 0)
	m.node("loop0p1", unix.S_IFBLK, 259, 0)
	m.rule("50-test.rules", `SUBSYSTEM=="block", OPTIONS+="watch"`)
	answers := make(chan error, 2)
	answers <- nil
	answers <- unix.EBUSY
	m.reread = func(node string) error {
		if node != m.dev+"/loop0" {
			t.Errorf("%s is read again", node)
		}
		return <-answers
	}
	m.start()
	disks, part := m.sysRoot+disk+"/uevent", m.sysRoot+disk+"/loop0p1/uevent"
	for _, announced := range []bool{false, true} {
		m.must(os.WriteFile(disks, nil, 0o644))
		m.must(os.WriteFile(part, nil, 0o644))
		f, err := os.OpenFile(m.dev+"/loop0", os.O_WRONLY|unix.O_NONBLOCK, 0)
		if err != nil {
			t.Skipf("needs root and a loop device: %v", err)
		}
		f.Close()
		if announced {
			m.waitFile(part, "change")
		}
		m.waitFile(disks, "change")
		if text, _ := os.ReadFile(part); (len(text) > 0) != announced {
			t.Errorf("the partition: %q, announced: %v", text, announced)
		}
	}
}

func TestStaticNodesHaveTheirModeBeforeTheDevice(t *testing.T) {
	m := newMachine(t)
	m.rule("50-test.rules", `KERNEL=="fuse", MODE="0664", GROUP="disk", TAG+="uaccess", OPTIONS+="static_node=fuse", OPTIONS+="static_node=vda"`+"\n"+
		`KERNEL=="x", OPTIONS+="static_node=../x"`+"\n"+`KERNEL=="y", GROUP="disk", OPTIONS+="static_node=nosuch"`+"\n")
	m.node("fuse", unix.S_IFCHR, 10, 229)
	m.start()
	m.is("fuse", "0664 0:6")
	for _, name := range []string{"fuse", "vda"} { // vda is a device already
		if target, err := os.Readlink(m.root + "/udev/static_node-tags/uaccess/" + name); err != nil {
			t.Errorf("no tag: %q, %v", target, err)
		}
	}
	if !m.logged(`static_node "../x" is no name`) {
		t.Errorf("log: %q", m.log)
	}
}

func TestRulesForModules(t *testing.T) {
	m := newMachine(t)
	m.sys.Attr("module/block/parameters/poll", "0\n")
	m.sys.Attr("module/late/parameters/poll", "0\n")
	m.writeSys()
	m.rule("50-test.rules", `ACTION=="add", SUBSYSTEM=="module", KERNEL=="block|late", ATTR{parameters/poll}=="0", ATTR{parameters/poll}="2000"`)
	m.start()
	m.waitFile(m.sysRoot+"/module/block/parameters/poll", "2000")
	m.waitFile(m.sysRoot+"/module/late/parameters/poll", "2000")
	m.must(os.WriteFile(m.sysRoot+"/module/late/parameters/poll", []byte("0\n"), 0o644))
	m.send(uevent.Add, "/module/late", "module")
	m.waitFile(m.sysRoot+"/module/late/parameters/poll", "2000")
}

// What rules kept of a device is there after a restart.
func TestU07_RulesFindWhatTheyStored(t *testing.T) {
	m := newMachine(t)
	m.rule("50-test.rules", `KERNEL=="vda", ENV{COUNT}="once"`)
	m.start()()
	m.hears()
	m.rule("50-test.rules", `KERNEL=="vda", IMPORT{db}="COUNT", ENV{AGAIN}="$env{COUNT}"`)
	m.src = &source{items: make(chan item, 1000)}
	m.start()
	if got := strings.Join(fields(m.do("info", "vda"), "value"), " "); !strings.HasSuffix(got, "disk once once") {
		t.Errorf("properties: %q", got)
	}
}

func TestLinkFilesNameInterfaces(t *testing.T) {
	m := newMachine(t)
	const eth0 = "/devices/pci0/0000:00:01.0/virtio1/net/eth0"
	m.sys.Add(eth0, "net", "INTERFACE=eth0", "IFINDEX=2")
	for name, text := range map[string]string{"type": "1\n", "address": "02:fc:00:00:00:01\n", "ifindex": "2\n", "addr_assign_type": "0\n"} {
		m.sys.Attr(eth0[1:]+"/"+name, text)
	}
	m.writeSys()
	m.must(os.MkdirAll(m.root+"/etc/systemd/network", 0o755))
	m.must(os.WriteFile(m.root+"/etc/systemd/network/10-lan.link", []byte("[Match]\nMACAddress=02:fc:00:00:00:01\n[Link]\nName=lan0\nMTUBytes=1400\nMACAddress=02:00:00:00:00:09\nAlternativeName=lan0\nAlternativeName=uplink\nWakeOnLan=magic\n"), 0o644))
	m.rule("50-test.rules", `SUBSYSTEM=="net", IMPORT{builtin}="net_id", IMPORT{builtin}="net_setup_link"`+"\n"+
		`SUBSYSTEM=="net", NAME=="", ENV{ID_NET_NAME}!="", NAME="$env{ID_NET_NAME}"`+"\n")
	renamed := make(chan string, 1)
	m.rename = func(index int, name string) error {
		renamed <- fmt.Sprint(index, " ", name)
		return errors.New("busy")
	}
	var set []string
	m.set = func(index int, s netname.Settings) error {
		set = append(set, fmt.Sprint(index, " ", s.MTU, " ", net.HardwareAddr(s.Address), " ", s.Alternatives))
		return errors.New("no")
	}
	m.start()
	if got := <-renamed; got != "2 lan0" {
		t.Errorf("renamed %s", got)
	}
	got := strings.Join(fields(m.do("info", "eth0"), "value"), " ")
	if !strings.Contains(got, "/etc/systemd/network/10-lan.link") || !strings.Contains(got, " lan0") {
		t.Errorf("properties: %q", got)
	}
	m.do("test", "eth0", "--action=add") // changes nothing
	if want := "[2 1400 02:00:00:00:00:09 [uplink]]"; fmt.Sprint(set) != want {
		t.Errorf("set %q, want %s", set, want)
	}
	if !m.logged("10-lan.link:9: WakeOnLan=magic has no effect: this setting is not supported") || !m.logged("net_setup_link: no") {
		t.Errorf("log: %q", m.log)
	}
}

func TestFaultsOfRulesAreToldOnce(t *testing.T) {
	m := newMachine(t)
	m.rule("50-test.rules", `GROUP="nosuch"`)
	m.start()
	m.send(uevent.Change, disks+"vda", "block")
	m.do("settle")
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := strings.Count(strings.Join(m.log, "\n"), `GROUP "nosuch" does not exist`); n != 1 {
		t.Errorf("told %d times: %q", n, m.log)
	}
}
