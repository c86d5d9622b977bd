package daemon_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"slashdev/devmgr/ctl"
	udevrules "slashdev/devmgr/rules/udev"
	"slashdev/devmgr/uevent"
)

// view mounts a view and returns where.
func (m *machine) view(name string, options ...string) (dir string) {
	m.t.Helper()
	if _, err := os.Stat("/dev/fuse"); err != nil {
		m.t.Skipf("needs /dev/fuse: %v", err)
	}
	dir = m.root + "/" + name
	m.must(os.Mkdir(dir, 0o755))
	m.do(append([]string{"view-add", name, dir}, options...)...)
	return dir
}

// seen prints what a name is: a node with owner, or a link.
func seen(name string) string {
	var st unix.Stat_t
	if unix.Lstat(name, &st) != nil {
		return "missing"
	}
	if st.Mode&unix.S_IFMT == unix.S_IFLNK {
		target, _ := os.Readlink(name)
		return "-> " + target
	}
	return fmt.Sprintf("%06o %d:%d %d:%d", st.Mode, unix.Major(st.Rdev), unix.Minor(st.Rdev), st.Uid, st.Gid)
}

func (m *machine) sees(name, want string) {
	m.t.Helper()
	if got := seen(name); got != want {
		m.t.Errorf("%s: got %q, want %q", name, got, want)
	}
}

// soon waits until a name is as it should be: kernels are told of removals.
func (m *machine) soon(name, want string) {
	m.t.Helper()
	for end := time.Now().Add(time.Minute); seen(name) != want && time.Now().Before(end); {
		m.do("settle")
	}
	m.sees(name, want)
}

func TestS4_3_ViewsAnywhere(t *testing.T) {
	m := newMachine(t)
	m.start()
	full, links, jail := m.view("full"), m.view("links", "style=link"), m.view("jail", "preset=jail")
	m.sees(full+"/vda", "060660 254:0 0:6")
	m.sees(full+"/null", "020666 1:3 0:0")
	m.sees(full+"/block/254:0", "-> ../vda")
	m.sees(links+"/vda", "-> "+m.dev+"/vda")
	m.sees(jail+"/null", "020666 1:3 0:0")
	m.sees(jail+"/fd", "-> /proc/self/fd")
	m.sees(jail+"/vda", "missing")
	m.plug("vdb", 16)
	m.do("settle", "vdb")
	m.sees(full+"/vdb", "060660 254:16 0:6")
	m.sees(full+"/disk/by-path/pci-0000:00:01.0", "-> ../../vda")
	m.sees(jail+"/vdb", "missing")
	m.unplug("vdb")
	m.soon(full+"/vdb", "missing")
	m.soon(links+"/vdb", "missing")
	m.soon(full+"/block/254:16", "missing")
	if list, _ := os.ReadDir(full); len(list) != 13 {
		t.Errorf("the view holds %v", list)
	}
}

func TestS4_8_RefreshByCommand(t *testing.T) {
	m := newMachine(t)
	m.start()
	v := m.view("v", "rename=allow")
	m.must(os.Remove(v + "/null"))
	m.must(os.Mkdir(v+"/d", 0o755))
	m.must(os.Rename(v+"/vda", v+"/d/disk"))
	m.do("view-refresh", "v")
	m.sees(v+"/null", "020666 1:3 0:0")
	m.sees(v+"/vda", "missing")
	m.sees(v+"/d/disk", "060660 254:0 0:6")
	var lines []string
	for _, r := range m.do("view-show", "v") {
		if strings.HasPrefix(r.Get("name"), "d") {
			lines = append(lines, strings.Join(r, " "))
		}
	}
	want := []string{
		"name=d type=directory mode=0755 uid=0 gid=0 behind=d",
		"name=d/disk type=block mode=0660 uid=0 gid=6 major=254 minor=0 behind=vda",
	}
	if !slices.Equal(lines[:2], want) {
		t.Errorf("show: %q", lines)
	}
	m.unplug("vda")
	m.soon(v+"/d/disk", "missing")
}

func TestViewVerbs(t *testing.T) {
	m := newMachine(t)
	stop := m.start()
	v := m.view("v", "preset=jail", "lock=no")
	if got := fmt.Sprint(m.do("view-ls")); got != "[[name=v path="+v+" known=0 option=preset=jail option=lock=no]]" {
		t.Errorf("ls: %s", got)
	}
	for _, c := range []struct {
		words string
		code  int
	}{
		{"view-add v " + m.root, ctl.Refused},
		{"view-add ../w " + m.root, ctl.Usage},
		{"view-add w relative", ctl.Usage},
		{"view-add w /", ctl.Usage},
		{"view-add w " + m.root + "/nosuch", ctl.Failed},
		{"view-add w " + v + " colour=red", ctl.Usage},
		{"view-add w", ctl.Usage},
		{"view-rm w", ctl.NotFound},
		{"view-refresh w", ctl.NotFound},
		{"view-show w", ctl.NotFound},
	} {
		_, err := m.client("devmgr.sock").Do(strings.Fields(c.words)...)
		if ctl.ExitCode(err) != c.code {
			t.Errorf("%s: %v", c.words, err)
		}
	}
	_, err := m.client("devmgr-ro.sock").Do("view-rm", "v")
	if e, ok := errors.AsType[*ctl.Error](err); !ok || e.Code != ctl.Refused {
		t.Errorf("without being root: %v", err)
	}
	m.do("view-rm", "v")
	m.sees(v+"/null", "missing")
	m.must(os.Mkdir(m.root+"/w", 0o755))
	m.do("view-add", "w", m.root+"/w")
	m.must(unix.Unmount(m.root+"/w", 0)) // by somebody else
	for end := time.Now().Add(time.Minute); len(m.do("view-ls")) > 0 && time.Now().Before(end); {
		m.do("settle")
	}
	again := m.view("again")
	m.sees(again+"/null", "020666 1:3 0:0")
	stop()
	m.sees(again+"/null", "missing")
}

// Nobody sees a node before it has what rules give it, also when they have to
// ask the disk first.
func TestS3_11_RulesBeforeVisibility(t *testing.T) {
	m := newMachine(t)
	asked, release := make(chan bool, 1), make(chan bool)
	m.rule("50-x.rules", `KERNEL=="vdb", IMPORT{builtin}="blkid", MODE="0600", GROUP="cdrom"`)
	m.blkid = func(devpath string) []udevrules.Property {
		if strings.HasSuffix(devpath, "vdb") {
			asked <- true
			<-release
		}
		return nil
	}
	m.start()
	v := m.view("v")
	m.plugDisk("vdb", 16)
	m.writeSys()
	m.node("vdb", unix.S_IFBLK, 254, 16)
	m.send(uevent.Add, disks+"vdb", "block")
	<-asked
	m.sees(v+"/vdb", "missing")
	m.sees(v+"/block/254:16", "missing")
	close(release)
	m.do("settle", "vdb")
	m.sees(v+"/vdb", "060600 254:16 0:24")
	m.sees(v+"/block/254:16", "-> ../vdb")
}

// A view that is remounted read-only stands still; remounted writable it goes
// on, and what was deleted is back.
func TestS4_8_RefreshByRemount(t *testing.T) {
	m := newMachine(t)
	m.start()
	v := m.view("v")
	options := func(want string) {
		t.Helper()
		got := func() string { return fmt.Sprint(m.do("view-ls")) }
		for end := time.Now().Add(time.Minute); strings.Contains(got(), "option=ro") != (want == "ro") && time.Now().Before(end); {
			m.do("settle")
		}
	}
	m.must(os.Remove(v + "/null"))
	m.must(unix.Mount("", v, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""))
	options("ro")
	m.plug("vdb", 16)
	m.do("settle", "vdb")
	m.sees(v+"/vdb", "missing")
	m.sees(v+"/null", "missing")
	if err := os.Symlink("x", v+"/y"); !errors.Is(err, unix.EROFS) {
		t.Errorf("symlink: %v", err)
	}
	m.must(unix.Mount("", v, "", unix.MS_REMOUNT, ""))
	options("rw")
	m.soon(v+"/null", "020666 1:3 0:0")
	m.sees(v+"/vdb", "060660 254:16 0:6")
}
