package image

import (
	"slashdev/image/gpt"
)

// slot is where the parts of slot A lie; B mirrors it later.
type layout struct {
	size  int64 // of the disk in MiB
	parts []gpt.Partition
	boot  int // number of the partition with kernel and command line
	root  int // of root A
	perm  int // of the writable one
}

const mib = 1 << 20 / gpt.SectorSize // in sectors

// toEnd is the size of the partition that takes what is left.
const toEnd = -1

// layouts are the partition tables, by target. Numbers and places do not change
// when the second slot comes into use, so that an update fits the same disk.
func layouts() map[string]*layout {
	part := func(n int, name string, kind gpt.Type, startSize ...int64) gpt.Partition {
		p := gpt.Partition{Number: n, Name: name, Type: kind, Start: startSize[0] * mib, Size: startSize[1] * mib}
		if p.Size < 0 {
			p.Size = toEnd
		}
		return p
	}
	hybrid := func(p gpt.Partition) gpt.Partition {
		p.Hybrid = true
		return p
	}
	bios := gpt.Partition{Number: 5, Name: "bios", Type: gpt.BIOSBoot, Start: gpt.FirstLBA, Size: mib - gpt.FirstLBA}
	return map[string]*layout{
		"pc": {size: 1024, boot: 1, root: 2, perm: 4, parts: []gpt.Partition{
			part(1, "esp", gpt.EFISystem, 4, 128),
			part(2, "root-a", gpt.RootAMD64, 132, 384),
			part(3, "root-b", gpt.LinuxData, 516, 384),
			part(4, "perm", gpt.LinuxData, 900, toEnd),
			bios,
		}},
		"virt": {size: 1024, boot: 1, root: 2, perm: 4, parts: []gpt.Partition{
			part(1, "esp", gpt.EFISystem, 4, 128),
			part(2, "root-a", gpt.RootARM64, 132, 384),
			part(3, "root-b", gpt.LinuxData, 516, 384),
			part(4, "perm", gpt.LinuxData, 900, toEnd),
		}},
		// The Pi's firmware finds boot partitions by their number in the MBR.
		"rpi": {size: 1024, boot: 2, root: 4, perm: 6, parts: []gpt.Partition{
			hybrid(part(1, "firmware", gpt.BasicData, 4, 16)),
			hybrid(part(2, "boot-a", gpt.BasicData, 20, 128)),
			hybrid(part(3, "boot-b", gpt.BasicData, 148, 128)),
			part(4, "root-a", gpt.RootARM64, 276, 256),
			part(5, "root-b", gpt.LinuxData, 532, 256),
			part(6, "perm", gpt.LinuxData, 788, toEnd),
		}},
	}
}

// table returns the partition table for a host.
func (l *layout) table(hostname string) *gpt.Table {
	t := &gpt.Table{Sectors: l.size * mib, UUID: gpt.UUID(hostname, 0)}
	last := (t.Sectors - gpt.FirstLBA + 1) / mib * mib // behind the last whole MiB
	for _, p := range l.parts {
		p.UUID = gpt.UUID(hostname, p.Number)
		if p.Size == toEnd {
			p.Size = last - p.Start
		}
		t.Partitions = append(t.Partitions, p)
	}
	return t
}

// part finds a partition by number.
func part(t *gpt.Table, number int) *gpt.Partition {
	for i := range t.Partitions {
		if t.Partitions[i].Number == number {
			return &t.Partitions[i]
		}
	}
	return nil
}
