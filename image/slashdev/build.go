package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"slashdev/image"
)

func buildCommand() *cobra.Command {
	var o image.Options
	cmd := &cobra.Command{
		Use:   "build [-o FILE] [--target pc|rpi|virt|initramfs] [APPLIANCE]",
		Short: "Make a bootable image",
		Long: `build compiles the programs of an appliance and writes an image.

APPLIANCE is a config.json (gokrazy's, with an optional object "Slashdev") or
the folder that holds one; without it the default appliance is built.

  slashdev build -o disk.img --target pc DIR
  dd if=disk.img of=/dev/sdX bs=4M conv=fsync     put it on a disk

Targets: pc boots under BIOS and UEFI, rpi is an SD card for a Raspberry Pi,
virt is a disk for QEMU's arm64 machine, initramfs needs no disk at all. Without
--target the appliance's kernel decides. Two builds of the same sources give the
same bytes.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.Appliance = args[0]
			}
			return build(cmd, o)
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&o.Output, "output", "o", "", "file to write (default HOSTNAME-TARGET.img)")
	flags.StringVar(&o.Target, "target", "", "pc, rpi, virt or initramfs")
	flags.StringVar(&o.Arch, "arch", "", "amd64 or arm64 (default: the target's own)")
	flags.StringVar(&o.Board, "board", "", "for initramfs: whose kernel it goes with: pc, virt or rpi")
	flags.StringVar(&o.Append, "append", "", "further words for the kernel")
	flags.BoolVar(&o.Strict, "strict", false, "refuse what is otherwise a warning")
	return cmd
}

func build(cmd *cobra.Command, o image.Options) (err error) {
	if o.Parts, err = partsDir(); err != nil {
		return err
	}
	if o.Binaries, err = binariesDir(); err != nil {
		return err
	}
	stderr := cmd.ErrOrStderr()
	o.Logf = func(format string, args ...any) { fmt.Fprintf(stderr, "slashdev: "+format+"\n", args...) }
	result, err := image.Build(cmd.Context(), o)
	if err != nil {
		return err
	}
	for _, w := range result.Warnings {
		o.Logf("warning: %s", w)
	}
	return printResult(cmd.OutOrStdout(), result)
}

// printResult says what was made and how large its parts are.
func printResult(w io.Writer, r *image.Result) error {
	info, err := os.Stat(r.File)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%s: %s\n", r.File, megabytes(info.Size()))
	for _, s := range r.Sizes {
		fmt.Fprintf(w, "  %-16s %s\n", s.Name, megabytes(s.Bytes))
	}
	if r.Initrd != "" {
		fmt.Fprintf(w, "kernel: %s\nkernel words: %s\n", r.Kernel, r.Cmdline)
	}
	return nil
}

func megabytes(n int64) string { return fmt.Sprintf("%8.2f MB", float64(n)/1e6) }
