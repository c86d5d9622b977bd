package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"slashdev/image"
	"slashdev/qemu"
)

// fromImage boots a ready image, which is never written: the machine gets an
// overlay, or a copy where bytes of the image itself have to change.
func (p *bootPlan) fromImage() (qemu.Config, error) {
	if err := p.checkTarget(); err != nil {
		return qemu.Config{}, err
	}
	disk, err := filepath.Abs(p.image)
	if err != nil {
		return qemu.Config{}, err
	}
	c := qemu.Config{Disk: disk, Snapshot: true}
	if !qemu.NeedsKernel(p.machine) {
		return c, p.patch(&c)
	}
	if err := p.fitCard(&c); err != nil {
		return c, err
	}
	return c, p.takeKernel(&c)
}

// patch appends kernel words on the disk, where the boot loader reads them.
func (p *bootPlan) patch(c *qemu.Config) error {
	if len(p.words) == 0 && !p.writable {
		return nil
	}
	if err := p.ownCopy(c); err != nil || len(p.words) == 0 {
		return err
	}
	return image.AppendCmdline(c.Disk, strings.Join(p.words, " "))
}

// fitCard copies an image that QEMU would refuse as an SD card.
func (p *bootPlan) fitCard(c *qemu.Config) error {
	info, err := os.Stat(c.Disk)
	if err != nil {
		return err
	}
	if !p.writable && (p.machine != "rpi3" || info.Size() == nextPowerOfTwo(info.Size())) {
		return nil
	}
	return p.ownCopy(c)
}

func (p *bootPlan) ownCopy(c *qemu.Config) error {
	own := filepath.Join(p.dir, "disk.img")
	if err := copySparse(own, c.Disk, p.machine == "rpi3"); err != nil {
		return err
	}
	c.Disk, c.Snapshot = own, false
	return nil
}

// takeKernel takes kernel, device tree and command line out of the image, for
// machines whose firmware is not emulated.
func (p *bootPlan) takeKernel(c *qemu.Config) error {
	kernel, dtb, err := image.KernelOf(p.image, p.dir)
	if err != nil {
		return err
	}
	cmdline, err := image.CmdlineOf(p.image)
	if err != nil {
		return err
	}
	c.Kernel, c.DTB = kernel, p.deviceTree(dtb)
	c.Cmdline = strings.Join(append([]string{cmdline}, p.words...), " ")
	return nil
}

// checkTarget compares the image with the machine, which would else show
// nothing but a blank console.
func (p *bootPlan) checkTarget() error {
	target, err := image.TargetOf(p.image)
	if err != nil {
		if qemu.NeedsKernel(p.machine) {
			return err
		}
		return nil // not ours: a PC boots what has a boot loader
	}
	machines := map[string][]string{"pc": {"pc", "pc-uefi"}, "virt": {"virt"}, "rpi": {"rpi3"}}[target]
	if !slices.Contains(machines, p.machine) {
		return usageError("%s: an image for %s, not for --machine %s: use --machine %s",
			p.image, target, p.machine, strings.Join(machines, " or "))
	}
	return nil
}
