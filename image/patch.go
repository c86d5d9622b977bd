package image

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"slashdev/image/fat"
	"slashdev/image/gpt"
	"slashdev/image/uki"
)

// bootPart is the boot partition of a ready image.
type bootPart struct {
	*fat.FS
	target string
	file   *os.File
	start  int64 // in bytes
}

// openBoot finds out what kind of image a file is, by what its boot partition
// holds.
func openBoot(name string, flag int) (*bootPart, error) {
	f, err := os.OpenFile(name, flag, 0)
	if err != nil {
		return nil, err
	}
	table, err := gpt.Read(f)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	for _, probe := range []struct {
		target, file string
		number       int
	}{{"pc", grubConfig, 1}, {"virt", virtCmdline, 1}, {"rpi", piCmdline, 2}} {
		p := part(table, probe.number)
		if p == nil {
			continue
		}
		b := &bootPart{target: probe.target, file: f, start: p.Start * gpt.SectorSize}
		if b.FS, err = fat.Open(io.NewSectionReader(f, b.start, p.Size*gpt.SectorSize)); err != nil {
			continue
		}
		if _, ok := b.Find(probe.file); ok {
			return b, nil
		}
	}
	f.Close()
	return nil, fmt.Errorf("%s: not an image of ours: no boot partition with a known kernel", name)
}

// TargetOf says what a ready image is for: pc, virt or rpi.
func TargetOf(imageFile string) (string, error) {
	b, err := openBoot(imageFile, os.O_RDONLY)
	if err != nil {
		return "", err
	}
	return b.target, b.file.Close()
}

// section is the part of the image that holds a file, for reading and patching.
type section struct {
	f           *os.File
	start, size int64
}

func (s section) ReadAt(p []byte, at int64) (int, error) {
	return io.NewSectionReader(s.f, s.start, s.size).ReadAt(p, at)
}

func (s section) WriteAt(p []byte, at int64) (int, error) {
	if at < 0 || at+int64(len(p)) > s.size {
		return 0, errors.New("patch image: the file is too small")
	}
	return s.f.WriteAt(p, s.start+at)
}

func (b *bootPart) section(path string) (section, error) {
	at, size, err := b.Extent(path)
	return section{b.file, b.start + at, size}, err
}

// cmdline is what the boot loader gives the kernel.
func (b *bootPart) cmdline() (string, error) {
	if b.target == "pc" {
		s, err := b.section(ukiFile)
		if err != nil {
			return "", err
		}
		return uki.Cmdline(s)
	}
	name := virtCmdline
	if b.target == "rpi" {
		name = piCmdline
	}
	text, err := b.ReadFile(name)
	return strings.TrimSpace(string(text)), err
}

// setCmdline replaces it everywhere.
func (b *bootPart) setCmdline(cmdline string) error {
	switch b.target {
	case "virt":
		return b.setText(virtCmdline, cmdline, "\n")
	case "rpi":
		return b.setText(piCmdline, cmdline, " ")
	}
	s, err := b.section(ukiFile)
	if err != nil {
		return err
	}
	config, err := grubText(cmdline)
	if err != nil {
		return err
	}
	if err := uki.SetCmdline(s, cmdline); err != nil {
		return err
	}
	return b.setText(grubConfig, string(config.Bytes), "#")
}

// setText replaces the content of a padded text file.
func (b *bootPart) setText(name, text, filler string) error {
	s, err := b.section(name)
	if err != nil {
		return err
	}
	if int64(len(text)) > s.size {
		return errorf(codeUsage, "patch %s: %d bytes, room for %d", name, len(text), s.size)
	}
	text += strings.Repeat(filler, int(s.size)-len(text))
	_, err = s.WriteAt([]byte(text), 0)
	return err
}

// AppendCmdline adds words to the kernel command line of a ready image, in
// place. Callers that want to keep the image patch a copy.
func AppendCmdline(imageFile, words string) error {
	if strings.ContainsAny(words, "\n\r\x00") {
		return errorf(codeUsage, "append %q: kernel words cannot hold a newline", words)
	}
	b, err := openBoot(imageFile, os.O_RDWR)
	if err != nil {
		return err
	}
	defer b.file.Close()
	old, err := b.cmdline()
	if err != nil {
		return err
	}
	return errors.Join(b.setCmdline(old+" "+strings.TrimSpace(words)), b.file.Sync())
}

// CmdlineOf returns the kernel command line of a ready image, for starting its
// kernel without its boot loader.
func CmdlineOf(imageFile string) (string, error) {
	b, err := openBoot(imageFile, os.O_RDONLY)
	if err != nil {
		return "", err
	}
	defer b.file.Close()
	cmdline, err := b.cmdline()
	return directConsole(cmdline), err
}

// directConsole stands in for the Pi's firmware, which turns serial0 into the
// name of the port it has chosen: the mini UART on a Pi 3 with Bluetooth.
func directConsole(cmdline string) string {
	return strings.ReplaceAll(cmdline, "console=serial0,", "console=ttyS0,")
}

// KernelOf copies the kernel of a ready image, and the device tree of a Pi 3,
// to outDir.
func KernelOf(imageFile, outDir string) (kernel, dtb string, err error) {
	b, err := openBoot(imageFile, os.O_RDONLY)
	if err != nil {
		return "", "", err
	}
	defer b.file.Close()
	if b.target == "rpi" {
		const name = "bcm2710-rpi-3-b.dtb"
		dtb = filepath.Join(outDir, name)
		if err := b.copyTo("/"+name, dtb); err != nil {
			return "", "", err
		}
	}
	from := map[string]string{"pc": "/a/vmlinuz", "virt": virtKernel, "rpi": piKernel}[b.target]
	kernel = filepath.Join(outDir, kernelName)
	return kernel, dtb, b.copyTo(from, kernel)
}

func (b *bootPart) copyTo(path, file string) error {
	data, err := b.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o644)
}
