package daemon_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	udevrules "slashdev/devmgr/rules/udev"
	"slashdev/devmgr/uevent"
)

// program writes a script that rules may run; OUT is where it writes lines to.
func (m *machine) program(name, text string) string {
	m.t.Helper()
	file := m.root + "/" + name
	m.must(os.WriteFile(file, []byte("#!/bin/sh\nOUT="+m.root+"/out\n"+text+"\n"), 0o755))
	return file
}

// out waits for all programs and returns what they wrote.
func (m *machine) out() string {
	m.t.Helper()
	m.do("settle", "--timeout=60")
	text, _ := os.ReadFile(m.root + "/out")
	return string(text)
}

func (m *machine) wantOut(want string) {
	m.t.Helper()
	if got := m.out(); got != want {
		m.t.Errorf("programs wrote\n%swant\n%slog: %q", got, want, m.log)
	}
}

func (m *machine) plug(name string, minor int) {
	m.t.Helper()
	m.plugDisk(name, minor)
	m.node(name, unix.S_IFBLK, 254, uint32(minor))
	m.writeSys()
	m.send(uevent.Add, disks+name, "block")
}

func (m *machine) unplug(name string) {
	m.t.Helper()
	m.sys.Remove(disks + name)
	m.must(os.Remove(m.dev + "/" + name))
	m.writeSys()
	m.send(uevent.Remove, disks+name, "block")
}

// A program that a rule names is run when the node has its owner and its links,
// in order, also for what was there at the start, and for what goes.
func TestRunComesLast(t *testing.T) {
	m := newMachine(t)
	say := m.program("say", `echo "$1 $ACTION $DEVNAME label=$LABEL $(stat -c %a%g `+m.dev+`/$2 2>/dev/null) $(readlink `+m.dev+`/disk/mine-$2)" >>$OUT`)
	m.rule("50-run.rules", `
SUBSYSTEM=="block", ACTION!="remove", ENV{LABEL}="a b; $$(reboot)", SYMLINK+="disk/mine-%k", MODE="0640"
SUBSYSTEM=="block", RUN+="`+say+` first %k", RUN+="`+say+` 'second' %k"
`)
	m.start()
	cold := "first add /dev/vda label=a b; $(reboot) 6406 ../vda\nsecond add /dev/vda label=a b; $(reboot) 6406 ../vda\n"
	m.wantOut(cold)
	m.plug("vdb", 16)
	m.wantOut(cold + strings.ReplaceAll(cold, "vda", "vdb"))
	m.must(os.Remove(m.root + "/out"))
	m.unplug("vdb")
	out := m.out()
	if lines := strings.Split(out, "\n"); len(lines) != 3 || !strings.HasPrefix(lines[0], "first remove /dev/vdb") || !strings.HasPrefix(lines[1], "second remove /dev/vdb") {
		t.Errorf("for the removal: %q", out)
	}
}

// A device goes while the program of its arrival runs: the program of its
// removal waits, and no link is left.
func TestU04_DeviceGoesWhileItsProgramRuns(t *testing.T) {
	m := newMachine(t)
	m.must(unix.Mkfifo(m.root+"/go", 0o600))
	up := m.program("up", `read x <`+m.root+`/go; echo up >>$OUT`)
	down := m.program("down", `echo down >>$OUT`)
	m.rule("50-run.rules", `
KERNEL=="vdb", ACTION=="add", SYMLINK+="disk/mine", RUN+="`+up+`"
KERNEL=="vdb", ACTION=="remove", RUN+="`+down+`"
`)
	m.start()
	m.plug("vdb", 16)
	m.do("settle", "vdb")
	m.unplug("vdb")
	m.must(os.WriteFile(m.root+"/go", []byte("x\n"), 0))
	m.wantOut("up\ndown\n")
	m.leads("disk/mine", "none")
}

// Programs that hang, are missing or fail block neither events nor each other,
// and are counted.
func TestC03_ProgramsThatFailBlockNoEvent(t *testing.T) {
	m := newMachine(t)
	hang := m.program("hang", `exec sleep 1000`)
	m.rule("50-run.rules", `
KERNEL=="vdb", ACTION=="add", RUN+="`+hang+`"
KERNEL=="vdc", ACTION=="add", RUN+="nosuch", RUN+="/bin/false"
`)
	m.start()
	m.plug("vdb", 16)
	m.plug("vdc", 32)
	for i := range 20 {
		m.send(uevent.Change, disks+"vdb", "block")
		m.plug(fmt.Sprintf("vdd%d", i), 48+i)
	}
	m.do("settle", "vdd19")
	m.waitCounter("programs_failed", "2")
	m.waitCounter("programs_running", "1")
	m.is("vdd19", "0660 0:6")
	var told []string
	for _, r := range m.do("info", "vdc") {
		if p := r.Get("program"); p != "" {
			told = append(told, p+": "+r.Get("failure")+" "+r.Get("line"))
		}
	}
	if got := strings.Join(told, "; "); !strings.Contains(got, "nosuch: nosuch: file does not exist in /usr/lib/udev and /lib/udev ") || !strings.Contains(got, "/bin/false: ended with status 1 ") || !strings.Contains(got, "50-run.rules:3:") {
		t.Errorf("dev info says %q", got)
	}
}

// waitCounter waits for a counter of dev status.
func (m *machine) waitCounter(name, want string) {
	m.t.Helper()
	got := ""
	for range 20000 {
		if got = m.do("status")[0].Get(name); got == want {
			return
		}
	}
	m.t.Errorf("%s is %s, want %s; log: %q", name, got, want, m.log)
}

// The end of devmgr ends what it runs; the next one starts it anew, because it
// applies the rules to everything that is there.
func TestU07_RestartRunsAgainWhatItCutOff(t *testing.T) {
	m := newMachine(t)
	up := m.program("up", `echo begun >>$OUT; [ -e `+m.root+`/quick ] || exec sleep 1000; echo done >>$OUT`)
	m.rule("50-run.rules", `KERNEL=="vda", ACTION=="add", RUN+="`+up+`"`)
	stop := m.start()
	m.waitFile(m.root+"/out", "begun\n")
	stop()
	if !m.logged("vda: up: killed: the device manager was stopping") {
		t.Errorf("log: %q", m.log)
	}
	m.must(os.WriteFile(m.root+"/quick", nil, 0o644))
	m.src = &source{items: make(chan item, 1000)}
	m.start()
	m.wantOut("begun\nbegun\ndone\n")
}

// A rule may ask a program; the answer is one value, whatever it holds.
func TestProgramAnswersARule(t *testing.T) {
	m := newMachine(t)
	ask := m.program("ask", `echo "x/../../y $1 $WORD"; echo noise >&2`)
	m.rule("50-ask.rules", `
KERNEL=="vdb", ENV{WORD}="w"
KERNEL=="vdb", PROGRAM=="`+ask+` %k", RESULT=="*vdb w", SYMLINK+="disk/asked-%c{2}"
KERNEL=="vdb", PROGRAM=="/bin/false", SYMLINK+="disk/never"
KERNEL=="vdb", IMPORT{program}="/bin/echo FROM=program", SYMLINK+="disk/$env{FROM}"
`)
	m.start()
	m.plug("vdb", 16)
	m.do("settle", "--timeout=60")
	m.leads("disk/asked-vdb", "../vdb")
	m.leads("disk/program", "../vdb")
	m.leads("disk/never", "none")
}

const conf = `
notify 10 { match "system" "DEVFS"; match "type" "CREATE"; match "cdev" "vd[b-z]"; action "PROG '$cdev $type' $nothing"; };
attach 10 { device-name "0000:00:01.0"; action "PROG attached"; };
nomatch 10 { match "modalias" "pci:.*"; action "PROG nobody wants $device-name"; };
attach 0 { action "rm -rf / ; echo" ; };
`

// devd.conf says what is run, too; a statement that needs a shell is refused
// with its place.
func TestDevdConf(t *testing.T) {
	m := newMachine(t)
	prog := m.program("prog", `echo "$# $* ($DEVD_DEVICE_NAME)" >>$OUT`)
	m.must(os.MkdirAll(m.root+"/etc", 0o755))
	m.must(os.WriteFile(m.root+"/etc/devd.conf", []byte(strings.ReplaceAll(conf, "PROG", prog)), 0o644))
	m.start()
	cold := "1 attached (0000:00:01.0)\n"
	m.wantOut(cold)
	if !m.logged("devd.conf: /etc/devd.conf:5:29: ';' joins commands") {
		t.Errorf("log: %q", m.log)
	}
	m.plug("vdb", 16)
	m.wantOut(cold + "2 vdb CREATE  (vdb)\n")
	m.sys.Add("/devices/pci0/0000:00:02.0", "pci", "MODALIAS=pci:v2")
	m.writeSys()
	m.send(uevent.Add, "/devices/pci0/0000:00:02.0", "pci")
	m.wantOut(cold + "2 vdb CREATE  (vdb)\n3 nobody wants 0000:00:02.0 (0000:00:02.0)\n")
}

// Without its line in the list of known media nothing is mounted. For the known
// one mount is run, which finds no such disk on this machine.
func TestD05_UnknownMediaAreNotMounted(t *testing.T) {
	m := newMachine(t)
	m.blkid = func(devpath string) []udevrules.Property {
		uuid := map[bool]string{true: "known", false: "other"}[strings.HasSuffix(devpath, "nosuchdisk0")]
		return []udevrules.Property{{Key: "ID_FS_UUID", Value: uuid}, {Key: "ID_FS_TYPE", Value: "ext4"}, {Key: "ID_FS_LABEL", Value: "$(reboot)"}}
	}
	m.rule("50-blkid.rules", `SUBSYSTEM=="block", IMPORT{builtin}="blkid"`)
	m.must(os.MkdirAll(m.root+"/etc/slashdev", 0o755))
	const point = "/mnt/slashdev-d05"
	m.must(os.WriteFile(m.root+"/etc/slashdev/known", []byte("mount UUID=known "+point+"\nmount LABEL=x /mnt/x\n"), 0o644))
	t.Cleanup(func() { os.Remove(point) })
	m.start()
	for i := range 5 {
		m.plug(fmt.Sprint("nosuchdisk", 4-i), 16*(i+1))
	}
	m.do("settle", "--timeout=60")
	if !m.logged("/etc/slashdev/known:2: ") || !m.logged("nosuchdisk0: mount: ended with status ") || m.logged("nosuchdisk1: ") {
		t.Errorf("log: %q", m.log)
	}
	if s := m.do("status")[0]; s.Get("programs_done") != "1" || s.Get("programs_failed") != "1" { // mkdir and mount
		t.Errorf("status: %q", s)
	}
}

// udev.conf says how long a program may take.
func TestC03_UdevConfEndsAProgramThatHangs(t *testing.T) {
	m := newMachine(t)
	m.must(os.MkdirAll(m.root+"/etc/udev", 0o755))
	m.must(os.WriteFile(m.root+"/etc/udev/udev.conf", []byte("# udevd's\nudev_log=debug\nevent_timeout=x\nevent_timeout = '1'\n"), 0o644))
	m.rule("50-run.rules", `KERNEL=="vdb", ACTION=="add", RUN+="`+m.program("hang", `exec sleep 1000`)+`"`)
	m.start()
	m.plug("vdb", 16)
	m.do("settle", "--timeout=60")
	if !m.logged("/etc/udev/udev.conf:3: event_timeout=\"x\" is no number of seconds") || !m.logged("killed: not done after 1s") {
		t.Errorf("log: %q", m.log)
	}
}

// A medium calls itself like the disk that comes next: the kernel cannot make
// the node of that disk, so devmgr does, and removes it when the disk goes.
func TestD03_LabelLikeANodeStealsNoNode(t *testing.T) {
	m := newMachine(t)
	m.rule("50-careless.rules", `KERNEL=="vda", SYMLINK+="vdb"`)
	m.start()
	m.leads("vdb", "vda")
	m.plugDisk("vdb", 16)
	m.writeSys()
	m.send(uevent.Add, disks+"vdb", "block")
	m.do("settle", "vdb")
	m.is("vdb", "0660 0:6")
	m.sys.Remove(disks + "vdb")
	m.writeSys()
	m.send(uevent.Remove, disks+"vdb", "block")
	m.do("settle")
	m.leads("vdb", "vda")
}
