// Package peer packs a machine in which other device managers can run beside
// ours, one after the other, on the same kernel: Debian's udevd with its rules
// and hardware database, BusyBox's mdev, devmgr. What PID 1 is, is the
// caller's; it is all that the machine starts.
//
//	/lib/systemd/systemd-udevd, /bin/udevadm, /lib/udev/...   Debian's package udev
//	/lib/udev/hwdb.bin, /usr/lib/udev/hwdb.slashdev           the same database, for each
//	/lib/modules, /bin/kmod, /sbin/modprobe                   Debian's kernel, all modules
//	/sbin/devmgr, /sbin/dev                                   ours
//	/bin/busybox                                              and what else Debian has static
//
// /dev, /proc, /sys, /run and /tmp are empty: PID 1 mounts there what it likes.
package peer

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"slashdev/drivers/hwdb"
	"slashdev/image/cpio"
	"slashdev/image/spec"
	"slashdev/image/tree"
	"slashdev/qemu"
)

// Options say what to pack. All but Kernel and Add are needed.
type Options struct {
	Parts, Binaries string            // bin/parts, bin
	Kernel          string            // folder of Parts with a kernel that needs no modules; "": Debian's, and all modules
	Init            string            // host file of what is to be PID 1
	Output          string            // file to write, a compressed cpio
	Add             map[string]string // more files: by path in the machine, the host's
}

// ErrNoParts says that Debian's packages have not been fetched here.
var ErrNoParts = errors.New("bin/parts is not complete: run make setup")

// Build packs the machine and returns how to start it.
func Build(o Options) (qemu.Config, error) {
	p := packer{Options: o}
	for _, step := range []func() error{p.udev, p.kernel, p.hardware, p.ours, p.write} {
		if err := step(); err != nil {
			return qemu.Config{}, fmt.Errorf("pack machine: %w", err)
		}
	}
	return qemu.Config{Machine: "pc", Memory: 4096, Kernel: filepath.Join(o.Parts, cmp.Or(o.Kernel, "debian"), "vmlinuz"), Initrd: o.Output,
		Cmdline: "console=ttyS0 quiet panic=1"}, nil
}

type packer struct {
	Options
	root tree.Tree
}

// folder adds what lies below a host's folder, at a path of the machine.
func (p *packer) folder(from, to string, want func(name string) bool) error {
	from = filepath.Join(p.Parts, from)
	err := fs.WalkDir(os.DirFS(from), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || want != nil && !want(name) {
			return err
		}
		return p.file(path.Join(to, name), filepath.Join(from, name))
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w: %w", ErrNoParts, err)
	}
	return err
}

// file adds a host's file, or link.
func (p *packer) file(name, from string) error {
	info, err := os.Lstat(from)
	if err != nil {
		return err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		return p.root.Replace(tree.Link(name, target))
	}
	e, err := tree.HostFile(name, from, info.Mode().Perm())
	if err != nil {
		return err
	}
	return p.root.Replace(e)
}

// udev adds Debian's udevd, its tools and rules, and the libraries of both.
func (p *packer) udev() error {
	library := func(name string) bool { return !strings.Contains(name, "/") && strings.Contains(name, ".so") }
	tool := func(name string) bool { return !strings.Contains(name, "/") }
	for _, f := range []struct {
		from, to string
		want     func(string) bool
	}{
		{"udev/lib/x86_64-linux-gnu", "/lib/x86_64-linux-gnu", library},
		{"udev/usr/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", library},
		{"udev/lib64", "/lib64", nil},
		{"udev/lib/systemd/network", "/lib/systemd/network", nil},
		{"udev/lib/modprobe.d", "/lib/modprobe.d", nil},
		{"udev/lib/udev", "/lib/udev", tool},
		{"udev/etc/udev", "/etc/udev", nil},
		{"rules/udev", "/lib/udev/rules.d", nil},
		{"clients/busybox/bin", "/bin", nil},
	} {
		if err := p.folder(f.from, f.to, f.want); err != nil {
			return err
		}
	}
	for name, from := range map[string]string{"/lib/systemd/systemd-udevd": "udev/lib/systemd/systemd-udevd",
		"/bin/udevadm": "udev/bin/udevadm", "/bin/lsblk": "udev/bin/lsblk", "/sbin/blkid": "udev/sbin/blkid", "/bin/kmod": "modules/kmod"} {
		if err := p.file(name, filepath.Join(p.Parts, from)); err != nil {
			return err
		}
	}
	return p.root.Add(tree.Link("/sbin/modprobe", "/bin/kmod"))
}

func (p *packer) kernel() error {
	if p.Kernel != "" {
		return nil
	}
	return p.folder("debian/lib/modules", "/lib/modules", nil)
}

// hardware adds the database as udevd's own index and as ours.
func (p *packer) hardware() error {
	base := filepath.Join(p.Parts, "modules/root")
	if err := p.file("/lib/udev/hwdb.bin", filepath.Join(base, "lib/udev/hwdb.bin")); err != nil {
		return err
	}
	index, _, err := hwdb.Compile(os.DirFS(base))
	if err != nil {
		return err
	}
	return p.root.Add(tree.Bytes("/"+hwdb.File, 0o644, index))
}

// ours adds devmgr, PID 1, and what every machine has.
func (p *packer) ours() error {
	for _, dir := range []string{"/proc", "/sys", "/run", "/tmp", "/var"} {
		if err := p.root.Add(tree.Dir(dir, 0o755)); err != nil {
			return err
		}
	}
	for _, e := range []tree.Entry{
		tree.Char("/dev/console", 0o600, 5, 1), tree.Char("/dev/null", 0o666, 1, 3), tree.Link("/sbin/dev", "devmgr"),
		tree.Link("/bin/sh", "busybox"), tree.Link("/var/run", "../run"),
		tree.Bytes("/etc/passwd", 0o644, []byte(spec.Passwd)), tree.Bytes("/etc/group", 0o644, []byte(spec.Group)),
	} {
		if err := p.root.Add(e); err != nil {
			return err
		}
	}
	files := map[string]string{"/init": p.Init, "/sbin/devmgr": filepath.Join(p.Binaries, "amd64/devmgr")}
	for name, from := range p.Add {
		files[name] = from
	}
	for name, from := range files {
		if err := p.file(name, from); err != nil {
			return err
		}
	}
	return nil
}

func (p *packer) write() error {
	entries, err := p.root.Entries()
	if err != nil {
		return err
	}
	f, err := os.Create(p.Output)
	if err != nil {
		return err
	}
	return errors.Join(cpio.Write(f, entries, 0), f.Close())
}
