package udev

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"slashdev/devmgr/devtree"
	"slashdev/devmgr/uevent"
)

// machine is a Host made of maps.
type machine struct {
	files   map[string]string
	parents []Parent
	calls   []string
	answers map[string]string // by command line; "!" is an error
	later   bool
}

func (m *machine) Attr(devpath, name string) (string, bool) {
	v, ok := m.files[path.Join("/sys", devpath, name)]
	return v, ok
}

func (m *machine) Read(name string) (string, bool) {
	v, ok := m.files[name]
	return v, ok
}

func (m *machine) Stat(name string) (fs.FileMode, bool) {
	for f := range m.files {
		if ok, _ := path.Match(name, f); ok || strings.HasPrefix(f, name+"/") {
			if f == "/bin/sh" {
				return 0o755, true
			}
			return 0o644, true
		}
	}
	return 0, false
}

func (m *machine) Parents() []Parent { return m.parents }

func (m *machine) ID(_ IDKind, name string) (uint32, bool) {
	id, ok := map[string]uint32{"root": 0, "disk": 6, "tty": 5}[name]
	return id, ok
}

func (m *machine) Const(key string) string {
	return map[string]string{"arch": "x86-64", "virt": "kvm"}[key]
}

func (m *machine) Call(c Call) (Answer, error) {
	if m.later {
		return Answer{}, ErrLater
	}
	line := strings.Join(c.Argv, "|")
	m.calls = append(m.calls, line)
	out, ok := m.answers[line]
	switch {
	case !ok && c.Builtin:
		return Answer{}, ErrNothing
	case !ok || out == "!":
		return Answer{}, errors.New("exit status 1")
	}
	out, inside := strings.CutPrefix(out, "inside: ") // a program that the host has built in
	if !c.Builtin && !inside {
		return Answer{Output: out}, nil
	}
	var a Answer
	for pair := range strings.FieldsSeq(out) {
		k, v, _ := strings.Cut(pair, "=")
		a.Properties = append(a.Properties, Property{k, v})
	}
	return a, nil
}

const vdaPath = "/devices/pci0000:00/0000:00:02.0/virtio1/block/vda"

func newDevice(devpath, subsystem, env string) *devtree.Device {
	return devtree.NewDevice(uevent.Event{DevPath: devpath, Subsystem: subsystem, Env: uevent.Lines(env)})
}

// newMachine is the disk on which udevadm test 252 was asked for what the
// tests below expect.
func newMachine() (*machine, Device) {
	m := &machine{files: map[string]string{
		"/sys" + vdaPath + "/size":                              "536870912",
		"/sys" + vdaPath + "/queue/scheduler":                   "none [mq-deadline] kyber bfq",
		"/sys" + vdaPath + "/queue/rotational":                  "1 ",
		"/sys" + vdaPath + "/subsystem":                         "block",
		"/sys/devices/pci0000:00/0000:00:02.0/virtio1/vendor":   "0x1af4",
		"/sys/devices/pci0000:00/0000:00:02.0/virtio1/modalias": "virtio:d00000002v00001AF4",
		"/sys/class/mem/null/dev":                               "1:3\n",
		"/proc/cmdline":                                         "quiet root=/dev/vda1 quiet",
		"/proc/sys/kernel/ostype":                               "Linux\n",
		"/bin/sh":                                               "",
		"/etc/os-release":                                       "NAME=\"Debian GNU/Linux\"\n# no\n X3 = y \nnoeq\n",
	}}
	m.answers = map[string]string{}
	m.parents = []Parent{
		{Device: newDevice("/devices/pci0000:00/0000:00:02.0/virtio1", "virtio", "DRIVER=virtio_blk\nMODALIAS=virtio:d00000002v00001AF4\n"),
			Stored: []Property{{"ID_PATH", "pci-0000:00:02.0"}, {"ID_FS_TYPE", "x"}, {".ID_P", "private"}}, Tags: []string{"up"}},
		{Device: newDevice("/devices/pci0000:00/0000:00:02.0", "pci", "DRIVER=virtio-pci\nPCI_CLASS=10000\n")},
	}
	return m, Device{Action: "add", Device: newDevice(vdaPath, "block", "MAJOR=254\nMINOR=0\nDEVNAME=vda\nDEVTYPE=disk\nDISKSEQ=9\n")}
}

func parse(t *testing.T, text string) *Set {
	t.Helper()
	set, problems := Parse([]File{{"x.rules", text}})
	for _, p := range problems {
		t.Errorf("%s", p)
	}
	return set
}

func (r *Result) env(key string) string {
	for _, p := range r.Properties {
		if p.Key == key {
			return p.Value
		}
	}
	return "-"
}

// Each row is a rule behind which ENV{X} is looked at. What is expected is
// what udevadm test of Debian 12 said for the same rule.
func TestTests(t *testing.T) {
	for _, tt := range []struct{ rule, want string }{
		{`ATTR{nosuch}!="1", ENV{X}="1"`, "-"},
		{`ATTR{nosuch}=="", ENV{X}="1"`, "-"},
		{`ATTRS{nosuch}!="1", ENV{X}="1"`, "-"},
		{`DRIVER!="x", ENV{X}="1"`, "1"},
		{`DRIVER=="", ENV{X}="1"`, "1"},
		{`DRIVERS=="", ENV{X}="1"`, "1"},
		{`ENV{NO}!="x", ENV{X}="1"`, "1"},
		{`ENV{NO}=="", ENV{X}="1"`, "1"},
		{`ENV{NO}=="|x", ENV{X}="1"`, "1"},
		{`ENV{NO}=="x|", ENV{X}="1"`, "1"},
		{`ENV{DEVTYPE}=="disk", ENV{X}="$env{MAJOR}"`, "254"},
		{`ENV{DEVNAME}=="/dev/vda", ENV{X}="1"`, "1"},
		{`KERNEL=="[!a-u]da", ENV{X}="1"`, "1"},
		{`KERNEL=="vd\a", ENV{X}="1"`, "-"},
		{`KERNEL=="|vda", ENV{X}="1"`, "1"},
		{`KERNEL==i"VD?", ENV{X}="1"`, "1"},
		{`KERNEL!="sd*|vd*", ENV{X}="1"`, "-"},
		{`ACTION=="add|change", SUBSYSTEM=="block", ENV{X}="1"`, "1"},
		{`ACTION=="remove", ENV{X}="1"`, "-"},
		{`DEVPATH=="*/virtio?/*", ENV{X}="1"`, "1"},
		{`KERNELS=="vda", ENV{X}="id=$id"`, "id=vda"},
		{`KERNELS=="virtio*", ENV{X}="id=$id drv=$driver"`, "id=virtio1 drv=virtio_blk"},
		{`SUBSYSTEMS=="virtio", ATTRS{vendor}=="0x1af4", ENV{X}="both $id"`, "both virtio1"},
		{`SUBSYSTEMS=="virtio", ATTRS{size}=="?*", ENV{X}="both $id"`, "-"},
		{`SUBSYSTEMS!="block", ENV{X}="$id"`, "virtio1"},
		{`ATTRS{modalias}!="pci*", ENV{X}="$id"`, "virtio1"},
		{`TAGS!="foo", ENV{X}="$id"`, "vda"},
		{`TAGS=="up", ENV{X}="$id"`, "virtio1"},
		{`ATTR{queue/rotational}=="1", ENV{X}="$attr{queue/rotational}."`, "1."},
		{`ATTR{queue/rotational}=="1 ", ENV{X}="1"`, "1"},
		{`ATTR{queue/rotational}=="2 ", ENV{X}="1"`, "-"},
		{`ATTR{si%%ze}=="?*", ENV{X}="1"`, "-"},
		{`ATTR{[mem/null]dev}=="1:3", ENV{X}="1"`, "1"},
		{`TEST=="size", ENV{X}="1"`, "1"},
		{`TEST=="queue", ENV{X}="1"`, "1"},
		{`TEST!="nosuch", ENV{X}="1"`, "1"},
		{`TEST{0111}=="/bin/sh", ENV{X}="1"`, "1"},
		{`TEST{0111}=="size", ENV{X}="1"`, "-"},
		{`CONST{arch}=="x86-64", ENV{X}="1"`, "1"},
		{`SYSCTL{kernel/ostype}=="Linux", ENV{X}="1"`, "1"},
		{`SYSCTL{kernel.ostype}=="Linux", ENV{X}="1"`, "1"},
		{`IMPORT{cmdline}="root", ENV{X}="$env{root}"`, "/dev/vda1"},
		{`IMPORT{cmdline}="quiet", ENV{X}="$env{quiet}"`, "1"},
		{`IMPORT{cmdline}="nosuch", ENV{X}="1"`, "-"},
		{`IMPORT{cmdline}!="nosuch", ENV{X}="1"`, "1"},
		{`IMPORT{parent}="ID_[!F]*", ENV{X}="$env{ID_PATH} $env{ID_FS_TYPE}"`, "pci-0000:00:02.0 "},
		{`IMPORT{parent}="*", ENV{X}="$env{.ID_P}"`, ""},
		{`IMPORT{parent}="NOSUCH", ENV{X}="1"`, "1"},
		{`IMPORT{parent}="MODALIAS", ENV{X}="$env{MODALIAS}"`, "virtio:d00000002v00001AF4"},
		{`IMPORT{file}="/etc/os-release", ENV{X}="$env{NAME}$env{X3}"`, "Debian GNU/Linuxy"},
		{`IMPORT{file}="/nosuch", ENV{X}="1"`, "-"},
		{`IMPORT{db}="OLD", ENV{X}="$env{OLD}"`, "stored"},
		{`IMPORT{db}="OLDER", ENV{X}="1"`, "-"},
		{`ENV{OLD}=="?*", ENV{X}="1"`, "-"},
	} {
		m, dev := newMachine()
		dev.Stored = []Property{{"OLD", "stored"}}
		r := parse(t, tt.rule).Decide(dev, m)
		if got := r.env("X"); got != tt.want {
			t.Errorf("%s\ngot %q, want %q", tt.rule, got, tt.want)
		}
	}
}

func TestSubstitutions(t *testing.T) {
	for _, tt := range []struct{ value, want string }{
		{"$name $root $sys $devnode $major $minor $number $kernel %k", "vda /dev /sys /dev/vda 254 0  vda vda"},
		{"$devpath=%p", vdaPath + "=" + vdaPath},
		{"$parent|$driver|$id|%b", "|||"},
		{"3%%$$", "3%$"},
		{"$attr{size} $attr{queue/scheduler} $attr{subsystem} $attr{nosuch} $attr{[mem/null]dev}", "536870912 none _mq-deadline_ kyber bfq block  1:3"},
		{"%s{size} %E{MAJOR} %M %m %n %N %r %S", "536870912 254 254 0  /dev/vda /dev /sys"},
		{"$result|$result{2}|%c{2+}|%c{9}", "one two_3_ four|two_3_|two_3_ four|"},
		{`a\tb\"c`, `a\tb"c`},
	} {
		m, dev := newMachine()
		m.answers["/bin/echo|one two"] = "one two(3) four\n"
		r := parse(t, `PROGRAM="/bin/echo 'one two'", ENV{X}="`+tt.value+`"`).Decide(dev, m)
		if got := r.env("X"); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.value, got, tt.want)
		}
	}
	m, dev := newMachine()
	r := parse(t, `ENV{X}=e"a\tb\n\x41\101\u00e4\"\\"`).Decide(dev, m)
	if got, want := r.env("X"), "a\tb\nAAä\"\\"; got != want {
		t.Errorf("e\"\": got %q, want %q", got, want)
	}
}

func TestAssignments(t *testing.T) {
	for _, tt := range []struct{ rules, want string }{
		{`ENV{C}="a b  c"` + "\n" + `SYMLINK+="x/$env{C} y z(1)"`, "links x/a_b_c y z_1_"},
		{`ENV{C}="a b  c"` + "\n" + `OPTIONS="string_escape=replace", ENV{D}="a b(c)d/é\x20", SYMLINK+="r/$env{C} y2"`, "links r/a_b_c_y2; D=a_b_c_d_é\\x20"},
		{`ENV{C}="a b"` + "\n" + `OPTIONS="string_escape=none", ENV{D}="a b(c)d/", SYMLINK+="n/$env{C}"`, "links n/a b; D=a b(c)d/"},
		{`OPTIONS="string_escape=replace", ENV{A}="1"` + "\n" + `ENV{C}="a b(c)d/"`, "; C=a b(c)d/"}, // for one rule only
		{`SYMLINK="a b", SYMLINK-="a"`, "links b"},
		{`SYMLINK:="a"` + "\n" + `SYMLINK+="b"`, "links a"},
		{`SYMLINK+="vda /dev/abs ../x b//c"`, "links abs; faults 2"},
		{`SYMLINK+="a"` + "\n" + `SYMLINK=="a*", SYMLINK+="b"` + "\n" + `SYMLINK!="a*", SYMLINK+="c"`, "links a b"},
		{`ENV{D}="x"` + "\n" + `ENV{D}+="y"` + "\n" + `ENV{D}+=""`, "; D=x y"},
		{`ENV{D}+="first"`, "; D=first"},
		{`ENV{D}="x"` + "\n" + `ENV{D}=""`, ""},
		{`ENV{D}="$env{NOPE}"`, "; D="},
		{`ENV{D}="1", ENV{D}="2"`, "; D=2"},
		{`TAG+="t1", TAG+="t2"` + "\n" + `TAG=="t1", TAG!="t9", ENV{D}="y"`, "; D=y; tags t1 t2"},
		{`TAG+="t1", TAG+="t2"` + "\n" + `TAG-="t1"`, "; tags t2"},
		{`TAG+="t1"` + "\n" + `TAG="t3"`, "; tags t3"},
		{`GROUP="disk"`, "; 0660 :disk"},
		{`MODE="0640", MODE="0644", GROUP:="disk"` + "\n" + `GROUP="tty"`, "; 0644 :disk"},
		{`OWNER="1000", MODE="600"`, "; 0600 1000:"},
		{`GROUP="nosuch", ENV{D}="x"`, "; D=x; faults 1"},
		{`GROUP="nosuch"`, "; faults 1"},
		{`RUN+="/bin/echo $env{C} '$env{C} x' a$env{C}"` + "\n" + `ENV{C}="a 'b"`, "; run /bin/echo,a 'b,a 'b x,aa 'b"},
		{`RUN+="a"` + "\n" + `RUN="b"` + "\n" + `RUN{builtin}+="kmod load"`, "; run b; run kmod,load"},
		{`RUN:="a"` + "\n" + `RUN+="b"`, "; run a"},
		{`ENV{R}="/bin/umount -l /mnt"` + "\n" + `RUN+="$env{R}"`, "; run /bin/umount,-l,/mnt"},
		{`NAME="foo"`, "; faults 1"},
		{`ATTR{queue/x}="$attr{size}"`, "; write /sys" + vdaPath + "/queue/x=536870912"},
		{`ATTR{queue/*/x}="1", SYSCTL{net.a.b}="2"`, "; write /sys" + vdaPath + "/queue/*/x=1; write /proc/sys/net/a/b=2"},
		{`OPTIONS="link_priority=-100", OPTIONS+="watch", OPTIONS+="db_persist"`, "; prio -100; watch; persist"},
		{`OPTIONS+="watch"` + "\n" + `OPTIONS+="nowatch"`, ""},
		{`SECLABEL{selinux}="a_t"`, "; label selinux=a_t"},
		{`GOTO="end"` + "\n" + `SYMLINK+="a"` + "\n" + `LABEL="end"` + "\n" + `SYMLINK+="b"`, "links b"},
		{`KERNEL=="x", GOTO="end"` + "\n" + `SYMLINK+="a"` + "\n" + `LABEL="end"`, "links a"},
		{`KERNEL=="vda", GOTO="a"` + "\n" + `GOTO="end"` + "\n" + `LABEL="a"` + "\n" + `SYMLINK+="a"` + "\n" + `LABEL="end"`, "links a"},
		{`KERNEL=="x", GOTO="a"` + "\n" + `GOTO="end"` + "\n" + `LABEL="a"` + "\n" + `SYMLINK+="a"` + "\n" + `LABEL="end"`, ""},
		{`LABEL="a", SYMLINK+="x", GOTO="a"` + "\n" + `SYMLINK+="y"` + "\n" + `LABEL="a"`, "links x"},
		{`ENV{N}="v" ENV{N2} = "w" ,, \` + "\n# comment\n" + `  SYMLINK+="l", \` + "\n\n" + `SYMLINK+="m"`, "links l m"},
		{`KERNELS=="virtio*", SYMLINK+="$id"` + "\n" + `SYMLINK+="b$id"`, "links virtio1 bvirtio1"},
		{`KERNELS=="virtio*", SYMLINK+="$id"` + "\n" + `KERNELS=="no", SYMLINK+="x"` + "\n" + `SYMLINK+="b$id"`, "links virtio1 b"},
		{`SUBSYSTEMS=="virtio", SYMLINK+="m-$attr{modalias}"`, "links m-virtio:d00000002v00001AF4"},
	} {
		m, dev := newMachine()
		r := parse(t, tt.rules).Decide(dev, m)
		if got := summary(&r); got != tt.want {
			t.Errorf("%s\ngot  %q\nwant %q", tt.rules, got, tt.want)
		}
	}
}

// summary prints what was decided, but for properties other than D and C.
func summary(r *Result) string {
	var b strings.Builder
	if len(r.Links) > 0 {
		b.WriteString("links " + strings.Join(r.Links, " "))
	}
	for _, p := range r.Properties {
		if p.Key == "D" || p.Key == "C" && strings.Contains(p.Value, "(") {
			b.WriteString("; " + p.Key + "=" + p.Value)
		}
	}
	if r.OwnerSet || r.GroupSet || r.ModeSet {
		fmt.Fprintf(&b, "; %04o %s:%s", r.Mode, r.Owner, r.Group)
	}
	if len(r.Tags) > 0 {
		b.WriteString("; tags " + strings.Join(r.Tags, " "))
	}
	if r.Priority != 0 {
		fmt.Fprintf(&b, "; prio %d", r.Priority)
	}
	for _, f := range []struct {
		name string
		set  bool
	}{{"watch", r.Watch}, {"persist", r.Persist}} {
		if f.set {
			b.WriteString("; " + f.name)
		}
	}
	for _, x := range r.Runs {
		b.WriteString("; run " + strings.Join(x.Argv, ","))
	}
	for _, w := range r.Writes {
		b.WriteString("; write " + w.Path + "=" + w.Value)
	}
	for _, l := range r.SecLabels {
		b.WriteString("; label " + l.Key + "=" + l.Value)
	}
	if len(r.Faults) > 0 {
		fmt.Fprintf(&b, "; faults %d", len(r.Faults))
	}
	return b.String()
}

func TestPrograms(t *testing.T) {
	m, dev := newMachine()
	m.answers["/bin/true"] = ""
	m.answers["id|--export|/dev/vda"] = "A=1\nB='two words'\n"
	m.answers["bad"] = "!"
	m.answers["scsi_id"] = "inside: ID_SERIAL=1"
	m.answers["path_id"] = "ID_PATH=pci-1"
	r := parse(t, `
PROGRAM="/bin/true", ENV{P1}="y"
PROGRAM!="bad", ENV{P2}="y"
PROGRAM=="bad", ENV{P3}="y"
IMPORT{program}="id --export $devnode", ENV{P4}="$env{A}$env{B}"
IMPORT{program}="bad", ENV{P5}="y"
IMPORT{builtin}="path_id", ENV{P6}="$env{ID_PATH}"
IMPORT{builtin}="blkid", ENV{P7}="y"
IMPORT{builtin}!="blkid", ENV{P8}="y"
IMPORT{program}="scsi_id", ENV{P9}="$env{ID_SERIAL}"
`).Decide(dev, m)
	var got []string
	for _, p := range r.Properties {
		if p.Key[0] == 'P' {
			got = append(got, p.Key+"="+p.Value)
		}
	}
	if want := "P1=y P2=y P4=1two words P6=pci-1 P8=y P9=1"; strings.Join(got, " ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if len(r.Faults) != 3 || r.Faults[0].String() != "x.rules:3:1: bad: exit status 1: " {
		t.Errorf("faults %q", r.Faults)
	}
	m.later = true
	if r := parse(t, "PROGRAM=\"/bin/true\", ENV{A}=\"1\"\nRUN+=\"a\"").Decide(dev, m); !r.Later || r.Runs != nil {
		t.Errorf("a host that may not wait: %+v", r)
	}
}

func TestRemoveSeesWhatWasStored(t *testing.T) {
	m, dev := newMachine()
	dev.Action, dev.Links = "remove", []string{"a", "b/c"}
	dev.Stored = []Property{{"REMOVE_CMD", "/bin/umount /mnt"}}
	r := parse(t, `ENV{REMOVE_CMD}!="", RUN+="$env{REMOVE_CMD}", RUN+="log '$links' $env{DEVLINKS}"`).Decide(dev, m)
	if got, want := summary(&r), "; run /bin/umount,/mnt; run log,a b/c,/dev/a /dev/b/c"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if len(r.Properties) > 0 {
		t.Errorf("stored properties are not set anew: %q", r.Properties)
	}
}

func TestNetworkNames(t *testing.T) {
	m, dev := newMachine()
	dev.Device = newDevice("/devices/pci0000:00/0000:00:03.0/net/eth0", "net", "INTERFACE=eth0\nIFINDEX=2\n")
	for value, want := range map[string]string{"lan0": "lan0", "a/b": "a_b", "7": "", "averyveryverylongname": "", "": ""} {
		r := parse(t, `NAME=="", NAME="`+value+`"`).Decide(dev, m)
		if r.Name != want || (want == "") != (len(r.Faults) == 1) {
			t.Errorf("NAME=%q: got %q, faults %v", value, r.Name, r.Faults)
		}
	}
}

// U-05, hostile strings: what a device says stays a value.
func TestHostileStringsStayValues(t *testing.T) {
	m, dev := newMachine()
	attr := "/sys" + vdaPath + "/serial"
	for _, evil := range []string{"../../etc/passwd", "a\nMAJOR=8", "\x1b[31m", "\xff\xfe", "%n$env{PATH}", "`id`;'x' \"", "null", strings.Repeat("A/", 4000)} {
		m.files[attr] = evil
		m.calls = nil
		r := parse(t, `ENV{S}="$attr{serial}", SYMLINK+="disk/by-id/$attr{serial}", RUN+="/bin/log $attr{serial}", PROGRAM=="/bin/x $attr{serial}"`).Decide(dev, m)
		if len(m.calls) != 1 || strings.Count(m.calls[0], "|") != 1 {
			t.Errorf("%q became more than one word: %q", evil, m.calls)
		}
		for _, l := range r.Links {
			if uevent.CheckName(l) != nil || !strings.HasPrefix(l, "disk/by-id/") || strings.ContainsAny(l, " \n\x1b\"'`;$%") || !utf8.ValidString(l) {
				t.Errorf("%q became the link %q", evil, l)
			}
		}
	}
}

func TestTraceNamesTheLine(t *testing.T) {
	m, dev := newMachine()
	dev.Trace = true
	r := parse(t, "# x\nKERNEL==\"vda\", SYMLINK+=\"a\", \\\n  GROUP=\"disk\"\n").Decide(dev, m)
	want := []string{`x.rules:3:3 GROUP="disk"`, `x.rules:2:16 SYMLINK="a"`}
	var got []string
	for _, s := range r.Trace {
		got = append(got, s.At.String()+" "+s.Text)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
