package kmod

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
)

const release = "6.1.0-test"

// system is a root with a small kernel and the files of modprobe.d that a test
// gives: pairs of name and text.
func system(files ...string) fstest.MapFS {
	root := fstest.MapFS{}
	put := func(name, text string) { root[name] = &fstest.MapFile{Data: []byte(text)} }
	for name, text := range map[string]string{
		"dep": "kernel/fs/xfs.ko: kernel/lib/libcrc32c.ko\nkernel/lib/libcrc32c.ko:\nkernel/arch/crc32c-intel.ko:\n" +
			"kernel/drivers/disk.ko.xz: kernel/drivers/bus.ko.zst kernel/drivers/core.ko.gz\n" +
			"kernel/drivers/bus.ko.zst: kernel/drivers/core.ko.gz\nkernel/drivers/core.ko.gz:\n" +
			"kernel/drivers/generic-disk.ko:\nkernel/drivers/loop.ko:\n",
		"alias": "# made by depmod\nalias fs-xfs xfs\nalias crc32c crc32c_intel\nalias pci:v00001AF4d*sv* generic-disk\n" +
			"alias pci:v00001AF4d00001001sv*sd* disk\nalias usb:v1p[0-3]* loop\n",
		"order":           "kernel/drivers/disk.ko\nkernel/drivers/generic-disk.ko\n",
		"softdep":         "softdep libcrc32c pre: crc32c\nsoftdep disk post: loop\n",
		"builtin":         "kernel/fs/ext4/ext4.ko\nkernel/lib/crc32c.ko\n",
		"builtin.modinfo": "ext4.license=GPL\x00ext4.alias=fs-ext4\x00",
		"devname":         "# nodes\nloop loop-control c10:237\nbad ../x c1:1\nfuse fuse c10:229\n",
		"symbols":         "alias symbol:loop_register loop\n",
	} {
		put("lib/modules/"+release+"/modules."+name, text)
	}
	for i := 0; i < len(files); i += 2 {
		put(files[i], files[i+1])
	}
	return root
}

func open(t testing.TB, files ...string) *Index {
	t.Helper()
	x, err := Open(system(files...), release)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// show is a plan as a person would type it, or the error.
func show(x *Index, name string) string {
	loads, err := x.Plan(name)
	if err != nil {
		return err.Error()
	}
	var words []string
	for _, l := range loads {
		word := l.Module
		if l.Options != "" {
			word += "(" + l.Options + ")"
		}
		for i, on := range []bool{l.Soft, l.Refused != "", l.Builtin, l.Command != "" && l.Refused == ""} {
			if on {
				word += "?!=#"[i : i+1]
			}
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

func TestPlan(t *testing.T) {
	x := open(t)
	for name, want := range map[string]string{
		"disk":         "core bus disk loop?", // dependencies first, as modules.dep lists them backwards
		"generic-disk": "generic_disk", "generic_disk": "generic_disk",
		"xfs":     "crc32c_intel? libcrc32c xfs", // a dependency's soft dependency, by its alias
		"fs-xfs":  "crc32c_intel? libcrc32c xfs",
		"fs-ext4": "ext4=", "ext4": "ext4=", "crc32c": "crc32c_intel", // an alias goes before what is built in
		"symbol:loop_register":           "loop",
		"pci:v00001AF4d00001001sv00sd00": "core bus disk loop? generic_disk", // in modules.order
		"pci:v00001AF4d00001002sv00sd00": "generic_disk",
		"usb:v1p2x":                      "loop",
		"usb:v1p4x":                      ErrUnknown.Error(),
		"":                               ErrUnknown.Error(),
		"../../../../etc/passwd":         ErrUnknown.Error(),
		"kernel/drivers/loop.ko":         ErrUnknown.Error(),
		strings.Repeat("x", maxName+1):   ErrUnknown.Error(),
		"loop\x00":                       ErrUnknown.Error(),
		"$(reboot)":                      ErrUnknown.Error(),
	} {
		if got := show(x, name); got != want {
			t.Errorf("%.60q: %s, want %s", name, got, want)
		}
	}
	loads, _ := x.Plan("disk")
	if want := "lib/modules/" + release + "/kernel/drivers/disk.ko.xz"; loads[2].File != want || !loads[2].Target || loads[0].Target {
		t.Errorf("%+v, want the file %s, asked for", loads[2], want)
	}
}

func TestConfiguration(t *testing.T) {
	const file = "etc/modprobe.d/a.conf"
	tests := []struct{ text, name, want string }{
		{"options loop max_loop=8\noptions loop b=\"x y\"", "loop", `loop(max_loop=8 b="x y")`},
		{"options loop max_\\\nloop=8 \\\n b=1", "loop", "loop(max_ loop=8 b=1)"},
		{"options bus a=1", "disk", "core bus(a=1) disk loop?"},
		{"alias my-disk loop\noptions my_disk a=1\noptions loop b=2", "my-disk", "loop(a=1 b=2)"},
		{"alias my-* loop", "my-x", "loop"},
		{"alias xfs loop", "xfs", "loop"},
		{"alias fs-xfs off", "fs-xfs", ""},
		{"alias a b\nalias b loop", "a", ""}, // an alias of an alias is none
		{"blacklist disk", "pci:v00001AF4d00001001sv00sd00", "generic_disk"},
		{"blacklist generic-disk", "pci:v00001AF4d00001002sv00sd00", "blacklisted: generic_disk at /" + file + ":1"},
		{"blacklist loop", "loop", "loop"},
		{"blacklist loop", "disk", "core bus disk loop?"},
		{"alias my loop\nblacklist loop", "my", "blacklisted: loop at /" + file + ":2"},
		{"install loop /bin/true", "loop", "loop#"},
		{"install bus /bin/false", "disk", "core bus! disk loop?"},
		{"install nosuch /usr/bin/false", "nosuch", "nosuch!"},
		{"install loop /sbin/modprobe --ignore-install loop; reboot", "loop", "loop!"},
		{"install loop /bin/true\ninstall loop /bin/false", "loop", "loop#"}, // the first counts
		{"softdep loop pre: xfs nosuch post: fs-ext4 disk", "loop", "crc32c_intel? libcrc32c? xfs? loop ext4?= core? bus? disk?"},
		{"softdep loop xfs", "loop", "loop"},
		{"softdep disk pre: xfs\nsoftdep disk post: xfs", "disk", "core bus crc32c_intel? libcrc32c? xfs? disk"},
		{"softdep loop pre: disk", "loop", "core? bus? disk? loop"},
	}
	for _, tt := range tests {
		if got := show(open(t, file, tt.text), tt.name); got != tt.want {
			t.Errorf("%q, %s: %s, want %s", tt.text, tt.name, got, tt.want)
		}
	}
}

func TestConfigurationFiles(t *testing.T) {
	x := open(t,
		"lib/modprobe.d/a.conf", "options loop lib=1",
		"etc/modprobe.d/a.conf", "options loop etc=1",
		"run/modprobe.d/b.conf", "options loop run=1",
		"usr/lib/modprobe.d/0.conf", "options loop zero=1",
		"etc/modprobe.d/c.txt", "options loop txt=1",
		"proc/cmdline", "quiet loop.max=3 modprobe.blacklist=xfs,generic-disk Loop.a=b loop.name=\"a b\" .x=1 y.=2 -- loop.no=1\n")
	if got, want := show(x, "loop"), `loop(zero=1 etc=1 run=1 max=3 name="a b")`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := show(x, "pci:v00001AF4d00001002sv00sd00"); got != "blacklisted: generic_disk at /proc/cmdline" {
		t.Errorf("%s", got)
	}
}

func TestNodes(t *testing.T) {
	nodes, err := Nodes(system(), release)
	if got := fmt.Sprint(nodes); err != nil || got != "[{loop loop-control false 10 237} {fuse fuse false 10 229}]" {
		t.Errorf("nodes %s, %v", got, err)
	}
	if nodes, err := Nodes(system(), "other"); nodes != nil || err != nil {
		t.Errorf("nodes %v, %v", nodes, err)
	}
}

func TestWanted(t *testing.T) {
	names, err := Wanted(system("etc/modules-load.d/b.conf", "# a\n; b\n  loop \n\nnbd", "usr/lib/modules-load.d/a.conf", "xfs\n",
		"usr/lib/modules-load.d/b.conf", "never\n", "etc/modules-load.d/c.txt", "never\n"))
	if got := strings.Join(names, " "); err != nil || got != "xfs loop nbd" {
		t.Errorf("%s, %v", got, err)
	}
}

// TestC01_OtherLinesStillApply: what is wrong is named by file and line.
func TestC01_OtherLinesStillApply(t *testing.T) {
	x := open(t, "etc/modprobe.d/a.conf", "# fine\nbogus line\n\noptions\ninstall loop /bin/sh -c 'reboot'\noptions a \x00\noptions bus a=1\n")
	want := `/etc/modprobe.d/a.conf:2: unknown word "bogus": the line is ignored
/etc/modprobe.d/a.conf:4: options needs more words: the line is ignored
/etc/modprobe.d/a.conf:5: commands are not run: loop stays as it is; only /bin/true and /bin/false act here
/etc/modprobe.d/a.conf:6: a NUL byte: the line is ignored`
	var got []string
	for _, p := range x.Problems() {
		got = append(got, p.String())
	}
	if strings.Join(got, "\n") != want {
		t.Errorf("problems:\n%s\nwant:\n%s", strings.Join(got, "\n"), want)
	}
	if got := show(x, "disk"); got != "core bus(a=1) disk loop?!" {
		t.Errorf("plan %s", got)
	}
}

func TestOpen(t *testing.T) {
	if x, err := Open(fstest.MapFS{}, "7.0"); err != nil || show(x, "loop") != ErrUnknown.Error() {
		t.Errorf("a system without modules: %v", err)
	}
	for _, bad := range []string{"", "..", "a/../../etc"} {
		if _, err := Open(system(), bad); err == nil {
			t.Errorf("release %q is taken", bad)
		}
	}
}

// TestPathsStayInside: modules.dep is a file like any other.
func TestPathsStayInside(t *testing.T) {
	x := open(t, "lib/modules/"+release+"/modules.dep", "../../../etc/evil.ko:\n/opt/../usr/mod.ko:\n")
	if got := show(x, "evil"); got != "" {
		t.Errorf("a path out of the folder: %s", got)
	}
	loads, err := x.Plan("mod")
	if err != nil || loads[0].File != "usr/mod.ko" {
		t.Errorf("%v, %v", loads, err)
	}
}

func FuzzIndex(f *testing.F) {
	f.Add("kernel/a.ko: kernel/b.ko\n", "alias pci:v*[0-9] a\n", "softdep a pre: b post: a\n", "a n c1:2\n", "pci:v0")
	f.Fuzz(func(t *testing.T, dep, alias, soft, devname, name string) {
		dir := "lib/modules/" + release + "/modules."
		x, err := Open(system(dir+"dep", dep, dir+"alias", alias, dir+"softdep", soft, dir+"devname", devname,
			dir+"builtin", alias, dir+"builtin.modinfo", dep, dir+"order", dep), release)
		if err != nil {
			t.Fatal(err)
		}
		nodes, _ := Nodes(x.root, release)
		for _, n := range nodes {
			if strings.HasPrefix(n.Name, "/") || strings.Contains("/"+n.Name+"/", "/../") {
				t.Errorf("node %q", n.Name)
			}
		}
		checkPlan(t, x, name)
	})
}

func FuzzModprobeConf(f *testing.F) {
	f.Add("options a b=\\\nc\nalias x* disk\nblacklist disk\ninstall a /bin/true\nsoftdep a pre: disk\n", "a.b=1 modprobe.blacklist=a", "xy")
	f.Fuzz(func(t *testing.T, text, cmdline, name string) {
		x, err := Open(system("etc/modprobe.d/a.conf", text, "proc/cmdline", cmdline), release)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range x.Problems() {
			if p.Line < 1 || p.Line > strings.Count(text, "\n")+1 {
				t.Errorf("a problem in line %d of %q", p.Line, text)
			}
		}
		checkPlan(t, x, name)
	})
}

// checkPlan: every module once, and no path out of the root.
func checkPlan(t *testing.T, x *Index, name string) {
	loads, err := x.Plan(name)
	if err != nil && !errors.Is(err, ErrUnknown) && !errors.Is(err, ErrBlacklisted) {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, l := range loads {
		if seen[l.Module] || strings.Contains(l.File, "..") && strings.Contains("/"+l.File+"/", "/../") {
			t.Errorf("plan of %q: %+v", name, loads)
		}
		seen[l.Module] = true
	}
}
