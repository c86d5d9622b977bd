package image

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"slashdev/image/cpio"
	"slashdev/image/fat"
	"slashdev/image/gpt"
	"slashdev/image/squash"
	"slashdev/image/tree"
)

// write writes the image in the target's form.
func (b *builder) write(context.Context) error {
	if b.Target == "initramfs" {
		return b.writeInitramfs()
	}
	return b.writeDisk()
}

func (b *builder) output(end string) string {
	if b.Output != "" {
		return b.Output
	}
	return b.spec.Hostname + "-" + end
}

func (b *builder) writeInitramfs() error {
	r := b.result
	r.File = b.output("initramfs-" + b.board.name + ".cpio.gz")
	err := writeFile(r.File, tree.Size(b.list), func(f *os.File) error {
		return cpio.Write(f, b.list, fixedTime)
	})
	if err != nil {
		return err
	}
	r.Initrd, r.Kernel, r.Cmdline = r.File, b.kernel.vmlinuz(), directConsole(b.cmdline(""))
	b.addDTB()
	return b.addSize("initramfs", r.File)
}

func (b *builder) addSize(name, file string) error {
	info, err := os.Stat(file)
	if err == nil {
		b.result.Sizes = append(b.result.Sizes, Size{name, info.Size()})
	}
	return err
}

func (b *builder) addDTB() {
	if b.board.dtb != "" {
		b.result.DTB = filepath.Join(b.kernel.dir, b.board.dtb)
	}
}

// writeDisk writes partition table, boot partitions and root A into one sparse
// file.
func (b *builder) writeDisk() error {
	r := b.result
	r.File = b.output(b.Target + ".img")
	l := layouts()[b.Target]
	table := l.table(b.spec.Hostname)
	cmdline := b.cmdline("PARTUUID=" + part(table, l.root).UUID)
	boots, err := b.bootTrees(cmdline)
	if err != nil {
		return err
	}
	need := tree.Size(b.list)
	for _, entries := range boots {
		need += tree.Size(entries)
	}
	err = writeFile(r.File, need, func(f *os.File) error {
		if err := f.Truncate(table.Sectors * gpt.SectorSize); err != nil {
			return err
		}
		if err := b.writeBoot(f, table, boots); err != nil {
			return err
		}
		return b.writeRoot(f, part(table, l.root))
	})
	r.Kernel, r.Cmdline = b.kernel.vmlinuz(), directConsole(cmdline)
	b.addDTB()
	return err
}

func (b *builder) writeRoot(f *os.File, p *gpt.Partition) error {
	c := squash.Config{Time: fixedTime}
	if b.board.raw { // half the time from exec to the first line is page faults
		c.Raw = func(e *tree.Entry) bool { return e.Mode&0o111 != 0 }
	}
	size, err := squash.Write(io.NewOffsetWriter(f, p.Start*gpt.SectorSize), b.list, c)
	if err != nil {
		return err
	}
	if room := p.Size * gpt.SectorSize; size > room {
		return fmt.Errorf("root file system of %d MiB does not fit its partition of %d MiB: leave programs or files out", size>>20, room>>20)
	}
	b.result.Sizes = append(b.result.Sizes, Size{"root", size})
	return nil
}

// writeBoot writes the partition table, the BIOS boot loader, and the FAT
// partitions, keyed by number.
func (b *builder) writeBoot(f *os.File, table *gpt.Table, boots map[int][]tree.Entry) error {
	var code []byte
	if bios := part(table, biosPartition); bios != nil {
		var err error
		if code, err = b.writeBIOS(f, bios); err != nil {
			return err
		}
	}
	if err := table.Write(f, code); err != nil {
		return err
	}
	for _, number := range slices.Sorted(maps.Keys(boots)) {
		p, entries := part(table, number), boots[number]
		err := fat.Write(io.NewOffsetWriter(f, p.Start*gpt.SectorSize), entries, fat.Config{
			Size: p.Size * gpt.SectorSize, Label: "SLASHDEV", ID: uint32(number), Time: time.Unix(fixedTime, 0),
		})
		if err != nil {
			return fmt.Errorf("partition %d (%s): %w", number, p.Name, err)
		}
		b.result.Sizes = append(b.result.Sizes, Size{p.Name, tree.Size(entries)})
	}
	return nil
}
