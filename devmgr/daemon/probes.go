package daemon

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"syscall"

	"slashdev/devmgr/devtree"
	udevrules "slashdev/devmgr/rules/udev"
	"slashdev/drivers/ask"
	"slashdev/drivers/ident"
)

// node is a device that has been opened, to be asked.
type node interface {
	ask.Device
	io.ReaderAt
	io.Closer
}

// node opens the device itself.
func (p probe) node() (node, error) { return p.openNode(p.device) }

func (h *host) openNode(d *devtree.Device) (node, error) {
	if h.policy.node != nil {
		return h.policy.node(d.DevName)
	}
	f, err := h.open(d)
	return ask.Node{File: f}, err
}

// laterIf makes a moment of what is known.
func laterIf(so bool) moment {
	if so {
		return later
	}
	return atOnce
}

// laterIfPlane: only a device with two axes has a size, which its node knows.
func laterIfPlane(p probe) moment {
	const digits = "37bf" // that have the bits of ABS_X and ABS_Y
	if !p.device.HasNode() || !strings.HasPrefix(p.device.Name(), "event") {
		return atOnce
	}
	axes := p.attr("device/capabilities/abs")
	return laterIf(axes != "" && strings.IndexByte(digits, axes[len(axes)-1]) >= 0)
}

// inputID adds the size to what sysfs says.
func inputID(p probe) ([]udevrules.Property, error) {
	all, err := ident.Input(p.sys.Tree(), p.device.DevPath)
	if err != nil || laterIfPlane(p) == atOnce {
		return converted(all), err
	}
	n, err := p.node()
	if err != nil {
		return converted(all), nil
	}
	defer n.Close()
	x, err1 := ask.Axis(n, 0)
	y, err2 := ask.Axis(n, 1)
	if err1 == nil && err2 == nil {
		all = append(all, ident.InputSize(x, y)...)
	}
	return converted(all), nil
}

// ifKeyed: the hardware database says something of few keyboards.
func ifKeyed(p probe) moment {
	if slices.ContainsFunc(p.Properties, func(x udevrules.Property) bool {
		return strings.HasPrefix(x.Key, "KEYBOARD_KEY_") || strings.HasPrefix(x.Key, "EVDEV_ABS_") || x.Key == "POINTINGSTICK_SENSITIVITY"
	}) {
		return later
	}
	return never
}

// keyboard gives keys and axes the meaning that the hardware database has for
// them.
func keyboard(p probe) ([]udevrules.Property, error) {
	known := make([]ident.Property, 0, len(p.Properties))
	for _, x := range p.Properties {
		known = append(known, ident.Property(x))
	}
	plan, problems := ident.Keyboard(known)
	if len(plan.Keys)+len(plan.Axes) > 0 {
		n, err := p.node()
		if err != nil {
			return nil, err
		}
		defer n.Close()
		problems = append(problems, ask.Keyboard(n, plan))
	}
	problems = append(problems, p.serio("force_release", plan.Release, true), p.serio("sensitivity", plan.Sensitivity, false))
	return nil, errors.Join(problems...)
}

// serio writes to an attribute of the port that a keyboard or stick is at; with
// more the value is added to what is there.
func (p probe) serio(name, value string, more bool) error {
	if value == "" {
		return nil
	}
	for _, up := range p.Parents() {
		if up.Subsystem != "serio" {
			continue
		}
		if old, _ := p.Attr(up.DevPath, name); more && strings.TrimSpace(old) != "" {
			value = strings.TrimSpace(old) + "," + value
		}
		return p.write(udevrules.Write{Path: "/sys" + up.DevPath + "/" + name, Value: value})
	}
	return fmt.Errorf("%s: no serio port above the device", name)
}

// laterIfVirtual: an interface that is no card has a driver that is not in sysfs.
func laterIfVirtual(p probe) moment {
	return laterIf(p.cardDriver() == "" && p.asksDriver())
}

// asksDriver: a loopback interface has no driver.
func (p probe) asksDriver() bool {
	const loopback = "772"
	return p.policy.driver != nil && p.attr("type") != loopback
}

// netDriver returns the driver of an interface.
func netDriver(p probe) ([]udevrules.Property, error) {
	name := p.driver()
	if name == "" {
		return nil, udevrules.ErrNothing
	}
	return []udevrules.Property{{Key: "ID_NET_DRIVER", Value: name}}, nil
}

// driver returns the driver of an interface, "" if it has none.
func (p probe) driver() string {
	name := p.cardDriver()
	if name != "" || !p.asksDriver() {
		return name
	}
	name, err := p.policy.driver(p.device.Name())
	if err != nil || strings.Trim(name, plainName) != "" {
		return ""
	}
	return name
}

// plainName has what drivers are called with.
const plainName = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-."

// cardDriver returns the driver of the card that an interface is on.
func (p probe) cardDriver() string {
	name, _ := p.Attr(p.device.DevPath, "device/driver")
	return name
}

// v4lID asks a camera what it is.
func v4lID(p probe) ([]udevrules.Property, error) {
	n, err := p.node()
	if err != nil {
		return nil, err
	}
	defer n.Close()
	c, err := ask.Video(n)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", udevrules.ErrNothing, err)
	}
	return converted(ident.V4L(c)), nil
}

// smartMedia looks for a SmartMedia card in a memory chip.
func smartMedia(p probe) ([]udevrules.Property, error) {
	n, err := p.node()
	if err != nil {
		return nil, err
	}
	defer n.Close()
	if card, err := ask.SmartMedia(n, n); err != nil || !card {
		return nil, fmt.Errorf("%w: %w", udevrules.ErrNothing, errors.Join(err))
	}
	return []udevrules.Property{{Key: "MTD_FTL", Value: "smartmedia"}}, nil
}

// laterUnlessIdentified: of CD drives, and of disks behind a bridge, the kernel
// does not keep what they answer to IDENTIFY.
func laterUnlessIdentified(p probe) moment { return p.unlessKept("vpd_pg89") }

// laterUnlessPages: it keeps the names of disks, but not those of CD drives.
func laterUnlessPages(p probe) moment { return p.unlessKept("vpd_pg83", "vpd_pg80") }

func (p probe) unlessKept(pages ...string) moment {
	dev := p.scsi()
	if dev == "" || !p.device.HasNode() {
		return atOnce
	}
	return laterIf(!slices.ContainsFunc(pages, func(name string) bool {
		_, ok := p.Attr(dev, name)
		return ok
	}))
}

// scsi returns the path of the SCSI device that p is on, "" if it is on none.
func (p probe) scsi() string {
	for _, up := range p.Parents() {
		if up.Subsystem == "scsi" && up.DevType() == "scsi_device" {
			return up.DevPath
		}
	}
	return ""
}

// ataID says what a drive answered to IDENTIFY, or asks it now.
func ataID(p probe) ([]udevrules.Property, error) {
	if laterUnlessIdentified(p) == atOnce {
		list, err := ident.ATA(p.sys.Tree(), p.device.DevPath)
		return converted(list), err
	}
	n, err := p.node()
	if err != nil {
		return nil, err
	}
	defer n.Close()
	const cdrom = "5"
	kind, _ := p.Attr(p.scsi(), "type")
	answer, err := ask.Identify(n, strings.TrimSpace(kind) == cdrom)
	if err != nil { // most disks behind a bridge
		return nil, fmt.Errorf("%w: %w", udevrules.ErrNothing, err)
	}
	return converted(ident.Identify(answer)), nil
}

// scsiID says what a device calls itself, and asks those that the kernel has not.
func scsiID(p probe) ([]udevrules.Property, error) {
	question := func(byte) []byte { return nil }
	if laterUnlessPages(p) == later {
		if n, err := p.node(); err == nil {
			defer n.Close()
			question = func(page byte) []byte { return ask.Inquiry(n, page) }
		}
	}
	list, err := ident.SCSI(p.sys.Tree(), p.device.DevPath, question)
	return converted(list), err
}

// btrfs answers `btrfs ready NODE`. Without the driver no file system of it is
// ready.
func btrfs(p probe) ([]udevrules.Property, error) {
	if len(p.Argv) != 3 || p.Argv[1] != "ready" {
		return nil, fmt.Errorf("usage: btrfs ready NODE")
	}
	control, err := p.openNode(&devtree.Device{DevName: "btrfs-control", Major: 10, Minor: 234})
	ready := false
	if err == nil {
		defer control.Close()
		ready, err = ask.BtrfsReady(control, p.place(p.Argv[2]))
	} else if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENODEV) || errors.Is(err, syscall.ENXIO) {
		err = nil
	}
	if err != nil {
		return nil, err
	}
	value := map[bool]string{true: "1", false: "0"}[ready]
	return []udevrules.Property{{Key: "ID_BTRFS_READY", Value: value}}, nil
}

// cdromID answers `cdrom_id [--eject-media] NODE`. The tray is not locked: who
// presses the button gets the disc.
func cdromID(p probe) ([]udevrules.Property, error) {
	n, err := p.node()
	if err != nil {
		return nil, err
	}
	defer n.Close()
	if slices.Contains(p.Argv, "--eject-media") || slices.Contains(p.Argv, "-e") {
		return nil, ask.Eject(n)
	}
	return converted(ident.Cdrom(ask.Cdrom(n))), nil
}
