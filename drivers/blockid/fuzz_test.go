package blockid

import (
	"io"
	"testing"
)

// Every prober has a target of its own: the fuzzer then learns its fields quickly.

func FuzzMDRaid(f *testing.F)    { fuzz(f, "mdraid", mdraid) }
func FuzzLVM2(f *testing.F)      { fuzz(f, "lvm2", lvm2) }
func FuzzBcache(f *testing.F)    { fuzz(f, "bcache", bcache) }
func FuzzZFS(f *testing.F)       { fuzz(f, "zfs", zfs) }
func FuzzLUKS(f *testing.F)      { fuzz(f, "luks", luks) }
func FuzzSwap(f *testing.F)      { fuzz(f, "swap", swap) }
func FuzzExt(f *testing.F)       { fuzz(f, "ext", ext) }
func FuzzXFS(f *testing.F)       { fuzz(f, "xfs", xfs) }
func FuzzBtrfs(f *testing.F)     { fuzz(f, "btrfs", btrfs) }
func FuzzF2FS(f *testing.F)      { fuzz(f, "f2fs", f2fs) }
func FuzzVFAT(f *testing.F)      { fuzz(f, "vfat", vfat) }
func FuzzExFAT(f *testing.F)     { fuzz(f, "exfat", exfat) }
func FuzzNTFS(f *testing.F)      { fuzz(f, "ntfs", ntfs) }
func FuzzISO9660(f *testing.F)   { fuzz(f, "iso9660", iso9660) }
func FuzzUDF(f *testing.F)       { fuzz(f, "udf", udf) }
func FuzzSquashfs(f *testing.F)  { fuzz(f, "squashfs", squashfs) }
func FuzzEROFS(f *testing.F)     { fuzz(f, "erofs", erofs) }
func FuzzBitLocker(f *testing.F) { fuzz(f, "bitlocker", bitLocker) }
func FuzzAPFS(f *testing.F)      { fuzz(f, "apfs", apfs) }
func FuzzApple(f *testing.F)     { fuzz(f, "apple", hfsplus, hfs) }
func FuzzMapper(f *testing.F)    { fuzz(f, "mapper", verity, integrity, snapshotCOW) }
func FuzzFlash(f *testing.F)     { fuzz(f, "flash", ubi, ubifs, cramfs, romfs) }
func FuzzFirmware(f *testing.F)  { fuzz(f, "firmware", ddf, isw) }

func FuzzPartitions(f *testing.F) {
	fuzz(f, "partitions", func(w *window) (Info, bool) {
		findEntry(w, Place{Number: 5, Start: 8, Size: 8})
		partitionTable(w)
		return Info{}, false
	})
}

// fuzz spreads its input over the places where the samples called name have bytes.
func fuzz(f *testing.F, name string, probers ...prober) {
	var of []sample
	for _, s := range samples() {
		if s.family == name {
			of = append(of, s)
			f.Add(uint8(len(of)-1), s.bytes())
		}
	}
	if len(of) == 0 {
		f.Fatalf("no sample for %s", name)
	}
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		s := of[int(which)%len(of)]
		c := &counter{device: s.with(data), size: s.size}
		for _, probe := range probers {
			if info, ok := probe(newWindow(c, s.size)); ok && (info.Type == "" || info.Usage == "") {
				t.Errorf("it found %+v", info)
			}
		}
		c.check(t)
	})
}

// bytes are those of all patches.
func (s sample) bytes() (all []byte) {
	for _, p := range s.patches {
		all = append(all, p.bytes...)
	}
	return all
}

// with returns the device with other bytes at the same places; those left over follow.
func (s sample) with(data []byte) io.ReaderAt {
	var patches []patch
	for i, p := range s.patches {
		n := min(len(p.bytes), len(data))
		if i == len(s.patches)-1 {
			n = len(data)
		}
		patches = append(patches, patch{p.offset, data[:n]})
		data = data[n:]
	}
	return io.NewSectionReader(&patched{zeros{}, patches}, 0, s.size)
}
