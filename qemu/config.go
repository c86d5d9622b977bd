// Package qemu describes, starts and drives one virtual machine.
//
// A Config is a value; Args turns it into QEMU's command line and touches
// nothing. Start runs it and returns a Machine: its serial console (Expect,
// Send), its QMP connection, and Close, which always leaves no process and no
// file behind. Login, Run and PowerOff talk to the diagnostics shell on the
// serial console.
//
// Two kinds of failure are kept apart, because different people fix them: a
// BootError means that the guest failed (it panicked, fell silent or died), a
// HarnessError that QEMU or this package did. A guest can die without a word
// and QEMU still exits 0, so no exit status of QEMU ever counts as success:
// callers wait for something that only a living guest says.
//
// $SLASHDEV_ARTIFACTS names a folder for console, command line and QMP state
// of failed machines; $SLASHDEV_ACCEL=tcg|kvm overrides the accelerator.
package qemu

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Accel is a QEMU accelerator.
type Accel string

// The accelerators in use. The zero value means TCG.
const (
	TCG Accel = "tcg"
	KVM Accel = "kvm"
	// Parallel is TCG with a host thread per core, for measuring: twice as fast,
	// but one boot of a pc in forty dies of an emulation fault (EmulationFault).
	Parallel Accel = "tcg,thread=multi"
)

// Forward is a TCP port of the host that leads to one of the guest. The host
// side listens on 127.0.0.1 only.
type Forward struct {
	Host, Guest uint16
}

// Config describes a machine. The zero value of each field but Machine is a
// working choice.
type Config struct {
	Machine string // pc, pc-uefi, virt or rpi3
	Accel   Accel

	// Kernel starts the machine directly, without firmware or boot loader.
	// virt and rpi3 need it.
	Kernel, Initrd, DTB, Cmdline string

	Disk     string // raw image, the machine's own disk
	Snapshot bool   // throw the guest's writes to Disk away

	// FirmwareCode and FirmwareVars are OVMF's two flash images, for pc-uefi.
	// Start gives each machine a copy of FirmwareVars of its own.
	FirmwareCode, FirmwareVars string

	Memory     int       // MiB; 512, and 1024 on rpi3, which has no other size
	Forwards   []Forward // into the guest; without them the host opens no port
	Watchdog   bool      // add an i6300esb (pc, pc-uefi, virt)
	Reboot     bool      // a guest's reset restarts it; else it ends QEMU
	Extra      []string  // more arguments, appended as they are
	QMPSocket  string    // unix socket on which QEMU finds a listener; Start sets it
	BinaryPath string    // QEMU to run instead of the one on PATH

	// Artifacts is the folder for what is left of a failed machine;
	// $SLASHDEV_ARTIFACTS, or a new temporary folder, if empty.
	Artifacts string
	// Quiet turns the crash patterns off, for people at the console.
	Quiet bool
	// Output gets a copy of each byte of the console.
	Output io.Writer
	Logf   func(format string, args ...any)
}

// board is what the four machines differ in.
type board struct {
	name    string
	arch    string // as Go spells it
	binary  string
	serial  string // console= word of the serial console we own
	memory  int
	machine []string // first arguments
}

func boards() []board {
	q35 := []string{"-M", "q35", "-cpu", "max", "-smp", "2"}
	return []board{
		{"pc", "amd64", "qemu-system-x86_64", "ttyS0", 512, q35},
		{"pc-uefi", "amd64", "qemu-system-x86_64", "ttyS0", 512, q35},
		{"virt", "arm64", "qemu-system-aarch64", "ttyAMA0", 512,
			[]string{"-M", "virt", "-cpu", "cortex-a53", "-smp", "2"}},
		// No -smp: the board has four cores, and QEMU refuses any other number.
		{"rpi3", "arm64", "qemu-system-aarch64", "ttyS0,115200", 1024, []string{"-M", "raspi3b"}},
	}
}

// Machines returns the names of the machines.
func Machines() []string {
	var names []string
	for _, b := range boards() {
		names = append(names, b.name)
	}
	return names
}

// UnknownMachineError is a machine name that does not exist.
type UnknownMachineError struct{ Name string }

func (e *UnknownMachineError) Error() string {
	return fmt.Sprintf("machine %q: unknown: use one of %s", e.Name, strings.Join(Machines(), ", "))
}

func findBoard(name string) (board, error) {
	all := boards()
	i := slices.IndexFunc(all, func(b board) bool { return b.name == name })
	if i < 0 {
		return board{}, &UnknownMachineError{Name: name}
	}
	return all[i], nil
}

// Arch returns the Go architecture of a machine, for the image builder.
func Arch(machine string) (string, error) {
	b, err := findBoard(machine)
	return b.arch, err
}

// ConsoleWord returns the kernel's console= value of a machine's serial line.
func ConsoleWord(machine string) (string, error) {
	b, err := findBoard(machine)
	return b.serial, err
}

// NeedsKernel reports whether QEMU has no firmware that could start the
// machine's disk.
func NeedsKernel(machine string) bool { return machine == "virt" || machine == "rpi3" }
