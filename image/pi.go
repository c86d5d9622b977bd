package image

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"slashdev/image/tree"
)

// autoboot makes the firmware boot partition 2, and 3 when it was asked to try
// the other slot once.
const autoboot = `[all]
tryboot_a_b=1
boot_partition=2
[tryboot]
boot_partition=3
`

// piTrees lists the firmware's partition and boot partition A.
func (b *builder) piTrees(first, boot *tree.Tree, cmdline string) error {
	firmware := filepath.Join(b.Parts, "firmware")
	if err := addAll(first, []tree.Entry{tree.Bytes("/autoboot.txt", 0o644, []byte(autoboot))},
		map[string]string{"/bootcode.bin": filepath.Join(firmware, "bootcode.bin")}); err != nil {
		return err
	}
	files := map[string]string{piKernel: b.kernel.vmlinuz()}
	for _, pattern := range []string{
		filepath.Join(firmware, "start*.elf"), filepath.Join(firmware, "fixup*.dat"), filepath.Join(firmware, "bootcode.bin"),
		filepath.Join(b.kernel.dir, "*.dtb"),
	} {
		if err := addGlob(files, "/", pattern); err != nil {
			return err
		}
	}
	if err := addGlob(files, "/overlays/", filepath.Join(b.kernel.dir, "overlays", "*")); err != nil {
		return err
	}
	config, err := b.piConfig()
	if err != nil {
		return err
	}
	return addAll(boot, []tree.Entry{
		tree.Bytes("/config.txt", 0o644, []byte(config)), padText(piCmdline, cmdline, ' '),
	}, files)
}

func addGlob(files map[string]string, dir, pattern string) error {
	found, err := filepath.Glob(pattern)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("no %s: run `make build`", pattern)
	}
	for _, file := range found {
		files[dir+filepath.Base(file)] = file
	}
	return err
}

// piConfig is config.txt: the kernel module's own, with the serial line as the
// appliance file wants it, then its extra lines.
func (b *builder) piConfig() (string, error) {
	text, err := os.ReadFile(filepath.Join(b.kernel.dir, "config.txt"))
	if err != nil {
		return "", err
	}
	config := string(text)
	if s := b.spec.SerialConsole; s != "disabled" && s != "off" {
		config = strings.ReplaceAll(config, "enable_uart=0", "enable_uart=1")
	}
	return strings.TrimRight(config, "\n") + "\n" + strings.Join(append(b.spec.BootloaderExtraLines, ""), "\n"), nil
}
