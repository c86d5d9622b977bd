package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"slashdev/qemu"
)

// runOptions are the flags of run.
type runOptions struct {
	machine  string
	direct   bool
	append   []string
	add      []string
	exec     string
	timeout  time.Duration
	forwards []string
	memory   int
	watchdog bool
}

func runCommand() *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "run [APPLIANCE|IMAGE]",
		Short: "Boot an appliance or an image in QEMU",
		Long: `Run boots in QEMU, with the machine's serial console on this terminal.

APPLIANCE is a folder with a config.json, or such a file; it is built into a
temporary image first. Without one the default appliance runs. IMAGE is a disk
image from slashdev build; it is never written: the machine gets an overlay.

Machines (--machine):
  pc        x86 PC, BIOS, disk from its own boot loader (the default)
  pc-uefi   x86 PC, UEFI firmware
  virt      arm64 virtual machine; QEMU starts the disk's kernel
  rpi3      Raspberry Pi 3 B; QEMU starts the card's kernel, its firmware is not
            emulated

Keys: Ctrl-A x quits, Ctrl-A h lists the keys, Ctrl-A Ctrl-A types a Ctrl-A.
Without a terminal the console goes to stdout and stdin is typed into it, at
once: what comes before the shell is there is lost. Scripts want --exec.

With --exec the machine boots without anybody watching. When it is ready, CMD
runs as root in its diagnostics shell; its stdout and stderr come out here byte
for byte, and the machine is powered off. The exit status is CMD's (123 for
everything above), 2 for a wrong command line or appliance file, 124 when
--timeout has passed, or 125 when the image could not be made, the machine did
not boot or QEMU failed. A machine that was started leaves a folder with its
console, which the message names.`,
		Example: `  slashdev run                                  boot the default appliance
  slashdev run ~/gokrazy/hello                  build and boot an appliance
  slashdev run --machine rpi3 --exec 'dev ls --json'
  slashdev run --append 'console=ttyS9' disk.img
  slashdev run --add ./tool:/bin/tool --exec 'tool --selftest'
  slashdev run --forward 8080:80                the page at http://127.0.0.1:8080/`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd, strings.Join(args, "")) },
	}
	f := cmd.Flags()
	f.StringVar(&o.machine, "machine", "pc", "`MACHINE` to emulate: "+strings.Join(qemu.Machines(), ", "))
	f.BoolVar(&o.direct, "direct", false, "boot kernel and initramfs, without a disk")
	f.StringArrayVar(&o.append, "append", nil, "more `WORDS` for the kernel command line")
	f.StringArrayVar(&o.add, "add", nil, "put a file into the image: `FILE:PATH`")
	f.StringVar(&o.exec, "exec", "", "run `CMD` in the machine and power off")
	f.DurationVar(&o.timeout, "timeout", 0, "give up after this time (default with --exec: 2m with KVM, 6m without; else never)")
	f.StringArrayVar(&o.forwards, "forward", nil, "make a TCP port of the machine reachable here: `HOST:GUEST`")
	f.IntVar(&o.memory, "memory", 0, "memory in MiB (default 512; rpi3 has 1024)")
	f.BoolVar(&o.watchdog, "watchdog", false, "add an i6300esb watchdog (not on rpi3)")
	return cmd
}

func (o *runOptions) run(cmd *cobra.Command, source string) error {
	logf := func(format string, args ...any) { fmt.Fprintf(cmd.ErrOrStderr(), "slashdev: "+format+"\n", args...) }
	headless := cmd.Flags().Changed("exec")
	plan, forwards, err := o.check(source)
	if err != nil {
		return headlessError(headless, err)
	}
	err = o.boot(cmd.Context(), plan, func(ctx context.Context, config qemu.Config) error {
		config.Forwards, config.Memory, config.Watchdog, config.Logf = forwards, o.memory, o.watchdog, logf
		if headless {
			return o.headless(ctx, config)
		}
		return interact(ctx, config, o.timeout)
	}, logf)
	return headlessError(headless, err)
}

// check finds what is wrong with the command line before anything is built.
func (o *runOptions) check(source string) (bootPlan, []qemu.Forward, error) {
	if _, err := qemu.Arch(o.machine); err != nil {
		return bootPlan{}, nil, err
	}
	if err := o.checkLimits(); err != nil {
		return bootPlan{}, nil, err
	}
	plan := bootPlan{machine: o.machine, direct: o.direct, words: strings.Fields(strings.Join(o.append, " ")), add: o.add}
	forwards, err := parseForwards(o.forwards)
	if err == nil {
		err = plan.detect(source)
	}
	if err == nil {
		err = plan.check()
	}
	return plan, forwards, err
}

// leastMemory is a floor for typing errors: with 8 MiB the boot loader ends
// without a word, and the run at its timeout.
const leastMemory = 64

func (o *runOptions) checkLimits() error {
	switch {
	case o.memory != 0 && o.memory < leastMemory:
		return usageError("memory %d: too little for a kernel: give at least %d MiB", o.memory, leastMemory)
	case o.timeout < 0:
		return usageError("timeout %v: it has passed already: give a time such as 2m", o.timeout)
	}
	return nil
}

// boot prepares the machine's files, calls use and removes the files again.
func (o *runOptions) boot(ctx context.Context, plan bootPlan, use func(context.Context, qemu.Config) error, logf logFunc) (err error) {
	if err := qemu.CheckQEMU(o.machine); err != nil {
		return err
	}
	if plan.dir, err = workDir(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(plan.dir)) }()
	plan.logf = logf
	config, err := plan.prepare(ctx)
	if err != nil {
		return err
	}
	probe := qemu.Probe{Machine: o.machine, Kernel: probeKernel(), Logf: logf}
	if config.Accel, err = probe.Choose(ctx); err != nil {
		return err
	}
	return use(ctx, config)
}

// parseForwards reads HOST:GUEST pairs and tries the host ports, because QEMU
// would say it later and less clearly.
func parseForwards(texts []string) ([]qemu.Forward, error) {
	var forwards []qemu.Forward
	for _, text := range texts {
		host, guest, _ := strings.Cut(text, ":")
		h, err1 := strconv.ParseUint(host, 10, 16)
		g, err2 := strconv.ParseUint(guest, 10, 16)
		if err1 != nil || err2 != nil || h == 0 || g == 0 {
			return nil, usageError("forward %q: not HOST:GUEST with two port numbers, as in 8080:80", text)
		}
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", h))
		if err != nil {
			return nil, fmt.Errorf("forward %d: %w: choose another port", h, rootCause(err))
		}
		l.Close()
		forwards = append(forwards, qemu.Forward{Host: uint16(h), Guest: uint16(g)})
	}
	return forwards, nil
}

// rootCause is the errno below net's wrapping.
func rootCause(err error) error {
	var call *os.SyscallError
	if errors.As(err, &call) {
		return call.Err
	}
	return err
}
