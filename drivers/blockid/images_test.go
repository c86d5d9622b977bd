package blockid

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// image is made by the real tools: $f is the file, src a folder with a file in it.
type image struct {
	name, size, make string
}

// images are small where the tools allow it; they are sparse files.
var images = []image{
	{"ext2", "4M", "mke2fs -q -t ext2 -L data $f"},
	{"ext3", "8M", "mke2fs -q -t ext3 $f"},
	{"ext4", "16M", "mke2fs -q -t ext4 -L 'hi there' $f"},
	{"ext4-no-journal", "8M", "mke2fs -q -t ext4 -b 1024 -O ^has_journal $f"},
	{"ext4-checksum", "8M", "mke2fs -q -t ext4 -O 64bit,metadata_csum $f"},
	{"jbd", "8M", "mke2fs -q -O journal_dev -b 4096 -L journal $f"},
	{"xfs", "320M", "mkfs.xfs -q -L xlabel $f"},
	{"xfs-v4", "320M", "mkfs.xfs -q -m crc=0 -L x4 $f"},
	{"btrfs", "120M", "mkfs.btrfs -q -L 'b tree' $f"},
	{"f2fs", "64M", "mkfs.f2fs -q -l flash $f"},
	{"vfat-12", "4M", "mkfs.fat -F 12 -n LABEL $f"},
	{"vfat-16", "16M", "mkfs.fat -F 16 -n 'A LABEL' $f"},
	{"vfat-32", "64M", "mkfs.fat -F 32 -n BOOT $f"},
	{"vfat-no-label", "64M", "mkfs.fat -F 32 $f"},
	{"vfat-4k-sectors", "64M", "mkfs.fat -S 4096 -n BIG $f"},
	{"exfat", "8M", "mkfs.exfat -L exlabel $f"},
	{"exfat-no-label", "8M", "mkfs.exfat $f"},
	{"ntfs", "8M", "mkntfs -q -F -L 'NT label' $f"},
	{"iso9660", "0", "genisoimage -quiet -V CDLABEL -publisher Pub -A App -sysid SYS -p Prep -volset Set -o $f src"},
	{"iso9660-joliet", "0", "genisoimage -quiet -J -R -V a_label_of_some_length -o $f src"},
	{"iso9660-boot", "0", "genisoimage -quiet -J -R -b file -no-emul-boot -V BOOT -o $f src"},
	{"iso9660-udf", "0", "genisoimage -quiet -udf -V BOTH -o $f src"},
	{"udf", "8M", "mkudffs --utf8 -l ulabel $f"},
	{"udf-2.01", "8M", "mkudffs --media-type=hd -r 2.01 -b 512 -l u201 $f"},
	{"udf-4k", "8M", "mkudffs -b 4096 -l big $f"},
	{"udf-dvd", "8M", "mkudffs --utf8 --media-type=dvd -l dvdé $f"},
	{"udf-1.02", "8M", "mkudffs -r 1.02 -b 2048 -l old $f"},
	{"squashfs", "0", "mksquashfs src $f -noappend"},
	{"erofs", "0", "mkfs.erofs $f src"},
	{"cramfs", "0", "mkfs.cramfs -n cram src $f"},
	{"verity", "0", "truncate -s 1M data; veritysetup format data $f"},
	{"swap", "8M", "mkswap -L swaplabel $f"},
	{"swap-64k", "8M", "mkswap -p 65536 $f"},
	{"luks1", "3M", "cryptsetup -q luksFormat --type luks1 --pbkdf-force-iterations 1000 $f src/file"},
	{"luks2", "18M", "cryptsetup -q luksFormat --type luks2 --label locked --pbkdf pbkdf2 --pbkdf-force-iterations 1000 $f src/file"},
	{"luks2-second", "18M", "cryptsetup -q luksFormat --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 $f src/file && dd if=/dev/zero of=$f bs=4096 count=1 conv=notrunc"},
	{"bcache", "8M", "make-bcache -B $f"},
	{"bcache-cache", "128M", "make-bcache -C $f"},
	{"dos", "64M", `printf 'label: dos\nlabel-id: 0x12345678\n2048,1M,c,*\n,1M,83\n,20M,5\n,1M,7\n,2M,82\n,1M,83\n,3M,fd\n' | sfdisk -q $f`},
	{"gpt", "8M", `printf 'label: gpt\nlabel-id: 11111111-2222-3333-4444-555555555555\nstart=2048,size=1M,type=U,uuid=22222222-2222-3333-4444-555555555555,name="boot part"\nsize=1M,type=L,uuid=33333333-2222-3333-4444-555555555555,name="../a\\x1b%%n ö",attrs=LegacyBIOSBootable\n' | sfdisk -q $f`},
	{"empty", "1M", "true"},
}

func imageNamed(name string) image {
	return images[slices.IndexFunc(images, func(i image) bool { return i.name == name })]
}

// tools is where scripts/setup-formats puts them.
const tools = "../../bin/parts/formats"

// environment finds the tools and their libraries.
func environment(t testing.TB) []string {
	t.Helper()
	root, err := filepath.Abs(tools)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "stamp")); err != nil {
		t.Skip("needs bin/parts: run make setup")
	}
	var path, libraries []string
	for _, dir := range []string{"sbin", "bin", "usr/sbin", "usr/bin"} {
		path = append(path, filepath.Join(root, dir))
	}
	for _, dir := range []string{"lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu", "lib/aarch64-linux-gnu", "usr/lib/aarch64-linux-gnu"} {
		libraries = append(libraries, filepath.Join(root, dir))
	}
	return append(os.Environ(),
		"PATH="+strings.Join(path, ":")+":/usr/sbin:/usr/bin:/sbin:/bin",
		"LD_LIBRARY_PATH="+strings.Join(libraries, ":"))
}

// create makes the image in a folder of the test and returns its path.
func (i image) create(t testing.TB) string {
	t.Helper()
	env, dir := environment(t), t.TempDir()
	cmd := exec.Command("/bin/sh", "-ec", `mkdir src; echo hello >src/file; truncate -s $size $f; `+i.make)
	cmd.Dir, cmd.Env = dir, append(env, "f=image", "size="+i.size)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make an image of %s: %v\n%s", i.name, err, out)
	}
	return filepath.Join(dir, "image")
}
