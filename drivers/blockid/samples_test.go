package blockid

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"
)

// sketch is a superblock drawn by hand. Its methods write and return it.
type sketch []byte

func draw(n int) sketch { return make(sketch, n) }

func (s sketch) le(at, n int, v uint64) sketch {
	copy(s[at:at+n], binary.LittleEndian.AppendUint64(nil, v))
	return s
}

func (s sketch) be(at, n int, v uint64) sketch {
	copy(s[at:at+n], binary.BigEndian.AppendUint64(nil, v)[8-n:])
	return s
}

func (s sketch) str(at int, text string) sketch {
	copy(s[at:], text)
	return s
}

// sample is a device with little on it.
type sample struct {
	name    string
	family  string // the prober's name
	size    int64
	patches []patch
}

// write makes a file of the sample for blkid.
func (s sample) write(t *testing.T) string {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "image"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(s.size); err != nil {
		t.Fatal(err)
	}
	for _, p := range s.patches {
		if _, err := f.WriteAt(p.bytes, p.offset); err != nil {
			t.Fatal(err)
		}
	}
	return f.Name()
}

const id16 = "\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff\x01"

// samples have what mkfs makes only with help of the kernel, and seeds for the fuzzer.
func samples() []sample {
	const mega = 1 << 20
	end := int64(64 * mega)
	return []sample{
		{"md-0.90", "mdraid", end, []patch{{end - 65536, md0Sketch()}}},
		{"md-0.90-big-endian", "mdraid", end + 4096, []patch{{end - 65536, draw(4096).be(0, 4, mdMagic).be(8, 4, 90).str(20, id16[:4])}}},
		{"md-1.0", "mdraid", end, []patch{{end - 8192, md1Sketch(uint64(end-8192) / 512)}}},
		{"md-1.1", "mdraid", end, []patch{{0, md1Sketch(0)}}},
		{"md-1.2", "mdraid", end, []patch{{4096, md1Sketch(8)}}},
		{"lvm2", "lvm2", end, []patch{{512, lvmSketch(1)}}},
		{"bcache", "bcache", end, []patch{{4096, draw(512).le(8, 8, 8).str(24, "\xc6\x85\x73\xf6\x4e\x1a\x45\xca\x82\x65\xf5\x7f\x48\xba\x6d\x81").str(40, id16)}}},
		{"zfs", "zfs", end, zfsSketch(end)},
		{"ext", "ext", end, []patch{{1024, draw(512).le(0x38, 2, 0xef53).le(0x5c, 4, 4).str(0x68, id16).str(0x78, "label")}}},
		{"squashfs3", "squashfs", end, []patch{{0, draw(96).str(0, "sqsh").be(28, 2, 3).be(30, 2, 1)}}},
		{"swap-0", "swap", end, []patch{{4086, []byte("SWAP-SPACE")}}},
		{"swap-suspended", "swap", end, []patch{{1024, draw(44).le(0, 4, 1).le(4, 4, 99).str(12, id16)}, {4086, []byte("S1SUSPEND\x00")}}},
		{"verity", "mapper", end, []patch{{0, draw(64).str(0, "verity\x00\x00\x01\x00\x00\x00\x01").str(16, id16)}}},
		{"integrity", "mapper", end, []patch{{0, draw(64).str(0, "integrt\x00\x04")}}},
		{"snapshot", "mapper", end, []patch{{0, draw(64).str(0, "SnAp\x01")}}},
		{"ubi", "flash", end, []patch{{0, draw(64).str(0, "UBI#\x01").str(24, id16)}}},
		{"ubifs", "flash", end, []patch{{0, draw(256).le(0, 4, 0x06101831).le(0x50, 4, 5).str(0x6c, id16).le(0x7c, 4, 2)}}},
		{"cramfs", "flash", end, []patch{{0, draw(76).le(0, 4, 0x28cd3d45).str(16, "Compressed ROMFS").str(48, "label")}}},
		{"romfs", "flash", end, []patch{{0, draw(64).str(0, "-rom1fs-").str(16, "label")}}},
		{"bitlocker-vista", "bitlocker", end, []patch{{0, draw(512).str(0, "\xebR\x90-FVE-FS-")}}},
		{"bitlocker", "bitlocker", end, []patch{{0, draw(512).str(0, "\xebX\x90-FVE-FS-").le(67, 4, 0x11223344).le(176, 8, mega)}, {mega, draw(64).str(0, "-FVE-FS-").le(10, 2, 2)}}},
		{"bitlocker-stick", "bitlocker", end, []patch{{0, draw(512).str(0, "\xebX\x90MSWIN4.1").le(440, 8, mega)}, {mega, draw(64).str(0, "-FVE-FS-").le(10, 2, 2)}}},
		{"apfs", "apfs", end, []patch{{0, draw(512).le(24, 4, 0x80000001).str(32, "NXSB").le(36, 4, 4096).str(72, id16)}}},
		{"hfsplus", "apple", end, hfsplusSketch(0)},
		{"hfsx-wrapped", "apple", end, append(hfsplusSketch(mega), patch{1024, draw(512).str(0, "BD").be(20, 4, 4096).be(28, 2, 16).str(124, "HX").be(126, 2, (mega-16*512)/4096).be(128, 2, 1000)})},
		{"hfs", "apple", end, []patch{{1024, draw(512).str(0, "BD").be(20, 4, 4096).str(36, "\x05label").str(116, "12345678")}}},
		{"ddf", "firmware", end, []patch{{end - 512, draw(512).str(0, "\xde\x11\xde\x11").str(8, "LSI     abcdefghijklmnop01.02.03")}}},
		{"ddf-early", "firmware", end, []patch{{end - 257*512, draw(512).str(0, "\x11\xde\x11\xde").str(8, "LSI     \xff").str(32, "01.02.03")}}},
		{"isw", "firmware", end, []patch{{end - 1024, draw(512).str(0, "Intel Raid ISM Cfg Sig. 1.3.00")}}},
		{"xfs", "xfs", end, []patch{{0, xfsSketch()}}},
		{"btrfs", "btrfs", end, []patch{{64 << 10, draw(1024).str(0x20, id16).str(0x40, "_BHRfS_M").le(0x90, 4, 4096).str(0x10b, id16).str(0x12b, "label")}}},
		{"f2fs", "f2fs", end, []patch{{1024, draw(512).le(0, 4, 0xf2f52010).le(4, 2, 1).le(6, 2, 16).le(16, 4, 12).str(108, id16).str(124, "l\x00a\x00")}}},
		{"vfat", "vfat", end, []patch{{0, fatSketch()}, {3 * 512, draw(64).str(0, "LABEL FAT  \x08")}}},
		{"vfat-32", "vfat", end, []patch{{0, fat32Sketch()}, {1024, draw(16).le(8, 4, 3)}, {2048, draw(512).str(0, "\xe5")}, {2560, draw(64).str(0, "LABEL32    \x08")}}},
		{"exfat", "exfat", end, []patch{{0, exfatSketch()}, {4096, draw(16).le(8, 4, 3)}, {8192, draw(512).str(0, "\x83\x03a\x00b\x00c\x00")}}},
		{"ntfs", "ntfs", end, []patch{{0, ntfsSketch()}, {8192, draw(16).str(0, "FILE")}, {8192 + 3072, ntfsVolume()}}},
		{"iso9660", "iso9660", end, []patch{{0x8000, isoSketch("\x01")}, {0x8800, draw(2048).str(0, "\xffCD001\x01")}}},
		{"iso9660-joliet", "iso9660", end, []patch{{0x8000, isoSketch("\x01")}, {0x8800, draw(2048).str(0, "\x02CD001\x01").str(40, "\x00l\x00a").str(88, "%/E")}, {0x9000, draw(2048).str(0, "\xffCD001\x01")}}},
		{"udf", "udf", end, udfSketch()},
		{"luks1", "luks", end, []patch{{0, draw(512).str(0, "LUKS\xba\xbe").be(6, 2, 1).str(168, "01234567-89ab-cdef-0123-456789abcdef")}}},
		{"luks2", "luks", end, []patch{{0x4000, draw(512).str(0, "SKUL\xba\xbe").be(6, 2, 2).str(24, "label").str(168, "01234567-89ab-cdef-0123-456789abcdef").be(256, 8, 0x4000)}}},
		{"dos", "partitions", end, []patch{{446, draw(66).str(0, "\x80").str(4, "\x83").le(8, 4, 2048).le(12, 4, 2048).str(20, "\x05").le(24, 4, 8192).le(28, 4, 8192).str(64, "\x55\xaa")}, {8192 * 512, draw(512).str(450, "\x83").le(454, 4, 8).le(458, 4, 8).str(510, "\x55\xaa")}}},
		{"dos-whole", "partitions", end, []patch{{446, draw(66).str(4, "\xfd").le(8, 4, 2048).le(12, 4, uint64(end/512-2048)).str(64, "\x55\xaa")}}},
		{"gpt", "partitions", end, gptSketch()},
		{"erofs", "erofs", end, []patch{{1024, draw(128).le(0, 4, 0xe0f5e1e2).le(12, 1, 12).str(48, id16).str(64, "label")}}},
	}
}

func xfsSketch() sketch {
	return draw(512).str(0, "XFSB").be(4, 4, 4096).be(8, 8, 16384).str(32, id16).be(80, 4, 1).be(84, 4, 4096).be(88, 4, 4).
		be(100, 2, 0xb4a5).be(102, 2, 512).be(104, 2, 512).be(106, 2, 8).str(108, "label").str(120, "\x0c\x09\x09\x03\x0c").str(127, "\x19")
}

func fatSketch() sketch {
	return draw(512).str(0, "\xeb\x3c\x90mkfs.fat").le(11, 2, 512).str(13, "\x04").le(14, 2, 1).str(16, "\x02").le(17, 2, 16).
		le(19, 2, 4096).str(21, "\xf8").le(22, 2, 1).str(38, "\x29\x11\x22\x33\x44NO NAME    FAT12   ").le(510, 2, 0xaa55)
}

func fat32Sketch() sketch {
	return draw(512).str(0, "\xeb\x3c\x90mkfs.fat").le(11, 2, 512).str(13, "\x01").le(14, 2, 2).str(16, "\x02").
		str(21, "\xf8").le(32, 4, 100000).le(36, 4, 1).le(44, 4, 2).le(48, 2, 1).str(66, "\x29\x11\x22\x33\x44NO NAME    FAT32   ").le(510, 2, 0xaa55)
}

func exfatSketch() sketch {
	return draw(512).str(3, "EXFAT   ").le(0x50, 4, 8).le(0x54, 4, 1).le(0x58, 4, 16).le(0x5c, 4, 1000).le(0x60, 4, 2).le(0x64, 4, 0x11223344).
		le(0x68, 2, 0x100).str(0x6c, "\x09\x00\x01").le(510, 2, 0xaa55)
}

func ntfsSketch() sketch {
	return draw(512).str(3, "NTFS    ").le(11, 2, 512).str(13, "\x08").str(21, "\xf8").le(40, 8, 100000).le(48, 8, 2).le(56, 8, 9).
		str(64, "\xf6").le(72, 8, 0x1122334455667788).le(510, 2, 0xaa55)
}

func ntfsVolume() sketch {
	return draw(512).str(0, "FILE").le(20, 2, 56).le(24, 4, 512).le(28, 4, 1024).
		le(56, 4, 0x60).le(60, 4, 32).le(56+16, 4, 4).le(56+20, 2, 24).str(56+24, "a\x00b\x00").le(88, 4, 0xffffffff)
}

func isoSketch(kind string) sketch {
	return draw(2048).str(0, kind+"CD001\x01").str(8, "SYSTEM").str(40, "LABEL").str(190, "SET").str(318, "PUBLISHER").
		str(446, "PREPARER").str(574, "APPLICATION").str(813, "2026010203040506").str(830, "2026010203040506")
}

func udfSketch() []patch {
	const block = 2048
	primary := draw(512).le(0, 2, tagPrimary).str(24, "\x08volume").str(55, "\x07").str(72, "\x080123456789abcdefset").str(199, "\x14").str(201, "OSTA Compressed Unicode").str(344, "\x00*application")
	logical := draw(512).le(0, 2, tagLogical).str(21, "OSTA Compressed Unicode").str(84, "\x10\x00l\x00a").str(211, "\x05").le(212, 4, block).str(216, "\x00*OSTA UDF Compliant").le(240, 2, 0x201).le(432, 4, block).le(436, 4, 300)
	return []patch{
		{0x8000, draw(16).str(0, "\x00BEA01\x01")}, {0x8800, draw(16).str(0, "\x00NSR03\x01")}, {0x9000, draw(16).str(0, "\x00TEA01\x01")},
		{256 * block, draw(512).le(0, 2, tagAnchor).le(12, 4, 256).le(16, 4, 16*block).le(20, 4, 257)},
		{257 * block, primary.le(12, 4, 257)}, {258 * block, logical.le(12, 4, 258)}, {259 * block, draw(16).le(0, 2, tagEnd).le(12, 4, 259)},
		{300 * block, draw(512).le(0, 2, tagIntegrity).le(12, 4, 300).le(72, 4, 1).le(76, 4, 46).le(128, 2, 0x150)},
	}
}

func gptSketch() []patch {
	entries := draw(512).str(0, id16).str(16, id16).le(32, 8, 64).le(40, 8, 127).str(56, "n\x00").le(56+72, 8, 0)
	header := draw(512).str(0, "EFI PART").le(8, 4, 0x10000).le(12, 4, 92).le(24, 8, 1).le(32, 8, 64<<11-1).le(40, 8, 34).le(48, 8, 64<<11-34).
		str(56, id16).le(72, 8, 2).le(80, 4, 4).le(84, 4, 128).le(88, 4, uint64(crc32.ChecksumIEEE(entries)))
	header.le(16, 4, uint64(crc32.ChecksumIEEE(header[:92])))
	return []patch{{446, draw(66).str(4, "\xee").le(8, 4, 1).le(12, 4, 64<<11-1).str(64, "\x55\xaa")}, {512, header}, {1024, entries}}
}

func hfsplusSketch(offset int64) []patch {
	const catalog = 8
	header := draw(512).str(0, "H+\x00\x04").be(40, 4, 4096).be(44, 4, 4096).str(104, "12345678").be(272, 8, 16384).be(284, 4, 4).be(288, 4, catalog).be(292, 4, 4)
	tree := draw(512).str(8, "\x01").be(14, 2, 1).be(16, 4, 1).be(20, 4, 2).be(24, 4, 1).be(28, 4, 1).be(32, 2, 4096)
	leaf := draw(512).str(8, "\xff\x01").be(10, 2, 2).be(14, 2, 16).be(16, 4, 1).be(20, 2, 3).str(22, "\x00v\x00o\x00l")
	return []patch{{offset + 1024, header}, {offset + catalog*4096, tree}, {offset + catalog*4096 + 4096, leaf}}
}

func md0Sketch() sketch {
	return draw(4096).le(0, 4, mdMagic).le(8, 4, 90).str(20, id16[:4]).str(52, id16[4:])
}

func md1Sketch(sector uint64) sketch {
	return draw(256).le(0, 4, mdMagic).le(4, 4, 1).str(16, id16).str(32, "host:0 x").le(144, 8, sector).str(168, id16[1:]+"\x77")
}

func lvmSketch(sector uint64) sketch {
	s := draw(512).str(0, "LABELONE").le(8, 8, sector).le(20, 4, 32).str(24, "LVM2 001").str(32, "abcdefghijklmnopqrstuvwxyzABCDEF")
	return s.le(16, 4, uint64(lvmCRC(block(s[20:]))))
}

func zfsSketch(end int64) []patch {
	pair := func(name string, kind uint64, value sketch) []byte {
		name += string(make([]byte, -len(name)&3))
		p := draw(8).be(4, 4, uint64(len(bytes.TrimRight([]byte(name), "\x00"))))
		p = append(append(p, name...), draw(8).be(0, 4, kind).be(4, 4, 1)...)
		p = append(p, value...)
		return append(draw(8).be(0, 4, uint64(len(p)+4)).be(4, 4, uint64(len(p)+4))[:4], p...)
	}
	list := []byte(draw(12).be(0, 4, 0x01010000).be(8, 4, 1))
	list = append(list, pair("version", 8, draw(8).be(0, 8, 5000))...)
	list = append(list, pair("name", 9, draw(8).be(0, 4, 4).str(4, "tank"))...)
	list = append(list, pair("pool_guid", 8, draw(8).be(0, 8, 12345678901234567890))...)
	list = append(list, pair("guid", 8, draw(8).be(0, 8, 42))...)
	ring := draw(8192)
	for i := range 8 {
		ring.le(i*1024, 8, zfsUberblock).le(i*1024+8, 8, 5000).le(i*1024+16, 8, uint64(i))
	}
	var all []patch
	for _, label := range []int64{0, zfsLabel, end - 2*zfsLabel, end - zfsLabel} {
		all = append(all, patch{label + 16<<10, list}, patch{label + zfsRing, ring})
	}
	return all
}
