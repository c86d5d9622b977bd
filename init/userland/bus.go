package main

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"slashdev/init/userland/tool"
)

// pciDevice is a device of /sys/bus/pci/devices.
type pciDevice struct {
	Slot   string `json:"slot"`
	Class  string `json:"class"` // six hex digits
	ID     string `json:"id"`    // vendor:device
	Driver string `json:"driver"`
	What   string `json:"what"`
}

func readPCI(root fs.FS) ([]pciDevice, error) {
	const bus = "sys/bus/pci/devices"
	entries, err := fs.ReadDir(root, bus)
	if err != nil {
		return nil, fmt.Errorf("no PCI bus: %w", err)
	}
	var list []pciDevice
	for _, d := range entries {
		dir := bus + "/" + d.Name()
		p := pciDevice{Slot: d.Name(), Class: hexAttr(root, dir+"/class"), Driver: driver(root, dir)}
		p.ID = hexAttr(root, dir+"/vendor") + ":" + hexAttr(root, dir+"/device")
		p.What = pciClass(p.Class)
		list = append(list, p)
	}
	return list, nil
}

func hexAttr(root fs.FS, name string) string { return strings.TrimPrefix(firstLine(root, name), "0x") }

// driver is the name of the driver that a device is bound to.
func driver(root fs.FS, dir string) string {
	to, err := fs.ReadLink(root, dir+"/driver")
	if err != nil {
		return ""
	}
	return path.Base(to)
}

// pciClass names a class code: the class, where it helps the subclass.
func pciClass(class string) string {
	names := map[string]string{
		"00": "old device", "01": "storage", "0101": "IDE controller", "0104": "RAID controller", "0106": "SATA controller",
		"0108": "NVMe disk", "0100": "SCSI controller", "02": "network", "0200": "Ethernet", "0280": "network, wireless",
		"03": "display", "0300": "VGA display", "04": "multimedia", "0403": "audio", "05": "memory", "06": "bridge",
		"0600": "host bridge", "0601": "ISA bridge", "0604": "PCI bridge", "07": "communication", "0700": "serial port",
		"08": "system", "0805": "SD host", "09": "input", "0a": "docking station", "0b": "processor", "0c": "serial bus",
		"0c03": "USB controller", "0c05": "SMBus", "0d": "wireless", "0e": "intelligent I/O", "0f": "satellite",
		"10": "encryption", "11": "signal processing", "12": "accelerator", "ff": "other",
	}
	for _, n := range []int{4, 2} {
		if len(class) >= n && names[class[:n]] != "" {
			return names[class[:n]]
		}
	}
	return "class " + class
}

func lspci(_ context.Context, e *tool.Env, args []string) error {
	opts, _, err := tool.Parse("json n k v", args)
	if err != nil {
		return err
	}
	list, err := readPCI(e.Root)
	if err != nil {
		return err
	}
	if opts.Has("json") {
		return writeJSON(e, list)
	}
	var t tool.Table
	t.Row("SLOT", "ID", "CLASS", "DRIVER", "WHAT")
	for _, p := range list {
		t.Row(p.Slot, p.ID, p.Class, orDash(p.Driver), p.What)
	}
	_, err = t.WriteTo(e.Out)
	return err
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// usbDevice is a device of /sys/bus/usb/devices.
type usbDevice struct {
	Port   string `json:"port"`
	Bus    int    `json:"bus"`
	Number int    `json:"number"`
	ID     string `json:"id"`
	Speed  string `json:"speed"`
	Driver string `json:"driver"` // of its interfaces
	What   string `json:"what"`
}

func readUSB(root fs.FS) ([]usbDevice, error) {
	const bus = "sys/bus/usb/devices"
	entries, err := fs.ReadDir(root, bus)
	if err != nil {
		return nil, fmt.Errorf("no USB bus: %w", err)
	}
	var list []usbDevice
	for _, d := range entries {
		if strings.Contains(d.Name(), ":") {
			continue // an interface
		}
		dir := bus + "/" + d.Name()
		u := usbDevice{Port: d.Name(), Speed: firstLine(root, dir+"/speed")}
		u.Bus, _ = strconv.Atoi(firstLine(root, dir+"/busnum"))
		u.Number, _ = strconv.Atoi(firstLine(root, dir+"/devnum"))
		u.ID = firstLine(root, dir+"/idVendor") + ":" + firstLine(root, dir+"/idProduct")
		u.describe(root, dir, entries)
		list = append(list, u)
	}
	return list, nil
}

// describe collects the drivers of a device's interfaces, and what it calls
// itself or, if it is silent, what class it is of.
func (u *usbDevice) describe(root fs.FS, dir string, entries []fs.DirEntry) {
	var drivers []string
	class := firstLine(root, dir+"/bDeviceClass")
	for _, d := range entries {
		if !strings.HasPrefix(d.Name(), u.Port+":") {
			continue
		}
		at := path.Dir(dir) + "/" + d.Name()
		if s := driver(root, at); s != "" && !strings.Contains(" "+strings.Join(drivers, " ")+" ", " "+s+" ") {
			drivers = append(drivers, s)
		}
		if class == "00" || class == "ef" {
			class = firstLine(root, at+"/bInterfaceClass")
		}
	}
	u.Driver = strings.Join(drivers, " ")
	said := strings.TrimSpace(firstLine(root, dir+"/manufacturer") + " " + firstLine(root, dir+"/product"))
	u.What = strings.TrimSpace(usbClass(class) + "  " + said)
}

func usbClass(class string) string {
	names := map[string]string{
		"01": "audio", "02": "communication", "03": "input", "05": "physical", "06": "camera", "07": "printer",
		"08": "storage", "09": "hub", "0a": "data", "0b": "smart card", "0e": "video", "e0": "wireless", "ef": "composite",
		"fe": "special", "ff": "vendor's own",
	}
	if n, ok := names[class]; ok {
		return n
	}
	return "class " + class
}

func lsusb(_ context.Context, e *tool.Env, args []string) error {
	opts, _, err := tool.Parse("json t v", args)
	if err != nil {
		return err
	}
	list, err := readUSB(e.Root)
	if err != nil {
		return err
	}
	if opts.Has("json") {
		return writeJSON(e, list)
	}
	t := tool.Table{Right: []bool{false, true, true, false, true}}
	t.Row("PORT", "BUS", "DEV", "ID", "MBIT/S", "DRIVER", "WHAT")
	for _, u := range list {
		t.Row(u.Port, strconv.Itoa(u.Bus), strconv.Itoa(u.Number), u.ID, u.Speed, orDash(u.Driver), u.What)
	}
	return writeCut(e, &t, false)
}
