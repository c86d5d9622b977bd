package image

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"slashdev/image/gpt"
	"slashdev/image/tree"
	"slashdev/image/uki"
)

// Files of the boot partitions.
const (
	ukiFile     = "/EFI/Linux/slashdev-a.efi"
	grubConfig  = "/grub/grub.cfg"
	virtKernel  = "/a/vmlinuz"
	virtCmdline = "/a/cmdline.txt"
	piKernel    = "/vmlinuz"
	piCmdline   = "/cmdline.txt"
)

const (
	biosPartition = 5
	textRoom      = 4096 // of a text file that can be patched in place
)

// bootTrees lists what the FAT partitions hold, by partition number.
func (b *builder) bootTrees(cmdline string) (map[int][]tree.Entry, error) {
	trees := map[int]*tree.Tree{}
	var err error
	switch b.Target {
	case "pc":
		trees[1], err = b.pcTree(cmdline)
	case "virt":
		trees[1], err = b.virtTree(cmdline)
	case "rpi":
		trees[1], trees[2] = new(tree.Tree), new(tree.Tree)
		err = b.piTrees(trees[1], trees[2], cmdline)
	}
	if err != nil {
		return nil, err
	}
	out := map[int][]tree.Entry{}
	for n, t := range trees {
		if out[n], err = t.Entries(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// addAll adds entries and host files (path on the partition -> file).
func addAll(t *tree.Tree, entries []tree.Entry, files map[string]string) error {
	for _, e := range entries {
		if err := t.Add(e); err != nil {
			return err
		}
	}
	for name, file := range files {
		e, err := tree.HostFile(name, file, 0o644)
		if err != nil {
			return fmt.Errorf("find boot parts: %w: run `make build`", err)
		}
		if err := t.Add(e); err != nil {
			return err
		}
	}
	return nil
}

// padText gives a text file a fixed size, so that it can grow in place.
func padText(name, text string, filler byte) tree.Entry {
	data := []byte(text)
	for i := len(data); i < textRoom; i++ {
		data = append(data, filler)
	}
	return tree.Bytes(name, 0o644, data)
}

// pcTree is the EFI system partition: systemd-boot starts the newest unified
// kernel image; GRUB, under BIOS, what its configuration says.
func (b *builder) pcTree(cmdline string) (*tree.Tree, error) {
	kernel, err := os.ReadFile(b.kernel.vmlinuz())
	if err != nil {
		return nil, err
	}
	stub, err := os.ReadFile(filepath.Join(b.Parts, "efi", "linuxx64.efi.stub"))
	if err != nil {
		return nil, fmt.Errorf("find boot parts: %w: run `make build`", err)
	}
	image, err := uki.Build(stub, []uki.Section{
		{Name: ".osrel", Data: []byte(osRelease)}, {Name: ".cmdline", Data: []byte(cmdline)}, {Name: ".linux", Data: kernel},
	})
	if err != nil {
		return nil, err
	}
	config, err := grubText(cmdline)
	if err != nil {
		return nil, err
	}
	t := new(tree.Tree)
	return t, addAll(t, []tree.Entry{
		tree.Bytes(ukiFile, 0o644, image),
		tree.Bytes("/a/vmlinuz", 0o644, kernel),
		tree.Bytes("/loader/loader.conf", 0o644, []byte("timeout 0\n")),
		config,
		tree.Bytes("/grub/grubenv", 0o644, []byte("# GRUB Environment Block\n"+strings.Repeat("#", 1024-25))),
	}, map[string]string{"/EFI/BOOT/BOOTX64.EFI": filepath.Join(b.Parts, "efi", "systemd-bootx64.efi")})
}

// grubText is grub.cfg. Slot B will be a second linux line, chosen by counters
// in grubenv, which has its place already.
func grubText(cmdline string) (tree.Entry, error) {
	words, err := kernelWords(cmdline)
	if err != nil {
		return tree.Entry{}, err
	}
	linux := "linux /$slot/vmlinuz " + "'" + strings.Join(words, "' '") + "'"
	text := `# Written by slashdev; patched in place, so its size is fixed.
set timeout=0
set slot=a
if ` + linux + `; then boot; fi
# Only now the serial line: setting it up clears the screen behind it.
serial --unit=0 --speed=115200
terminal_output console serial
echo "slashdev: GRUB cannot start /$slot/vmlinuz:"
linux /$slot/vmlinuz
`
	if len(text) > textRoom {
		return tree.Entry{}, errorf(codeUsage, "kernel command line of %d bytes does not fit grub.cfg", len(cmdline))
	}
	return padText(grubConfig, text, '#'), nil
}

// kernelWords splits a command line as the kernel does. GRUB puts the quotes
// back by itself, and would escape those that it is given.
func kernelWords(cmdline string) ([]string, error) {
	quoted := false
	words := strings.FieldsFunc(cmdline, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return !quoted && (r == ' ' || r == '\t')
	})
	if quoted || strings.ContainsAny(cmdline, "'\\\n") {
		return nil, errorf(codeUsage, "kernel words %s: an open quote, or one of ' \\ which GRUB cannot pass", cmdline)
	}
	for i := range words {
		words[i] = strings.ReplaceAll(words[i], "\"", "")
	}
	return words, nil
}

// writeBIOS puts GRUB's core image into its partition and returns the code for
// the MBR, which loads it. Both know the other's place by block lists.
func (b *builder) writeBIOS(f *os.File, p *gpt.Partition) ([]byte, error) {
	boot, err := os.ReadFile(filepath.Join(b.Parts, "grub", "boot.img"))
	if err != nil {
		return nil, fmt.Errorf("find boot parts: %w: run `make build`", err)
	}
	core, err := os.ReadFile(filepath.Join(b.Parts, "grub", "core.img"))
	if err != nil {
		return nil, fmt.Errorf("find boot parts: %w: run `make build`", err)
	}
	if err := patchGRUB(boot, core, p); err != nil {
		return nil, err
	}
	_, err = f.WriteAt(core, p.Start*gpt.SectorSize)
	return boot[:440], err
}

// patchGRUB tells boot.img where core.img starts, and core.img where the rest
// of it lies. The jump in boot.img that reads a CHS disk is made a no-op.
func patchGRUB(boot, core []byte, p *gpt.Partition) error {
	sectors := (len(core) + gpt.SectorSize - 1) / gpt.SectorSize
	if len(boot) != gpt.SectorSize || sectors < 2 || int64(sectors) > p.Size {
		return fmt.Errorf("install GRUB: boot.img of %d and core.img of %d bytes do not fit", len(boot), len(core))
	}
	binary.LittleEndian.PutUint64(boot[0x5c:], uint64(p.Start))
	boot[0x66], boot[0x67] = 0x90, 0x90
	binary.LittleEndian.PutUint64(core[0x1f4:], uint64(p.Start+1))
	binary.LittleEndian.PutUint16(core[0x1fc:], uint16(sectors-1))
	return nil
}

// virtTree holds a kernel to be started with -kernel, until its firmware is.
func (b *builder) virtTree(cmdline string) (*tree.Tree, error) {
	t := new(tree.Tree)
	return t, addAll(t, []tree.Entry{padText(virtCmdline, cmdline, '\n')}, map[string]string{virtKernel: b.kernel.vmlinuz()})
}
