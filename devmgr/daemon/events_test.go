package daemon_test

import (
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"slashdev/devmgr/udevctl"
	"slashdev/devmgr/uevent"
)

// packets connects to the event socket and returns what reads a packet.
func (m *machine) packets() func() string {
	m.t.Helper()
	conn, err := net.Dial("unixpacket", m.root+"/run/events")
	m.must(err)
	m.t.Cleanup(func() { conn.Close() })
	return func() string {
		m.t.Helper()
		buf := make([]byte, 10000)
		conn.SetReadDeadline(time.Now().Add(time.Minute))
		n, err := conn.Read(buf)
		m.must(err)
		return string(buf[:n])
	}
}

func TestEventSocket(t *testing.T) {
	m := newMachine(t)
	m.start()
	next, slow := m.packets(), m.packets()
	for _, listener := range []func() string{next, slow} {
		if got := listener(); got != "listening" {
			t.Errorf("the first packet is %q", got)
		}
	}
	m.send(uevent.Change, "/devices/virtual/x/a b", "mem")
	_, got, _ := strings.Cut(next(), " ")
	if want := `action=change subsystem=mem name="a b" devpath="/devices/virtual/x/a b" node=`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	// What a listener does not read is counted; the others do not wait for it.
	for range 5000 {
		m.send(uevent.Change, disks+"vda", "block")
		if got := next(); !strings.Contains(got, "name=vda") {
			t.Fatalf("got %q", got)
		}
	}
	for n := 0; ; n++ {
		if got := slow(); strings.HasPrefix(got, "missed ") {
			return
		} else if n > 5000 {
			t.Fatal("nothing was missed")
		}
	}
}

func (m *machine) order(kinds ...udevctl.Kind) {
	m.t.Helper()
	for _, k := range kinds {
		m.must(udevctl.Send(m.root+"/udev/control", time.Minute, udevctl.Message{Kind: k}))
	}
}

// A property of udevadm control holds for the rules of the events that follow.
func TestGlobalProperty(t *testing.T) {
	m := newMachine(t)
	m.rule("50-test.rules", `KERNEL=="vda", ENV{TOLD}=="yes", SYMLINK+="told"`)
	m.start()
	for _, step := range []struct{ order, link string }{{"TOLD=yes", "vda"}, {"TOLD=", "none"}, {"TOLD=yes", "vda"}, {"TOLD=no", "none"}} {
		m.must(udevctl.Send(m.root+"/udev/control", time.Minute, udevctl.Message{Kind: udevctl.SetProperty, Text: step.order}))
		m.send(uevent.Change, disks+"vda", "block")
		m.do("settle")
		if got := m.link("told"); got != step.link {
			t.Errorf("after %s: %s", step.order, got)
		}
	}
}

func TestUdevControl(t *testing.T) {
	m := newMachine(t)
	m.start()
	m.order(udevctl.StopQueue)
	m.plugDisk("vdb", 16)
	m.writeSys()
	m.node("vdb", unix.S_IFBLK, 254, 16)
	m.sendVdb(uevent.Add)
	m.order(udevctl.Ping)
	if !m.queued() {
		t.Error("an event waits, and there is no queue")
	}
	m.is("vdb", "0600 0:0")
	m.order(udevctl.StartQueue, udevctl.SetLogLevel)
	m.do("settle")
	m.is("vdb", "0660 0:6")
	if m.do("status"); m.queued() {
		t.Error("a queue when all is done")
	}
	if !m.logged("order 1 (0, \"\") has no meaning here") {
		t.Errorf("log: %q", m.log)
	}

	// The group of disks has another number from now on.
	group, err := os.ReadFile(m.root + "/group")
	m.must(err)
	m.must(os.WriteFile(m.root+"/group", []byte(strings.Replace(string(group), "disk:x:6:", "disk:x:66:", 1)), 0o644))
	m.order(udevctl.Reload)
	m.send(uevent.Change, disks+"vdb", "block")
	m.do("settle")
	m.is("vdb", "0660 0:66")
	m.order(udevctl.Exit)
	if _, err := os.Stat(m.root + "/udev/control"); err == nil {
		t.Error("the socket is still there")
	}
}
