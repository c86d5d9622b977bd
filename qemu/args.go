package qemu

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Args returns QEMU's arguments for c. It is a pure function: it looks at no
// file and no environment.
func Args(c Config) ([]string, error) {
	b, err := findBoard(c.Machine)
	if err != nil {
		return nil, err
	}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("machine %s: %w", c.Machine, err)
	}
	args := append([]string{}, b.machine...)
	args = append(args, "-m", strconv.Itoa(c.memory(b)), "-accel", c.accelerator(),
		"-display", "none", "-monitor", "none", "-audiodev", "none,id=a")
	if !c.Reboot {
		args = append(args, "-no-reboot")
	}
	args = append(args, c.serialArgs()...)
	if c.QMPSocket != "" {
		args = append(args, "-chardev", "socket,id=qmp,path="+escape(c.QMPSocket), "-mon", "chardev=qmp,mode=control")
	}
	args = append(args, c.kernelArgs()...)
	args = append(args, c.firmwareArgs()...)
	args = append(args, c.diskArgs()...)
	args = append(args, c.networkArgs()...)
	args = append(args, c.deviceArgs()...)
	return append(args, c.Extra...), nil
}

func (c Config) check() error {
	switch {
	case NeedsKernel(c.Machine) && c.Kernel == "":
		return errors.New("no kernel: its firmware is not emulated, so QEMU must be given one")
	case c.Machine == "rpi3" && c.DTB == "":
		return errors.New("no device tree: the Pi's kernel needs bcm2710-rpi-3-b.dtb")
	case c.Machine == "pc-uefi" && (c.FirmwareCode == "" || c.FirmwareVars == ""):
		return errors.New("no firmware: OVMF_CODE and OVMF_VARS are needed")
	case c.Kernel == "" && c.Disk == "":
		return errors.New("neither kernel nor disk: nothing to boot")
	case c.Kernel == "" && (c.Initrd != "" || c.Cmdline != ""):
		return errors.New("initrd or command line without a kernel")
	case c.Machine == "rpi3" && c.Watchdog:
		return errors.New("the board has its own watchdog, and no PCI bus for an i6300esb")
	case c.Machine == "rpi3" && c.Memory != 0 && c.Memory != 1024:
		return fmt.Errorf("memory %d MiB: the board has 1024", c.Memory)
	}
	return nil
}

func (c Config) memory(b board) int {
	if c.Memory != 0 {
		return c.Memory
	}
	return b.memory
}

func (c Config) accelerator() string {
	switch {
	case c.Machine == "rpi3":
		// With a thread per core the three parked cores spin on the host's
		// and the boot does not finish in two minutes.
		return "tcg,thread=single"
	case c.Accel == KVM || c.Accel == Parallel:
		return string(c.Accel)
	case c.Machine == "virt":
		return string(TCG)
	}
	// The kernel patches its code while it runs (static keys, when the clock
	// source changes). With a thread per core QEMU 7.2 now and then runs the
	// int3 of a patch that is over: "Oops: int3", one boot in forty.
	return "tcg,thread=single"
}

// serialArgs puts the console on QEMU's stdin and stdout. The Pi's is its
// second serial line, the mini UART.
func (c Config) serialArgs() []string {
	if c.Machine == "rpi3" {
		return []string{"-serial", "null", "-serial", "stdio"}
	}
	return []string{"-serial", "stdio"}
}

// TimerWord is a kernel word for emulated PCs. Without it the kernel expects a
// timer's interrupt within ten milliseconds of its own counting, finds none on
// a host that has other things to do, and panics: "IO-APIC + timer doesn't work".
const TimerWord = "no_timer_check"

func (c Config) kernelArgs() []string {
	var args []string
	if c.Kernel != "" && (c.Machine == "pc" || c.Machine == "pc-uefi") {
		c.Cmdline = strings.TrimSpace(c.Cmdline + " " + TimerWord)
	}
	for _, pair := range [][2]string{{"-kernel", c.Kernel}, {"-initrd", c.Initrd}, {"-dtb", c.DTB}, {"-append", c.Cmdline}} {
		if pair[1] != "" {
			args = append(args, pair[0], pair[1])
		}
	}
	return args
}

func (c Config) firmwareArgs() []string {
	if c.Machine != "pc-uefi" {
		return nil
	}
	return []string{
		"-drive", "if=pflash,unit=0,format=raw,readonly=on,file=" + escape(c.FirmwareCode),
		"-drive", "if=pflash,unit=1,format=raw,file=" + escape(c.FirmwareVars),
	}
}

// diskArgs attaches the disk by virtio-blk: SeaBIOS, GRUB's biosdisk, OVMF and
// all three kernels see it, it costs TCG the fewest exits, and it leaves the
// name sda to the disks that tests plug in.
func (c Config) diskArgs() []string {
	if c.Disk == "" {
		return nil
	}
	options := ",format=raw,file=" + escape(c.Disk)
	if c.Snapshot {
		options += ",snapshot=on"
	}
	if c.Machine == "rpi3" {
		return []string{"-drive", "if=sd" + options}
	}
	return []string{"-drive", "if=none,id=disk0" + options,
		"-device", "virtio-blk-pci,id=disk,drive=disk0,bootindex=0"}
}

// networkArgs gives the machine one interface on QEMU's user network. Naming a
// -netdev also keeps QEMU from adding a second one of its own.
func (c Config) networkArgs() []string {
	var netdev strings.Builder
	netdev.WriteString("user,id=net0")
	for _, f := range c.Forwards {
		fmt.Fprintf(&netdev, ",hostfwd=tcp:127.0.0.1:%d-:%d", f.Host, f.Guest)
	}
	device := "virtio-net-pci,id=net,netdev=net0"
	if c.Machine == "rpi3" {
		device = "usb-net,id=net,netdev=net0"
	}
	return []string{"-netdev", netdev.String(), "-device", device}
}

// deviceArgs adds what scripts plug things into: a USB controller everywhere,
// and SCSI where the kernel has a driver.
func (c Config) deviceArgs() []string {
	var args []string
	switch c.Machine {
	case "rpi3":
		return []string{"-device", "usb-kbd,id=kbd"}
	case "virt":
		args = []string{"-device", "qemu-xhci,id=xhci"}
	default:
		args = []string{"-device", "qemu-xhci,id=xhci", "-device", "virtio-scsi-pci,id=scsi0"}
	}
	if c.Watchdog {
		args = append(args, "-device", "i6300esb,id=watchdog")
	}
	return args
}

// escape doubles commas, which separate the options of one QEMU argument.
func escape(path string) string { return strings.ReplaceAll(path, ",", ",,") }
