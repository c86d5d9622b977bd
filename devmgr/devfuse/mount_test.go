package devfuse_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"slashdev/devmgr/devfuse"
	"slashdev/devmgr/view"
)

// deadline bounds what must happen soon.
const deadline = 20 * time.Second

// mounted mounts a view of b and unmounts it in the end.
func mounted(t *testing.T, b *view.Back, cfg devfuse.Config) (dir string, tree *devfuse.Tree) {
	t.Helper()
	return mountedBy(t, &devfuse.Server{}, b, cfg)
}

func mountedBy(t *testing.T, server *devfuse.Server, b *view.Back, cfg devfuse.Config) (dir string, tree *devfuse.Tree) {
	t.Helper()
	dir = t.TempDir()
	tree = devfuse.New(view.New(b, view.Options{}), cfg)
	m, err := server.Attach(tree, dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Detach(); err != nil {
			t.Error(err)
		}
		select {
		case <-m.Done():
		case <-time.After(deadline):
			t.Error("the mount is served still")
		}
	})
	return dir, tree
}

func timeout() <-chan time.Time { return time.After(deadline) }

// until waits for something that the kernel is told of.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	end := time.After(deadline)
	for !ok() {
		select {
		case <-end:
			t.Fatalf("%s: not within %s", what, deadline)
		case <-time.After(time.Millisecond):
		}
	}
}

func unseen(t *testing.T, name string) {
	t.Helper()
	until(t, name+" goes", func() bool {
		_, err := os.Lstat(name)
		return errors.Is(err, fs.ErrNotExist)
	})
}

func put(t *testing.T, b *view.Back, name string, major, minor uint32) {
	t.Helper()
	it := view.Item{Kind: view.Char, Major: major, Minor: minor, Attr: view.Attr{Mode: 0o666}}
	if err := b.Put(name, it); err != nil {
		t.Fatal(err)
	}
}

func TestS2_7_OpenLeadsToTheDriver(t *testing.T) {
	needFuse(t)
	b := view.NewBack()
	put(t, b, "zero", 1, 5)
	dir, _ := mounted(t, b, devfuse.Config{})
	f, err := os.Open(filepath.Join(dir, "zero"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b.Remove("zero")
	unseen(t, f.Name())
	buf := []byte{1, 2, 3}
	if _, err := io.ReadFull(f, buf); err != nil || buf[1] != 0 {
		t.Errorf("what is open goes on working: %v %v", buf, err)
	}
}

func TestS2_6_ChangesBehindAreSeen(t *testing.T) {
	needFuse(t)
	b := view.NewBack()
	put(t, b, "a", 1, 3)
	dir, _ := mounted(t, b, devfuse.Config{})
	rdev := func(name string) uint64 {
		st, err := os.Lstat(filepath.Join(dir, name))
		if err != nil {
			return 0
		}
		return st.Sys().(*syscall.Stat_t).Rdev
	}
	if rdev("a") != 0x103 || rdev("b") != 0 {
		t.Errorf("a is %x", rdev("a"))
	}
	put(t, b, "b", 1, 5) // what was missing is not cached
	if rdev("b") != 0x105 {
		t.Errorf("b is %x", rdev("b"))
	}
	put(t, b, "a", 1, 7)
	until(t, "the new number", func() bool { return rdev("a") == 0x107 })
	it := view.Item{Kind: view.Char, Major: 1, Minor: 7, Attr: view.Attr{Mode: 0o600}}
	if err := b.Put("a", it); err != nil {
		t.Fatal(err)
	}
	until(t, "the new mode", func() bool {
		st, err := os.Lstat(filepath.Join(dir, "a"))
		return err == nil && st.Mode().Perm() == 0o600
	})
}

func TestS3_15_SocketsAndFIFOsWork(t *testing.T) {
	needFuse(t)
	dir, _ := mounted(t, view.NewBack(), devfuse.Config{})
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "log"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	t.Chdir(dir)
	c, err := net.Dial("unixgram", "log")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.Write([]byte("hello"))
	buf := make([]byte, 10)
	if n, err := l.Read(buf); err != nil || string(buf[:n]) != "hello" {
		t.Errorf("got %q %v", buf[:n], err)
	}
	if err := syscall.Mkfifo("initctl", 0o600); err != nil {
		t.Fatal(err)
	}
	fifo, err := os.OpenFile("initctl", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer fifo.Close()
	fifo.WriteString("request")
	if n, err := fifo.Read(buf); err != nil || string(buf[:n]) != "request" {
		t.Errorf("got %q %v", buf[:n], err)
	}
}

func TestE23_NoStrayFiles(t *testing.T) {
	needFuse(t)
	dir, _ := mounted(t, view.NewBack(), devfuse.Config{})
	if err := os.WriteFile(filepath.Join(dir, "nosuch"), []byte("x"), 0o644); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("write: %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestE1_ModesCount(t *testing.T) {
	needFuse(t)
	if err := new(devfuse.Server).Check(t.TempDir()); err != nil {
		t.Error(err)
	}
	if err := new(devfuse.Server).CheckWith(t.TempDir(), "allow_other"); err == nil {
		t.Error("without default_permissions the check finds nothing wrong")
	}
}

func TestS4_16_EverythingIsForgotten(t *testing.T) {
	needFuse(t)
	b := view.NewBack()
	for _, name := range []string{"a", "b", "d/e/f"} {
		put(t, b, name, 1, 3)
	}
	dir, tree := mounted(t, b, devfuse.Config{})
	if err := os.Symlink("a", filepath.Join(dir, "d/l")); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		os.Stat(name)
		return err
	})
	if err != nil || tree.Known() < 6 {
		t.Errorf("%d are known: %v", tree.Known(), err)
	}
	for _, name := range []string{"a", "b", "d/e/f"} {
		b.Remove(name)
	}
	os.Remove(filepath.Join(dir, "d/l"))
	until(t, "everything is forgotten", func() bool { return tree.Known() == 0 })
}

func TestE5_LookupsThatWait(t *testing.T) {
	needFuse(t)
	b := view.NewBack()
	put(t, b, "null", 1, 3)
	waiting, release := make(chan bool, 1), make(chan bool)
	dir, _ := mounted(t, b, devfuse.Config{Missing: func(cancel <-chan struct{}, _ view.ID, name string) {
		if name != "late" {
			return
		}
		waiting <- true
		<-release
		put(t, b, "late", 1, 5)
	}})
	got := make(chan error)
	go func() {
		_, err := os.Lstat(filepath.Join(dir, "late"))
		got <- err
	}()
	<-waiting
	for _, name := range []string{"null", "missing"} { // others are not held up
		os.Lstat(filepath.Join(dir, name))
	}
	b.Remove("null") // nor are notifications for ever
	close(release)
	if err := <-got; err != nil {
		t.Error(err)
	}
	unseen(t, filepath.Join(dir, "null"))
}

// An idle mount is to take 16 KiB of ours: two goroutines and no buffer.
func TestS1_7_ManyMountsOfOneDaemon(t *testing.T) {
	needFuse(t)
	const mounts = 200
	b := view.NewBack()
	for i := range 100 {
		put(t, b, fmt.Sprint("tty", i), 4, uint32(i))
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var dirs []string
	var server devfuse.Server
	for range mounts {
		dir, _ := mountedBy(t, &server, b, devfuse.Config{})
		if list, err := os.ReadDir(dir); len(list) != 100 || err != nil {
			t.Fatalf("%d entries: %v", len(list), err)
		}
		dirs = append(dirs, dir)
	}
	for range 4 { // the second one frees what pools hold, each halves idle stacks
		runtime.GC()
	}
	runtime.ReadMemStats(&after)
	use := func(m runtime.MemStats) uint64 { return m.HeapAlloc + m.StackInuse }
	each := (use(after) - min(use(before), use(after))) / mounts
	t.Logf("%d bytes a mount (%d heap, %d stacks)", each, (after.HeapAlloc-before.HeapAlloc)/mounts, (after.StackInuse-before.StackInuse)/mounts)
	if each > scale*16<<10 {
		t.Errorf("a mount takes %d bytes, more than 16 KiB", each)
	}
	put(t, b, "new", 1, 3)
	for _, dir := range dirs {
		if _, err := os.Lstat(filepath.Join(dir, "new")); err != nil {
			t.Fatal(err)
		}
	}
	if n := threads(t); n > 64 {
		t.Errorf("%d threads serve %d mounts", n, mounts)
	}
}

func threads(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// While devices come and go beside it, a name that stays is always there.
func TestN10_NoNameBlinks(t *testing.T) {
	needFuse(t)
	b := view.NewBack()
	put(t, b, "null", 1, 3)
	put(t, b, "d/zero", 1, 5)
	dir, tree := mounted(t, b, devfuse.Config{})
	stop, faults := make(chan struct{}), make(chan error, 8)
	for range 8 {
		go func() {
			for {
				select {
				case <-stop:
					faults <- nil
					return
				default:
				}
				for _, name := range []string{"null", "d/zero"} {
					f, err := os.Open(filepath.Join(dir, name))
					if err != nil {
						faults <- err
						return
					}
					f.Close()
				}
				os.Lstat(filepath.Join(dir, "d/other"))
				os.ReadDir(filepath.Join(dir, "d"))
			}
		}()
	}
	for i := range 2000 {
		put(t, b, "d/other", 9, uint32(i))
		put(t, b, "other", 9, uint32(i))
		it := view.Item{Kind: view.Char, Major: 1, Minor: 3, Attr: view.Attr{Mode: 0o666 - uint32(i%2)}}
		if err := b.Put("null", it); err != nil {
			t.Fatal(err)
		}
		b.Remove("other")
		b.Remove("d/other")
	}
	close(stop)
	for range 8 {
		select {
		case err := <-faults:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(deadline):
			t.Fatal("a reader hangs")
		}
	}
	unseen(t, filepath.Join(dir, "d/other"))
	b.Remove("null")
	b.Remove("d/zero")
	until(t, "everything is forgotten", func() bool { return tree.Known() == 0 })
}

func TestS3_64_EachViewIsADeviceOfItsOwn(t *testing.T) {
	needFuse(t)
	b := view.NewBack()
	put(t, b, "d/null", 1, 3)
	seen := map[uint64]bool{}
	for range 3 {
		dir, _ := mounted(t, b, devfuse.Config{})
		var first uint64
		for _, name := range []string{"", "d", "d/null"} {
			st, err := os.Lstat(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			dev := st.Sys().(*syscall.Stat_t).Dev
			if name == "" && seen[dev] || name != "" && dev != first {
				t.Errorf("%s has st_dev %d", name, dev)
			}
			first, seen[dev] = dev, true
		}
	}
}

func TestS3_20_MountsSayWhatTheyAre(t *testing.T) {
	needFuse(t)
	dir, _ := mounted(t, view.NewBack(), devfuse.Config{})
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, " "+dir+" ") {
			for _, part := range []string{" fuse.slashdev slashdev ", "default_permissions", "allow_other", "nosuid"} {
				if !strings.Contains(line, part) {
					t.Errorf("no %q in %s", part, line)
				}
			}
			if strings.Contains(line, "nodev") {
				t.Errorf("nodev: %s", line)
			}
			return
		}
	}
	t.Error("the mount is not there")
}

func TestE20_WhatADeadServerLeftIsCleared(t *testing.T) {
	needFuse(t)
	b := view.NewBack()
	put(t, b, "null", 1, 3)
	dir := t.TempDir()
	devfuse.Abandon(t, dir)
	if err := unix.Statfs(dir, new(unix.Statfs_t)); err != unix.ENOTCONN {
		t.Fatalf("it is not dead: %v", err)
	}
	m, err := new(devfuse.Server).Attach(devfuse.New(view.New(b, view.Options{}), devfuse.Config{}), dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	if list, err := os.ReadDir(dir); len(list) > 0 || err != nil {
		t.Errorf("left: %v %v", list, err)
	}
}

func TestE5_InterruptEndsAWait(t *testing.T) {
	needFuse(t)
	started, cancelled := make(chan bool, 1), make(chan bool, 1)
	dir, _ := mounted(t, view.NewBack(), devfuse.Config{Missing: func(cancel <-chan struct{}, _ view.ID, name string) {
		started <- true
		<-cancel
		cancelled <- true
	}})
	cmd := exec.Command("stat", filepath.Join(dir, "late"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-started
	cmd.Process.Kill()
	select {
	case <-cancelled:
	case <-time.After(deadline):
		t.Error("the lookup goes on waiting for who is dead")
	}
	cmd.Wait()
}

// The marker is a file. A Go process must not open one that it serves itself:
// the runtime asks the kernel whether it can be polled, and that asks us.
func TestS3_19_MarkerOfADevfs(t *testing.T) {
	needFuse(t)
	dir, tree := mounted(t, view.NewBack(), devfuse.Config{})
	name := filepath.Join(dir, ".devfsd")
	text, err := exec.Command("cat", name).Output()
	if err != nil || string(text) != "slashdev 1\n" {
		t.Errorf("%q %v", text, err)
	}
	st, err := os.Stat(name)
	if err != nil || st.Mode() != 0o400 {
		t.Errorf("%v %v", st, err)
	}
	_, err = unix.Open(name, unix.O_RDWR, 0)
	for what, err := range map[string]error{
		"rm": os.Remove(name), "mv": os.Rename(name, dir+"/x"), "write": err, "chmod": os.Chmod(name, 0o666),
		"over it": os.Mkdir(name, 0o755), "truncate": os.Truncate(name, 0),
	} {
		if err == nil {
			t.Errorf("%s is done", what)
		}
	}
	if list, _ := os.ReadDir(dir); len(list) > 0 {
		t.Errorf("listed: %v", list)
	}
	if n := tree.Known(); n != 1 {
		t.Errorf("%d nodes are known", n)
	}
}
