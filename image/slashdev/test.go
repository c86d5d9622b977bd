package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"

	"slashdev/qemu"
	"slashdev/qemu/script"
)

type testOptions struct {
	machine string
	verbose bool
}

func testCommand() *cobra.Command {
	var o testOptions
	cmd := &cobra.Command{
		Use:   "test SCRIPT...",
		Short: "Run test scripts against machines in QEMU",
		Long: `Test runs scripts, one after the other, each with machines of its own. A
script is a text file (.txtar) in Go's testscript language, with these verbs
more:

  boot [--machine M] [--direct] [--append WORD]... [--add FILE:PATH]...
       [APPLIANCE|IMAGE]     start a machine; after halt or powercut, without
                             arguments, start the same disk again
  expect PATTERN             wait until the console prints it
  send [-n] TEXT             type TEXT and Enter (-n: no Enter); \x03 is Ctrl-C
  [!] run CMD...             run CMD in the machine's shell; then stdout, stderr
                             and cmp look at its output
  plug ID DRIVER [SIZE] [label=L] [file=F] [KEY=VALUE]...
                             plug in usb-storage, scsi-hd, usb-kbd ...
  unplug ID                  pull it out; waits until the guest has let go
  [!] console PATTERN        the console has (not) shown such a line so far
  qmp CMD [JSON]             a QMP command; its result is stdout
  freeze on|off|TIME         stop the machine
  powercut                   cut the power
  halt                       power off cleanly, or fail
  reboot                     reboot cleanly, or fail

A machine that panics, resets by itself or dies without a word fails the
script. [machine:rpi3] before a line runs it on that machine only. On failure
the console, QEMU's command line and its state are kept, below
$SLASHDEV_ARTIFACTS if that is set.`,
		Example: `  slashdev test qemu/testdata/script/plug.txtar
  slashdev test --machine virt -v scripts/*.txtar`,
		Args: cobra.MinimumNArgs(1),
		RunE: o.run,
	}
	cmd.Flags().StringVar(&o.machine, "machine", "pc", "default `MACHINE` of boot: "+strings.Join(qemu.Machines(), ", "))
	cmd.Flags().BoolVarP(&o.verbose, "verbose", "v", false, "print the log of scripts that pass")
	return cmd
}

func (o *testOptions) run(cmd *cobra.Command, files []string) (err error) {
	if _, err := qemu.Arch(o.machine); err != nil {
		return err
	}
	for _, file := range files {
		if _, err := os.Stat(file); err != nil {
			return err
		}
	}
	if err := qemu.CheckQEMU(o.machine); err != nil {
		return err
	}
	shop := &imageShop{built: map[string]qemu.Config{}, logf: func(format string, args ...any) {
		fmt.Fprintf(cmd.ErrOrStderr(), "slashdev: "+format+"\n", args...)
	}}
	if shop.dir, err = workDir(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(shop.dir)) }()
	return o.runAll(cmd, files, shop)
}

func (o *testOptions) runAll(cmd *cobra.Command, files []string, shop *imageShop) error {
	options := script.Options{Prepare: shop.prepare, Machine: o.machine, Password: os.Getenv("SLASHDEV_PASSWORD")}
	root := &scriptT{out: cmd.OutOrStdout(), verbose: o.verbose}
	root.guard(func() {
		testscript.RunT(root, testscript.Params{
			Files: files, Cmds: script.Cmds(), Setup: script.Setup(cmd.Context(), options),
			Condition: script.Condition(options), RequireUniqueNames: true,
		})
	})
	if cmd.Context().Err() != nil {
		return errors.New("ended by a signal")
	}
	if root.Failed() {
		return fmt.Errorf("%d of %d scripts failed", root.failures, len(files))
	}
	return nil
}

// imageShop builds each image once for all scripts, and gives every machine
// its own copy of the disk.
type imageShop struct {
	dir   string
	built map[string]qemu.Config
	logf  logFunc
}

func (s *imageShop) prepare(ctx context.Context, r script.Request) (qemu.Config, error) {
	plan := bootPlan{machine: r.Machine, direct: r.Direct, words: r.Append, add: r.Add, logf: s.logf}
	if _, err := qemu.Arch(r.Machine); err != nil {
		return qemu.Config{}, err
	}
	if err := plan.detect(r.Source); err != nil {
		return qemu.Config{}, err
	}
	if err := plan.check(); err != nil {
		return qemu.Config{}, err
	}
	if plan.image != "" { // the script's own
		plan.dir, plan.writable = r.Dir, true
		return s.withAccel(ctx, &plan)
	}
	return s.copyOf(ctx, &plan, r)
}

func (s *imageShop) copyOf(ctx context.Context, plan *bootPlan, r script.Request) (c qemu.Config, err error) {
	key := fmt.Sprintf("%s %v %q %q %q", r.Machine, r.Direct, r.Append, r.Add, r.Source)
	c, ok := s.built[key]
	if !ok {
		if plan.dir, err = os.MkdirTemp(s.dir, "image-"); err != nil {
			return c, err
		}
		if c, err = s.withAccel(ctx, plan); err != nil {
			return c, err
		}
		// Files that a script adds differ under the same name.
		if len(r.Add) == 0 {
			s.built[key] = c
		}
	}
	if c.Disk == "" {
		return c, nil
	}
	own := filepath.Join(r.Dir, "disk.img")
	err = copySparse(own, c.Disk, false)
	c.Disk = own
	return c, err
}

func (s *imageShop) withAccel(ctx context.Context, plan *bootPlan) (qemu.Config, error) {
	c, err := plan.prepare(ctx)
	if err != nil {
		return c, err
	}
	c.Accel, err = qemu.Probe{Machine: plan.machine, Kernel: probeKernel(), Logf: s.logf}.Choose(ctx)
	return c, err
}
