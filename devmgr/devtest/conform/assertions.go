package conform

import (
	"fmt"
	"strings"
	"syscall"
)

type assertion struct {
	name string
	view bool // of views only, not of plain directories
	run  func(t *test)
}

var assertions = []assertion{
	{"what is there is listed", false, func(t *test) {
		t.holds("", "null sda snd zero")
		t.holds("snd", "pcm0 pcm1")
	}},
	{"nodes have type, number and mode", false, func(t *test) {
		t.is("null", char|0o666, 1, 3)
		t.is("sda", block|0o660, 8, 0)
		t.is("snd/pcm0", char|0o660, 116, 2)
		t.is("snd", syscall.S_IFDIR|0o755, 0, 0)
	}},
	{"large numbers fit", false, func(t *test) {
		t.Add("big", block|0o600, 259, 1<<20-1)
		t.is("big", block|0o600, 259, 1<<20-1)
	}},
	{"what is missing is missing", false, func(t *test) {
		t.missing("nosuch", "snd/nosuch", "nosuch/null", "nul", "nulll")
		_, err := t.Lstat("null/x")
		t.refused("a node as a directory", err, syscall.ENOTDIR)
	}},
	{"devices come", false, func(t *test) {
		t.Add("sdb", block|0o660, 8, 16)
		t.Add("bus/usb/001/002", char|0o664, 189, 1)
		t.holds("", "bus null sda sdb snd zero")
		t.holds("bus/usb/001", "002")
		t.is("bus/usb/001/002", char|0o664, 189, 1)
	}},
	{"devices go", false, func(t *test) {
		t.Remove("sda")
		t.Remove("snd/pcm0")
		t.holds("", "null snd zero")
		t.Remove("snd/pcm1")
		t.holds("", "null zero")
		t.missing("sda", "snd", "snd/pcm1")
	}},
	{"S1-23: a device that comes again is another one", true, func(t *test) {
		before, _ := t.Lstat("sda")
		t.Remove("sda")
		t.Add("sda", block|0o660, 8, 0)
		t.until(func() bool {
			after, err := t.Lstat("sda")
			return err == nil && after.Ino != before.Ino
		})
		if after, err := t.Lstat("sda"); err != nil || after.Ino == before.Ino {
			t.Errorf("inode %d, then %d (%v)", before.Ino, after.Ino, err)
		}
	}},
	{"directories are made and removed", false, func(t *test) {
		t.ok(t.Mkdir("d", 0o700))
		t.is("d", syscall.S_IFDIR|0o700, 0, 0)
		t.refused("twice", t.Mkdir("d", 0o700), syscall.EEXIST)
		t.refused("over a node", t.Mkdir("null", 0o700), syscall.EEXIST)
		t.ok(t.Mkdir("d/e", 0o755))
		t.refused("not empty", t.Rmdir("d"), syscall.ENOTEMPTY)
		t.refused("with devices", t.Rmdir("snd"), syscall.ENOTEMPTY)
		t.refused("a node", t.Rmdir("null"), syscall.ENOTDIR)
		t.ok(t.Rmdir("d/e"))
		t.ok(t.Rmdir("d"))
		t.missing("d")
	}},
	{"links are made and removed", false, func(t *test) {
		t.ok(t.Symlink("../null", "snd/l"))
		if target, err := t.Readlink("snd/l"); target != "../null" || err != nil {
			t.Errorf("leads to %q (%v)", target, err)
		}
		t.holds("snd", "l pcm0 pcm1")
		t.refused("twice", t.Symlink("x", "snd/l"), syscall.EEXIST)
		t.refused("over a node", t.Symlink("x", "null"), syscall.EEXIST)
		t.ok(t.Unlink("snd/l"))
		t.holds("snd", "pcm0 pcm1")
		_, err := t.Readlink("null")
		t.refused("a node is no link", err, syscall.EINVAL)
	}},
	{"S1-27: names of 255 bytes, targets of 4095", false, func(t *test) {
		long := strings.Repeat("n", 255)
		target := strings.Repeat("x/", 2000)
		t.ok(t.Symlink(target, long))
		if got, err := t.Readlink(long); got != target || err != nil {
			t.Errorf("leads to %d bytes (%v)", len(got), err)
		}
		t.refused("256", t.Symlink("x", long+"n"), syscall.ENAMETOOLONG)
		_, err := t.Lstat(long + "n")
		t.refused("256", err, syscall.ENAMETOOLONG)
	}},
	{"names with other than letters", false, func(t *test) {
		for _, name := range []string{"a b", "ümlaut", "#%$&*", "-rf", ".hidden", `back\slash`} {
			t.ok(t.Symlink("null", name))
			t.ok(t.Unlink(name))
		}
	}},
	{"FIFOs and sockets are made", false, func(t *test) {
		t.ok(t.Mknod("initctl", syscall.S_IFIFO|0o600, 0))
		t.ok(t.Mknod("log", syscall.S_IFSOCK|0o666, 0))
		t.is("initctl", syscall.S_IFIFO|0o600, 0, 0)
		t.is("log", syscall.S_IFSOCK|0o666, 0, 0)
		t.refused("twice", t.Mknod("log", syscall.S_IFSOCK|0o666, 0), syscall.EEXIST)
		t.ok(t.Unlink("log"))
		t.missing("log")
	}},
	{"S3-12: nodes are made", false, func(t *test) {
		t.ok(t.Mknod("snd/mine", char|0o640, 1<<8|7))
		t.is("snd/mine", char|0o640, 1, 7)
		t.refused("twice", t.Mknod("snd/mine", char|0o640, 1<<8|7), syscall.EEXIST)
		t.refused("over a device", t.Mknod("null", char|0o640, 1<<8|7), syscall.EEXIST)
		t.ok(t.Unlink("snd/mine"))
		t.holds("snd", "pcm0 pcm1")
	}},
	{"S3-35: unlink and mknod give the device", false, func(t *test) {
		t.ok(t.Unlink("null"))
		t.missing("null")
		t.ok(t.Mknod("null", char|0o666, 1<<8|3))
		t.is("null", char|0o666, 1, 3)
	}},
	{"modes and owners change", false, func(t *test) {
		t.ok(t.Chmod("null", 0o600))
		t.is("null", char|0o600, 1, 3)
		t.ok(t.Chown("snd/pcm0", 5, 29))
		t.ok(t.Chown("snd", 6, 30))
		t.ok(t.Chmod("snd", 0o700))
		for name, uid := range map[string]uint32{"snd/pcm0": 5, "snd": 6} {
			if st, err := t.Lstat(name); st.UID != uid || st.GID != uid+24 || err != nil {
				t.Errorf("%s: %d:%d (%v)", name, st.UID, st.GID, err)
			}
		}
	}},
	{"what is ours can be renamed", false, func(t *test) {
		t.ok(t.Symlink("null", "a"))
		t.ok(t.Mkdir("d", 0o755))
		t.ok(t.Rename("a", "d/b"))
		t.ok(t.Symlink("zero", "a"))
		t.ok(t.Rename("a", "d/b"))
		t.holds("d", "b")
		if target, _ := t.Readlink("d/b"); target != "zero" {
			t.Errorf("leads to %q", target)
		}
		t.refused("into itself", t.Rename("d", "d/e"), syscall.EINVAL)
		t.refused("a directory over a link", t.Rename("snd2", "d"), syscall.ENOENT)
		t.ok(t.Rename("d", "e"))
		t.holds("e", "b")
		t.missing("d", "a")
	}},
	{"unlink is not for directories", false, func(t *test) {
		t.refused("unlink", t.Unlink("snd"), syscall.EISDIR)
		t.refused("missing", t.Unlink("nosuch"), syscall.ENOENT)
		t.refused("missing", t.Rmdir("nosuch"), syscall.ENOENT)
	}},
	{"thousands of entries", false, func(t *test) {
		for i := range 3000 {
			t.Add(fmt.Sprint("many/loop", i), block|0o660, 7, uint32(i))
		}
		names, err := t.List("many")
		distinct := map[string]bool{}
		for _, name := range names {
			distinct[name] = true
		}
		if len(names) != 3000 || len(distinct) != 3000 || err != nil {
			t.Errorf("%d names, %d distinct (%v)", len(names), len(distinct), err)
		}
		t.is("many/loop2999", block|0o660, 7, 2999)
	}},
	{"S1-13: a device that was deleted stays hidden", true, func(t *test) {
		t.ok(t.Unlink("zero"))
		t.Remove("zero")
		t.Add("zero", char|0o666, 1, 5)
		t.holds("", "null sda snd")
		t.missing("zero")
	}},
	{"S1-14: mknod shows it again, whatever the number", true, func(t *test) {
		t.ok(t.Unlink("zero"))
		t.ok(t.Mknod("zero", char|0o666, 9<<8|9))
		t.is("zero", char|0o666, 1, 5)
	}},
	{"S1-10: devices are not renamed", true, func(t *test) {
		t.refused("node", t.Rename("null", "n"), syscall.EOPNOTSUPP)
		t.refused("directory", t.Rename("snd", "audio"), syscall.EOPNOTSUPP)
		t.holds("", "null sda snd zero")
	}},
	{"S3-17: everything has one link", true, func(t *test) {
		for _, name := range []string{"null", "snd"} {
			if st, err := t.Lstat(name); st.Nlink != 1 || err != nil {
				t.Errorf("%s: %d links (%v)", name, st.Nlink, err)
			}
		}
	}},
	{"S3-15: no regular files", true, func(t *test) {
		t.refused("mknod", t.Mknod("nosuch", syscall.S_IFREG|0o644, 0), syscall.EPERM)
		t.missing("nosuch")
	}},
	{"S3-8: a device takes over what mknod made", true, func(t *test) {
		t.ok(t.Mknod("new", char|0o600, 1<<8|3))
		t.ok(t.Chown("new", 5, 5))
		t.Add("new", char|0o666, 77, 1)
		t.is("new", char|0o600, 77, 1)
		t.Remove("new")
		t.is("new", char|0o600, 1, 3)
	}},
}
