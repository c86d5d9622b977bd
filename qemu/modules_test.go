package qemu_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"slashdev/drivers/kmod"
	"slashdev/image"
	"slashdev/qemu"
)

// TestModulesOfDebiansKernel boots a kernel that has nearly nothing built in:
// the bus of the virtual devices is a module, what it finds needs others, and
// some of these are packed. By the shell's first prompt all are there.
func TestModulesOfDebiansKernel(t *testing.T) {
	t.Parallel()
	disk := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(disk, make([]byte, 1<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	options := image.Options{Board: "pc", Parts: debianParts(t)}
	for name, text := range map[string]string{
		"/etc/modprobe.d/net.conf": "options virtio_net csum=N\nblacklist virtio-scsi\ninstall isofs /bin/sh -c 'reboot -f'\n",
		"/etc/modprobe.d/bad.conf": "bogus line\n",
	} {
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		options.Add = append(options.Add, image.Extra{File: file, Path: name})
	}
	b := bootImage(t, options, `{"Hostname": "box", "GokrazyPackages": []}`, qemu.Config{Machine: "pc", Extra: []string{
		"-drive", "if=none,id=d,format=raw,file=" + disk, "-device", "virtio-blk-pci,id=d,drive=d"}})
	for _, c := range []struct{ command, want string }{
		{"dev settle vda && dev info vda", "0660 root:disk"},
		{"dev info eth0", "virtio_net"},
		{"cat /sys/module/virtio_net/parameters/csum", "N"},
		{"cat /proc/modules", "virtio_pci "},
		{"dev status", "modules_failed 0"},
		{"svc log -n 400 devmgr", "/etc/modprobe.d/bad.conf:1: unknown word"},
		{"cat /proc/sys/kernel/modprobe", "/sbin/modprobe"},
		// The kernel asks for the file system itself; there is nothing to mount.
		{"mount -t vfat /dev/vda /mnt; cat /proc/filesystems", "vfat"},
		{"mount -t iso9660 /dev/vda /mnt; modprobe isofs; true", ""},
		{"modprobe -n -v fs-xfs; modprobe nosuch; modprobe -q -- '$(reboot)'; true", ""},
		{"head -c 0 /dev/loop-control; cat /proc/modules", "loop "}, // opening its node loads it
		{"modprobe -v brd rd_nr=2 && ls /sys/block", "ram1"},
		{"modprobe -r brd && ls /sys/block", "vda"},
	} {
		if got := b.run(c.command); !strings.Contains(got, c.want) {
			t.Errorf("%s: %s, want %s", c.command, got, c.want)
		}
	}
	for _, module := range []string{"virtio_scsi", "isofs", "brd"} {
		if strings.Contains("\n"+b.run("cat /proc/modules"), "\n"+module+" ") {
			t.Errorf("%s is loaded", module)
		}
	}
	if err := b.m.PowerOff(b.ctx); err != nil {
		t.Error(err)
	}
}

// debianParts is bin/parts with Debian's kernel for PCs and those of its modules
// that the test needs: all of them would be 90 MB in memory.
func debianParts(t *testing.T) string {
	t.Helper()
	parts, dir := filepath.Join(repoRoot(t), "bin/parts"), t.TempDir()
	entries, err := os.ReadDir(parts)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != "kernel.amd64" {
			must(t, os.Symlink(filepath.Join(parts, e.Name()), filepath.Join(dir, e.Name())))
		}
	}
	found, err := filepath.Glob(parts + "/debian/lib/modules/*/modules.dep")
	if err != nil || len(found) != 1 {
		t.Fatalf("%v, %v: run make setup first", found, err)
	}
	s := subset{t: t, from: filepath.Dir(found[0]), release: filepath.Base(filepath.Dir(found[0]))}
	s.to = filepath.Join(dir, "kernel.amd64/lib/modules", s.release)
	must(t, os.MkdirAll(s.to, 0o755))
	must(t, os.Symlink(parts+"/debian/vmlinuz", dir+"/kernel.amd64/vmlinuz"))
	s.copy(parts+"/debian", strings.Fields("virtio_pci virtio_net virtio_blk virtio_scsi sd_mod vfat nls_cp437 nls_ascii isofs brd loop"))
	return dir
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// subset is a few modules of a kernel.
type subset struct {
	t                 *testing.T
	from, to, release string
	have              map[string]string // by module: what its file is packed with
}

// packed says which modules are packed, and how.
var packed = map[string]string{"virtio_net.ko": ".xz", "virtio_blk.ko": ".zst", "vfat.ko": ".gz"}

func (s *subset) copy(root string, names []string) {
	s.t.Helper()
	x, err := kmod.Open(os.DirFS(root), s.release)
	must(s.t, err)
	s.have = map[string]string{}
	for _, name := range names {
		loads, err := x.Plan(name)
		if errors.Is(err, kmod.ErrUnknown) {
			s.t.Fatalf("Debian's kernel has no %s", name)
		}
		must(s.t, err)
		for _, l := range loads {
			if l.File != "" && s.have[l.Module] == "" {
				s.have[l.Module] = s.module(filepath.Join(root, l.File))
			}
		}
	}
	s.index("modules.dep", func(line string) bool {
		file, _, _ := strings.Cut(line, ":")
		return s.has(strings.TrimSuffix(filepath.Base(file), ".ko"))
	})
	s.index("modules.alias", func(line string) bool {
		words := strings.Fields(line)
		return s.has(words[len(words)-1])
	})
	s.index("modules.devname", func(line string) bool { return s.has(strings.Fields(line)[0]) })
	for _, name := range []string{"modules.builtin", "modules.order", "modules.softdep"} {
		s.index(name, func(string) bool { return true })
	}
}

func (s *subset) has(module string) bool { return s.have[strings.ReplaceAll(module, "-", "_")] != "" }

// index copies the lines of a file that keep wants, with the names of packed modules.
func (s *subset) index(name string, keep func(line string) bool) {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.from, name))
	must(s.t, err)
	var kept strings.Builder
	for line := range strings.Lines(string(text)) {
		if !keep(line) {
			continue
		}
		for file, end := range packed {
			line = strings.ReplaceAll(line, "/"+file, "/"+file+end)
		}
		kept.WriteString(line)
	}
	must(s.t, os.WriteFile(filepath.Join(s.to, name), []byte(kept.String()), 0o644))
}

// module copies a module and returns what it is packed with, or "plain".
func (s *subset) module(file string) string {
	s.t.Helper()
	text, err := os.ReadFile(file)
	must(s.t, err)
	rel, err := filepath.Rel(s.from, file)
	must(s.t, err)
	end := packed[filepath.Base(file)]
	to := filepath.Join(s.to, rel+end)
	must(s.t, os.MkdirAll(filepath.Dir(to), 0o755))
	must(s.t, os.WriteFile(to, pack(s.t, text, end), 0o644))
	if end == "" {
		return "plain"
	}
	return end
}

func pack(t *testing.T, text []byte, end string) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	var err error
	switch end {
	case "":
		return text
	case ".gz":
		w = gzip.NewWriter(&b)
	case ".xz":
		w, err = xz.NewWriter(&b)
	case ".zst":
		w, err = zstd.NewWriter(&b)
	}
	must(t, err)
	_, err = w.Write(text)
	must(t, errors.Join(err, w.Close()))
	return b.Bytes()
}
