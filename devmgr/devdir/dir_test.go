package devdir

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"slashdev/devmgr/namespace"
)

// open opens a directory in which regular files stand for nodes, so that the
// tests need no rights.
func open(t *testing.T) (*Dir, string) {
	t.Helper()
	root := t.TempDir()
	d, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	d.isNode = func(st *unix.Stat_t, _ namespace.Node) bool { return st.Mode&unix.S_IFMT == unix.S_IFREG }
	return d, root
}

func write(t *testing.T, name string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

func attr(name string, mode uint32) namespace.Op {
	node := &namespace.Node{Mode: mode, UID: uint32(os.Getuid()), GID: uint32(os.Getgid()), Set: true}
	return namespace.Op{Kind: namespace.SetAttr, Entry: namespace.Entry{Name: name, Node: node}}
}

func link(name, target string) namespace.Op {
	return namespace.Op{Kind: namespace.MakeLink, Entry: namespace.Entry{Name: name, Target: target}}
}

func unlink(name, target string) namespace.Op {
	return namespace.Op{Kind: namespace.RemoveLink, Entry: namespace.Entry{Name: name, Target: target}}
}

func do(t *testing.T, d *Dir, ops ...namespace.Op) {
	t.Helper()
	for _, op := range ops {
		if err := d.Apply(op); err != nil {
			t.Error(err)
		}
	}
}

func TestSetAttr(t *testing.T) {
	d, root := open(t)
	write(t, root+"/sda")
	write(t, root+"/input/event0")
	do(t, d, attr("sda", 0o660), attr("sda", 0o660), attr("input/event0", 0o640))
	for name, want := range map[string]os.FileMode{"/sda": 0o660, "/input/event0": 0o640} {
		if st, _ := os.Stat(root + name); st.Mode() != want {
			t.Errorf("%s has mode %v, want %v", name, st.Mode(), want)
		}
	}
	if err := d.Apply(attr("sdb", 0o660)); !errors.Is(err, ErrNoNode) {
		t.Errorf("no node: %v", err)
	}
}

func TestLinks(t *testing.T) {
	d, root := open(t)
	leads := func(want string) {
		t.Helper()
		if got, _ := os.Readlink(root + "/disk/by-path/x"); got != want {
			t.Errorf("link leads to %q, want %q", got, want)
		}
	}
	do(t, d, link("disk/by-path/x", "../../sda"), link("disk/by-path/x", "../../sda"))
	leads("../../sda")
	do(t, d, link("disk/by-path/x", "../../sdb"))
	leads("../../sdb")
	if st, _ := os.Stat(root + "/disk"); st.Mode().Perm() != 0o755 {
		t.Errorf("directory has mode %v", st.Mode())
	}
	do(t, d, unlink("disk/by-path/x", "../../sda")) // no longer ours
	leads("../../sdb")
	do(t, d, unlink("disk/by-path/x", "../../sdb"), unlink("disk/by-path/x", "../../sdb"), unlink("none/x", "y"))
	if left, _ := filepath.Glob(root + "/*"); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
	do(t, d, link("disk/by-path/x", "../../sda")) // the directories are gone
	leads("../../sda")
}

// A node that was made here goes with its device; one of the kernel's is left
// to the kernel.
func TestMadeNodesGo(t *testing.T) {
	d, root := open(t)
	node := func(kind namespace.Kind) namespace.Op {
		return namespace.Op{Kind: kind, Entry: namespace.Entry{Name: "sdb", Node: &namespace.Node{}}}
	}
	write(t, root+"/sdb")
	do(t, d, node(namespace.MakeNode), node(namespace.RemoveNode))
	if _, err := os.Stat(root + "/sdb"); err != nil {
		t.Errorf("the kernel's node: %v", err)
	}
	d.made["sdb"] = true
	do(t, d, node(namespace.RemoveNode), node(namespace.RemoveNode))
	if _, err := os.Lstat(root + "/sdb"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the node that was made: %v", err)
	}
}

func TestALinkThatWasLeftHalfWay(t *testing.T) {
	d, root := open(t)
	do(t, d, link("x", "a"))
	if err := os.Symlink("junk", filepath.Join(root, temporary)); err != nil {
		t.Fatal(err)
	}
	do(t, d, link("x", "b"))
	if got, _ := os.Readlink(root + "/x"); got != "b" {
		t.Errorf("leads to %q", got)
	}
	if _, err := os.Lstat(filepath.Join(root, temporary)); err == nil {
		t.Error("the temporary link is left")
	}
}

func TestLinkDoesNotReplaceANode(t *testing.T) {
	d, root := open(t)
	write(t, root+"/null")
	if err := d.Apply(link("null", "sda")); err == nil || !strings.Contains(err.Error(), "left alone") {
		t.Errorf("got %v", err)
	}
	do(t, d, unlink("null", "sda"))
	if st, err := os.Lstat(root + "/null"); err != nil || !st.Mode().IsRegular() {
		t.Error("the node is gone")
	}
}

// A service plants links to lead us elsewhere.
func TestU10_PlantedLinksAreNotFollowed(t *testing.T) {
	d, root := open(t)
	outside := t.TempDir()
	write(t, outside+"/secret")
	for name, target := range map[string]string{"disk": outside, "sda": outside + "/secret", "up": ".."} {
		if err := os.Symlink(target, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, op := range []namespace.Op{
		attr("sda", 0o666), attr("disk/secret", 0o666), attr("../x", 0o666), attr(outside+"/secret", 0o666),
		link("disk/by-path/x", "y"), link("up/x", "y"), link("../x", "y"), link("/tmp/slashdev-x", "y"),
	} {
		if err := d.Apply(op); err == nil {
			t.Errorf("%s was done", op)
		}
	}
	do(t, d, unlink("disk/secret", ""))
	if st, err := os.Stat(outside + "/secret"); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("outside was changed: %v %v", st, err)
	}
	if left, _ := filepath.Glob(outside + "/*"); len(left) != 1 {
		t.Errorf("outside: %q", left)
	}
}

func TestE12_OnlyTheRightNodeIsChanged(t *testing.T) {
	d, root := open(t)
	d.isNode = sameNode
	if err := unix.Mknod(root+"/null", unix.S_IFCHR|0o600, int(unix.Mkdev(1, 3))); err != nil {
		t.Skipf("needs root: %v", err)
	}
	write(t, root+"/file")
	right := namespace.Node{Major: 1, Minor: 3, Mode: 0o666}
	block, other := right, right
	block.Block, other.Minor = true, 5
	try := func(name string, n namespace.Node) error {
		return d.Apply(namespace.Op{Kind: namespace.SetAttr, Entry: namespace.Entry{Name: name, Node: &n}})
	}
	if try("null", block) == nil || try("null", other) == nil || try("file", right) == nil {
		t.Error("a wrong node was changed")
	}
	if st, _ := os.Stat(root + "/null"); st.Mode().Perm() != 0o600 {
		t.Errorf("mode is %v", st.Mode())
	}
	if err := try("null", right); err != nil {
		t.Error(err)
	}
	if st, _ := os.Stat(root + "/null"); st.Mode().Perm() != 0o666 {
		t.Errorf("mode is %v", st.Mode())
	}
}

func TestSweep(t *testing.T) {
	d, root := open(t)
	do(t, d, link("char/1:3", "../null"), link("char/9:9", "../gone"), link("block/8:0", "../gone"))
	write(t, root+"/char/file")
	keep := func(name string) bool { return name == "char/1:3" }
	if n := d.Sweep("char", keep) + d.Sweep("block", keep) + d.Sweep("nosuch", keep); n != 2 {
		t.Errorf("removed %d links, want 2", n)
	}
	left, _ := filepath.Glob(root + "/*/*")
	if got := strings.Join(left, " "); got != root+"/char/1:3 "+root+"/char/file" {
		t.Errorf("left: %s", got)
	}
}

func TestManyDirectories(t *testing.T) {
	d, root := open(t)
	for i := range 3 * maxParents {
		do(t, d, link(string(rune('a'+i%26))+"/"+string(rune('a'+i/26))+"/x", "y"))
	}
	if len(d.parents) > maxParents+2 {
		t.Errorf("%d descriptors are kept open", len(d.parents))
	}
	d.Flush()
	if left, _ := filepath.Glob(root + "/*/*/x"); len(left) != 3*maxParents {
		t.Errorf("%d links", len(left))
	}
}
