package image

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"slashdev/image/gobuild"
)

// board is a kind of machine: its kernel, and what the kernel must be told.
type board struct {
	name     string
	arch     string
	part     string // folder of the kernel below Parts
	consoles []string
	words    []string
	dtb      string // device tree for -kernel boots
	raw      bool   // the disk is faster than unpacking: programs are stored as they are
}

const kernelModule = "github.com/gokrazy/"

func boards() []board {
	return []board{
		{name: "pc", arch: "amd64", part: "kernel.amd64", consoles: []string{"tty0", "ttyS0,115200"}, raw: true},
		{name: "virt", arch: "arm64", part: "kernel.arm64", consoles: []string{"ttyAMA0"}, raw: true},
		{
			name: "rpi", arch: "arm64", part: "kernel.rpi", consoles: []string{"tty1", "serial0,115200"},
			words: []string{"cgroup_enable=memory"}, dtb: "bcm2710-rpi-3-b.dtb",
		},
	}
}

// chooseBoard finds the board from the target, or the board or architecture of
// an initramfs, or the kernel that the appliance file names.
func (b *builder) chooseBoard() error {
	if b.Target == "" {
		b.Target = b.fileTarget()
	}
	want := b.Target
	switch {
	case b.Target != "initramfs":
	case b.Board != "":
		want = b.Board
	case b.Arch == "arm64":
		want = "virt"
	default:
		want = "pc"
	}
	for _, brd := range boards() {
		if brd.name != want {
			continue
		}
		if b.Arch != "" && b.Arch != brd.arch {
			return errorf(codeUsage, "build image: %s is %s, not %s", want, brd.arch, b.Arch)
		}
		b.board, b.Arch = brd, brd.arch
		return nil
	}
	return errorf(codeUsage, "build image: unknown target or board %q: use pc, rpi, virt or initramfs", want)
}

// fileTarget is the target that the appliance file is for: that of its kernel.
// A plain gokrazy file without one is for gokrazy's default, the Pi.
func (b *builder) fileTarget() string {
	if b.spec.KernelPackage == nil {
		if b.spec.Slashdev == nil {
			return "rpi"
		}
		return "pc"
	}
	for _, brd := range boards() {
		if kernelModule+brd.part == *b.spec.KernelPackage {
			return brd.name
		}
	}
	return "pc"
}

// findParts locates the kernel and checks that set-up and make have run.
func (b *builder) findParts(ctx context.Context) error {
	dir, err := b.kernelDir(ctx)
	if err != nil {
		return err
	}
	if b.kernel, err = openKernel(dir); err != nil {
		return err
	}
	for _, name := range []string{"init", "devmgr", "userland"} {
		if _, err := os.Stat(filepath.Join(b.Binaries, b.Arch, name)); err != nil {
			return errorf(codeNotFound, "find device binaries: %w: run `make build`", err)
		}
	}
	return nil
}

// kernelDir is the folder of the board's kernel: the version that the appliance
// pins, where it pins one, or ours.
func (b *builder) kernelDir(ctx context.Context) (string, error) {
	pkg := kernelModule + b.board.part
	own := b.spec.KernelPackage != nil && !strings.HasPrefix(*b.spec.KernelPackage, kernelModule+"kernel.")
	if own {
		pkg = *b.spec.KernelPackage
	}
	if dir, pinned := gobuild.BuildDir(b.dir, pkg); pinned || own {
		if !pinned {
			var err error
			if dir, err = gobuild.ModuleDir(b.dir, pkg); err != nil {
				return "", withCode(codeNotFound, err)
			}
		}
		found, err := gobuild.PackageDir(ctx, dir, pkg)
		return found, withCode(codeNotFound, err)
	}
	dir := filepath.Join(b.Parts, b.board.part)
	if _, err := os.Stat(filepath.Join(dir, kernelName)); err != nil {
		return "", errorf(codeNotFound, "find kernel: %w: run `make build` (it sets up %s)", err, b.Parts)
	}
	return dir, nil
}
