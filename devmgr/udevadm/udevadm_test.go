package udevadm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"slashdev/devmgr/ctl"
	"slashdev/devmgr/devtest"
)

const disk = "/devices/pci0/0000:00:01.0/virtio1/block/vda"

// machine is a made-up machine with a database.
type machine struct {
	*System
	out, errs bytes.Buffer
	written   []string
}

func newMachine() *machine {
	sys := devtest.NewSys()
	sys.Add("/devices/pci0/0000:00:01.0", "pci", "DRIVER=virtio-pci", "MODALIAS=pci:v1")
	sys.Attr("devices/pci0/uevent", "")
	sys.Attr("devices/pci0/0000:00:01.0/vendor", "0x1af4\n")
	sys.Load("l devices/pci0/0000:00:01.0/driver ../../../bus/pci/drivers/virtio-pci")
	sys.Attr("bus/pci/drivers/virtio-pci/bind", "")
	sys.Attr("module/loop/refcnt", "0\n")
	sys.Add("/devices/pci0/0000:00:01.0/virtio1", "virtio", "DRIVER=virtio_blk")
	sys.Add(disk, "block", "MAJOR=254", "MINOR=0", "DEVNAME=vda", "DEVTYPE=disk", "DISKSEQ=9")
	sys.Attr(disk[1:]+"/size", "2048\n")
	sys.Attr(disk[1:]+"/queue/rotational", "1\n")
	sys.Attr(disk[1:]+"/binary", "a\x01b")
	sys.Add(disk+"/vda1", "block", "MAJOR=254", "MINOR=1", "DEVNAME=vda1", "DEVTYPE=partition")
	sys.Add("/devices/virtual/mem/null", "mem", "MAJOR=1", "MINOR=3", "DEVNAME=null", "DEVMODE=0666")
	sys.Add("/devices/virtual/net/lo", "net", "INTERFACE=lo", "IFINDEX=1")
	db := fstest.MapFS{
		"data/b254:0": {Data: []byte("S:disk/by-id/x\nS:disk/by-label/y\nL:-10\nI:123456\nE:ID_FS_TYPE=ext4\nE:ID_X=a b\nG:systemd\nG:seat\nQ:seat\nV:1\n")},
		"data/c1:3":   {},
	}
	m := &machine{}
	m.System = &System{Stdout: &m.out, Stderr: &m.errs, Sys: sys.FS(), SysDir: "/sys", DB: db, Udev: "/nosuch", Run: "/nosuch",
		Number: func(path string) (bool, uint64, error) {
			numbers := map[string]uint64{"/dev/vda": 254 << 8, "/dev/disk/by-id/x": 254 << 8, "/dev/vda1": 254<<8 | 1, "/dev/null": 1<<8 | 3}
			n, ok := numbers[path]
			if !ok {
				return false, 0, fs.ErrNotExist
			}
			return path != "/dev/null", n, nil
		},
		Where: func(string) (uint64, error) { return 254<<8 | 1, nil },
		Write: func(name, text string) error {
			m.written = append(m.written, name+" "+text)
			if strings.Contains(name, "/lo/") {
				return errors.New("write lo: broken")
			}
			return nil
		},
	}
	return m
}

// call returns what a command line prints.
func (m *machine) call(line string) (code int, stdout, stderr string) {
	m.out.Reset()
	m.errs.Reset()
	code = Main(m.System, strings.Fields(line))
	return code, m.out.String(), m.errs.String()
}

const diskRecord = `P: /devices/pci0/0000:00:01.0/virtio1/block/vda
M: vda
U: block
T: disk
D: b 254:0
N: vda
L: -10
S: disk/by-id/x
S: disk/by-label/y
Q: 9
E: DEVPATH=/devices/pci0/0000:00:01.0/virtio1/block/vda
E: DEVNAME=/dev/vda
E: DEVTYPE=disk
E: DISKSEQ=9
E: MAJOR=254
E: MINOR=0
E: SUBSYSTEM=block
E: USEC_INITIALIZED=123456
E: ID_FS_TYPE=ext4
E: ID_X=a b
E: DEVLINKS=/dev/disk/by-id/x /dev/disk/by-label/y
E: TAGS=:systemd:seat:
E: CURRENT_TAGS=:seat:

`

const pciRecord = `P: /devices/pci0/0000:00:01.0
M: 0000:00:01.0
R: 0
U: pci
V: virtio-pci
E: DEVPATH=/devices/pci0/0000:00:01.0
E: SUBSYSTEM=pci
E: DRIVER=virtio-pci
E: MODALIAS=pci:v1

`

const nullProperties = `DEVPATH=/devices/virtual/mem/null
DEVNAME=/dev/null
DEVMODE=0666
MAJOR=1
MINOR=3
SUBSYSTEM=mem
`

// The output is that of udevadm of Debian 12 for the same devices.
func TestOutput(t *testing.T) {
	quoted := "X_" + strings.ReplaceAll(strings.ReplaceAll(strings.TrimSpace(nullProperties), "\n", "'\nX_"), "=", "='") + "'\n"
	tests := []struct{ line, want string }{
		{"info /dev/vda", diskRecord},
		{"info /sys" + disk, diskRecord},
		{"info /sys/class/block/vda", diskRecord},
		{"info -n disk/by-id/x", diskRecord},
		{"info --name=/dev/vda --query=all", diskRecord},
		{`info dev-disk-by\x2did-x.device`, diskRecord},
		{"info -p /bus/pci/devices/0000:00:01.0", pciRecord},
		{"info -q property -n null", nullProperties},
		{"info -q property -x -P X_ /dev/null", quoted},
		{"info -qproperty --property=MAJOR,MINOR --value /dev/null", "1\n3\n"},
		{"info -q property --property ID_X /dev/vda", "ID_X=a b\n"},
		{"info -rq name /dev/vda", "/dev/vda\n"},
		{"info -q name /dev/vda /dev/null", "vda\nnull\n"},
		{"info -q symlink /dev/vda", "disk/by-id/x disk/by-label/y\n"},
		{"info -r -q symlink /dev/vda", "/dev/disk/by-id/x /dev/disk/by-label/y\n"},
		{"info -q symlink /sys/class/net/lo", "\n"},
		{"info -q path -n vda", disk + "\n"},
		{"info -d /tmp", "254:1\n"},
		{"info -x -d /tmp", "INFO_MAJOR=254\nINFO_MINOR=1\n"},
		{"info -q path /sys/module/loop", "/module/loop\n"},
		{"info -q path /sys/devices/pci0", "/devices/pci0\n"},
		{"info -w -q name /dev/vda", "vda\n"},
		{"trigger -n -v -s block", "/sys" + disk + "\n/sys" + disk + "/vda1\n"},
		{"trigger -nvs block -a size=20*", "/sys" + disk + "\n"},
		{"trigger -n -v -S block -S pci -S virtio -S mem", "/sys/devices/virtual/net/lo\n"},
		{"trigger -n -v -A size -p MAJOR=254", "/sys" + disk + "/vda1\n"},
		{"trigger -n -v -g seat", "/sys" + disk + "\n"},
		{"trigger -n -v -y v* -s v*", "/sys/devices/pci0/0000:00:01.0/virtio1\n"},
		{"trigger -n -v --name-match=/dev/null", "/sys/devices/virtual/mem/null\n"},
		{"trigger -n -v -b /sys/devices/pci0 -s block -a size", "/sys" + disk + "\n"},
		{"trigger -n -v --initialized-match", "/sys" + disk + "\n/sys/devices/virtual/mem/null\n"},
		{"trigger -n -v --initialized-nomatch -s net", "/sys/devices/virtual/net/lo\n"},
		{"trigger -n -v -t subsystems -y loop", "/sys/module/loop\n"},
		{"trigger -n -v -t all -s drivers", "/sys/bus/pci/drivers\n/sys/bus/pci/drivers/virtio-pci\n"},
		{"trigger -n -v /dev/null /sys/class/net/lo", "/sys/devices/virtual/mem/null\n/sys/devices/virtual/net/lo\n"},
		{"trigger -n -v --prioritized-subsystem=net,mem -s net -s mem -s virtio",
			"/sys/devices/virtual/net/lo\n/sys/devices/virtual/mem/null\n/sys/devices/pci0/0000:00:01.0/virtio1\n"},
		{"trigger -c help", "add\nbind\nchange\nmove\noffline\nonline\nremove\nunbind\n"},
		{"wait -t 1 /dev/vda", ""},
		{"wait --removed /dev/nosuch", ""},
		{"wait --initialized=no /dev/vda1", ""},
		{"lock -p -d /dev/vda1 -d /dev/vda", "/dev/vda\n"},
		{"lock -p -b /file", "/dev/vda\n"},
		{"settle -t 0", ""},
		{"--version", "252\n"},
		{"info -V", "252\n"},
	}
	m := newMachine()
	for _, tt := range tests {
		if code, stdout, stderr := m.call(tt.line); code != 0 || stdout != tt.want || stderr != "" {
			t.Errorf("%s: %d %s\ngot\n%s\nwant\n%s", tt.line, code, stderr, stdout, tt.want)
		}
	}
	if len(m.written) > 0 {
		t.Errorf("written: %q", m.written)
	}
}

func TestWalk(t *testing.T) {
	_, got, _ := newMachine().call("info -a -n vda")
	_, got, _ = strings.Cut(got, "one single parent device.\n\n")
	want := `  looking at device '/devices/pci0/0000:00:01.0/virtio1/block/vda':
    KERNEL=="vda"
    SUBSYSTEM=="block"
    DRIVER==""
    ATTR{queue/rotational}=="1"
    ATTR{size}=="2048"

  looking at parent device '/devices/pci0/0000:00:01.0/virtio1':
    KERNELS=="virtio1"
    SUBSYSTEMS=="virtio"
    DRIVERS==""

  looking at parent device '/devices/pci0/0000:00:01.0':
    KERNELS=="0000:00:01.0"
    SUBSYSTEMS=="pci"
    DRIVERS=="virtio-pci"
    ATTRS{vendor}=="0x1af4"

  looking at parent device '/devices/pci0':
    KERNELS=="pci0"
    SUBSYSTEMS==""
    DRIVERS==""

`
	if got != want {
		t.Errorf("got\n%s", got)
	}
}

func TestTreeAndExport(t *testing.T) {
	m := newMachine()
	code, got, _ := m.call("info --tree /sys" + disk)
	var shape []string
	for line := range strings.Lines(got) {
		if !strings.Contains(line, "┆") {
			shape = append(shape, line)
		}
	}
	if want := "└─" + disk + "\n  └─vda1\n\n2 items shown.\n"; code != 0 || strings.Join(shape, "") != want {
		t.Errorf("got\n%s", got)
	}
	if !strings.Contains(got, "\n  │ ┆ ") && !strings.Contains(got, "\n  ┆ P: "+disk+"\n") {
		t.Errorf("got\n%s", got)
	}
	_, got, _ = m.call("info -e")
	if !strings.Contains(got, diskRecord) || strings.Count(got, "P: ") != 6 {
		t.Errorf("got\n%s", got)
	}
}

func TestTriggerWrites(t *testing.T) {
	m := newMachine()
	if code, _, stderr := m.call("trigger --action=add -s block -y vda"); code != 0 {
		t.Error(stderr)
	}
	code, _, stderr := m.call("trigger -s mem -s net")
	if code != 1 || stderr != "udevadm: trigger: 1 of 2 devices: write lo: broken\n" {
		t.Errorf("%d, %q", code, stderr)
	}
	want := []string{disk[1:] + "/uevent add", "devices/virtual/mem/null/uevent change", "devices/virtual/net/lo/uevent change"}
	if !slices.Equal(m.written, want) {
		t.Errorf("got %q", m.written)
	}
	m.written = nil
	code, stdout, _ := m.call("trigger --uuid -s mem")
	if uuid := strings.TrimSpace(stdout); code != 0 || len(uuid) != 36 || !slices.Equal(m.written, []string{"devices/virtual/mem/null/uevent change " + uuid}) {
		t.Errorf("%d, %q, %q", code, stdout, m.written)
	}
}

// trigger --settle waits for the device manager, after it has triggered: a
// message that is lost makes nobody wait for ever.
func TestTriggerSettles(t *testing.T) {
	m := newMachine()
	m.Run = t.TempDir()
	m.Write = func(name, text string) error { m.written = append(m.written, name); return nil }
	asked := make(chan string, 1)
	for _, socket := range []string{"devmgr.sock", "devmgr-ro.sock"} {
		server := &ctl.Server{Path: m.Run + "/" + socket, Mode: 0o600, Logf: t.Logf, Handle: func(_ context.Context, words []string, _ *ctl.Writer) error {
			asked <- fmt.Sprint(words[0], " after ", m.written)
			return nil
		}}
		l, err := server.Listen()
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- server.Serve(ctx, l) }()
		defer func() { stop(); <-done }()
	}
	if code, _, stderr := m.call("trigger --settle -s mem"); code != 0 {
		t.Errorf("%d, %s", code, stderr)
	}
	if got := <-asked; got != "settle after [devices/virtual/mem/null/uevent]" {
		t.Error(got)
	}
}

func TestErrors(t *testing.T) {
	tests := []struct {
		line string
		text string
	}{
		{"", "command required"},
		{"dance", `unknown command "dance"`},
		{"--dance", "unrecognized option"},
		{"info", "A device name or path is required"},
		{"info nosuch", `Bad argument "nosuch", expected an absolute path`},
		{"info /dev/nosuch", `Unknown device "/dev/nosuch": No such device`},
		{"info /sys/nosuch", "No such device"},
		{"info /sys/../etc", "No such device"},
		{"info -q name /sys/class/net/lo", "No device node found"},
		{"info -q dance /dev/vda", "unknown query type"},
		{"info -a /dev/vda /dev/null", "Only one device"},
		{"info --dance", "unrecognized option --dance"},
		{"info -q", "needs a value"},
		{"info --root=x", "takes no value"},
		{"info --ex /dev/vda", "unrecognized option --ex"}, // of three
		{"info -Z", "unrecognized option -Z"},
		{"trigger -c dance", "unknown action"},
		{"trigger -t dance", "unknown type"},
		{"trigger -p dance", "is not KEY=VALUE"},
		{"trigger -n /dev/nosuch", "No such device"},
		{"control --ping x", "unexpected argument"},
		{"settle -t never", "is not a time"},
		{"settle", "connect /nosuch/devmgr"},
		{"control", "expects one or more options"},
		{"control --ping -t 1", "connect /nosuch/control"},
		{"control -p dance", "expected KEY=VALUE"},
		{"control -l dance", "unknown level"},
		{"control -m x", "is no number"},
		{"wait", "Too few arguments"},
		{"wait x", "is below neither"},
		{"wait --initialized=maybe /dev/vda", "neither yes nor no"},
		{"wait -t 0.01 /dev/nosuch", "Timed out for waiting devices being initialized"},
		{"wait -t 0.01 --removed /dev/vda", "Timed out for waiting devices being removed"},
		{"lock true", "No devices specified"},
		{"lock -d /dev/null true", "is no block device"},
		{"lock -d /dev/vda", "command to execute"},
		{"test", "syspath parameter missing"},
		{"test /dev/vda", "no rules to test"},
		{"test-builtin", "commands are: echo"},
		{"test-builtin dance /dev/vda", "Unknown command"},
		{"verify x", "dev rules check"},
		{"hwdb --update", "not supported here"},
	}
	m := newMachine()
	m.Builtins = map[string]Builtin{"echo": nil}
	for _, tt := range tests {
		if code, stdout, stderr := m.call(tt.line); code != 1 || stdout != "" || !strings.Contains(stderr, tt.text) {
			t.Errorf("%s: got %d, %q, %q", tt.line, code, stdout, stderr)
		}
	}
}

func TestBuiltinAndTest(t *testing.T) {
	m := newMachine()
	m.Builtins = map[string]Builtin{"echo": func(devpath string, args []string) ([]string, error) {
		return append([]string{"DEVPATH=" + devpath}, args...), nil
	}}
	if code, got, _ := m.call("test-builtin echo " + disk); code != 0 || got != "DEVPATH="+disk+"\n" {
		t.Errorf("%d, %q", code, got)
	}
	m.Test = func(w io.Writer, devpath, action string) error {
		fmt.Fprintf(w, "%s %s\n", action, devpath)
		return nil
	}
	if code, got, _ := m.call("test -a change /dev/vda"); code != 0 || !strings.HasSuffix(got, "\nchange "+disk+"\n") {
		t.Errorf("%d, %q", code, got)
	}
}

func TestHelp(t *testing.T) {
	m := newMachine()
	_, all, _ := m.call("--help")
	for _, v := range verbs() {
		code, help, _ := m.call(v.name + " --help")
		if code != 0 || !strings.HasPrefix(help, "udevadm "+v.name) || !strings.Contains(all, "  "+v.name+" ") {
			t.Errorf("%s: %q", v.name, help)
		}
		for line := range strings.Lines(all + help) {
			if len(line) > 81 {
				t.Errorf("longer than 80 columns: %q", line)
			}
		}
		for _, o := range v.options {
			undocumented := []string{"no-pager", "seq-start", "seq-end", "quiet", "log-priority", "reload-rules", "env", "environment"}
			if v.name != "verify" && v.name != "hwdb" && !strings.Contains(help, "--"+o.long) && !slices.Contains(undocumented, o.long) {
				t.Errorf("help of %s does not have --%s", v.name, o.long)
			}
		}
	}
}
