package script

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"slashdev/qemu"
	"slashdev/qemu/qmp"
)

// device is what plug was told.
type device struct {
	id, driver string
	size       int64
	label      string
	file       string // content of the disk, or ""
	props      qmp.Props
}

func parsePlug(args []string) (device, error) {
	if len(args) < 2 {
		return device{}, errors.New("usage: plug ID DRIVER [SIZE] [label=L] [file=F] and any KEY=VALUE")
	}
	d := device{id: args[0], driver: args[1], props: qmp.Props{}}
	for _, word := range args[2:] {
		key, value, pair := strings.Cut(word, "=")
		switch {
		case !pair:
			size, err := parseSize(word)
			if err != nil {
				return d, err
			}
			d.size = size
		case key == "label":
			d.label = value
		case key == "file":
			d.file = value
		default:
			d.props[key] = propValue(value)
		}
	}
	return d, d.check()
}

func (d device) check() error {
	switch {
	case d.isDisk() == (d.size == 0 && d.file == ""):
		return fmt.Errorf("plug %s: disks have a SIZE as in 8M, or file=F; other devices have neither", d.driver)
	case d.label != "" && (d.size < swapPage || len(d.label) > 16):
		return fmt.Errorf("plug %s: label=%s: at most 16 bytes, on a disk of SIZE", d.driver, d.label)
	}
	return nil
}

func (d device) isDisk() bool {
	return d.driver == "usb-storage" || d.driver == "scsi-hd" || d.driver == "usb-uas" || strings.HasPrefix(d.driver, "virtio-blk")
}

// propValue gives QMP the type that it wants: numbers and booleans are not
// strings there.
func propValue(text string) any {
	if n, err := strconv.ParseInt(text, 0, 64); err == nil && text[0] != '+' {
		return n
	}
	switch text {
	case "on", "true":
		return true
	case "off", "false":
		return false
	}
	return text
}

func parseSize(text string) (int64, error) {
	shift := 0
	number := text
	if i := strings.IndexAny(text, "KMG"); i == len(text)-1 && i > 0 {
		shift = map[byte]int{'K': 10, 'M': 20, 'G': 30}[text[i]]
		number = text[:i]
	}
	n, err := strconv.ParseInt(number, 10, 32)
	if err != nil || n <= 0 {
		return 0, fmt.Errorf("size %q: not a number with K, M or G", text)
	}
	return n << shift, nil
}

func plug(h *host, ts *testscript.TestScript, args []string) error {
	d, err := parsePlug(args)
	if err != nil {
		return err
	}
	m, err := h.running()
	if err != nil {
		return err
	}
	ctx, cancel := h.within(plugTimeout)
	defer cancel()
	if err := h.addDisk(ctx, ts, m, &d); err != nil {
		return err
	}
	if bus := busOf(h.config.Machine, d.driver); bus != "" && d.props["bus"] == nil {
		d.props["bus"] = bus
	}
	return m.QMP.DeviceAdd(ctx, d.driver, d.id, d.props)
}

func busOf(machine, driver string) string {
	switch {
	case strings.HasPrefix(driver, "usb-") && machine != "rpi3":
		return "xhci.0"
	case strings.HasPrefix(driver, "scsi-"):
		return "scsi0.0"
	}
	return ""
}

// addDisk makes the medium of a disk and its block node, which has the id of
// the device with -medium behind it.
func (h *host) addDisk(ctx context.Context, ts *testscript.TestScript, m *qemu.Machine, d *device) error {
	if !d.isDisk() {
		return nil
	}
	file := d.file
	if file != "" {
		file = ts.MkAbs(file)
	} else {
		file = filepath.Join(h.work, ".medium-"+d.id)
		if err := makeMedium(file, d.size, d.label); err != nil {
			return err
		}
	}
	node := medium(d.id)
	if err := m.QMP.BlockdevAdd(ctx, "raw", node, qmp.Props{"file": qmp.Props{"driver": "file", "filename": file}}); err != nil {
		return err
	}
	h.disks[d.id] = true
	d.props["drive"] = node
	return nil
}

func medium(id string) string { return id + "-medium" }

func unplug(h *host, _ *testscript.TestScript, args []string) error {
	if len(args) != 1 {
		return errors.New("usage: unplug ID")
	}
	m, err := h.running()
	if err != nil {
		return err
	}
	ctx, cancel := h.within(plugTimeout)
	defer cancel()
	if err := m.QMP.DeviceDel(ctx, args[0]); err != nil {
		return err
	}
	if !h.disks[args[0]] {
		return nil
	}
	delete(h.disks, args[0])
	return m.QMP.BlockdevDel(ctx, medium(args[0]))
}

func qmpCommand(h *host, ts *testscript.TestScript, args []string) error {
	if len(args) < 1 {
		return errors.New("usage: qmp COMMAND [JSON]")
	}
	m, err := h.running()
	if err != nil {
		return err
	}
	var arguments any
	if text := strings.Join(args[1:], " "); text != "" {
		if err := json.Unmarshal([]byte(text), &arguments); err != nil {
			return fmt.Errorf("qmp %s: arguments: %w", args[0], err)
		}
	}
	ctx, cancel := h.within(plugTimeout)
	defer cancel()
	result, err := m.QMP.Query(ctx, args[0], arguments)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(ts.Stdout(), "%s\n", result)
	return err
}

// swapPage is the page of a swap area, whose header carries a label.
const swapPage = 4096

// makeMedium makes a sparse disk. One with a label is an empty swap area: the
// smallest format with label and UUID, and nothing mounts it by accident.
func makeMedium(file string, size int64, label string) error {
	if err := os.WriteFile(file, swapHeader(size, label), 0o600); err != nil {
		return err
	}
	return os.Truncate(file, size)
}

func swapHeader(size int64, label string) []byte {
	if label == "" {
		return nil
	}
	page := make([]byte, swapPage)
	binary.LittleEndian.PutUint32(page[1024:], 1)
	binary.LittleEndian.PutUint32(page[1028:], uint32(size/swapPage-1))
	copy(page[1036:], bytes.Repeat([]byte{0x5d}, 16)) // a UUID
	copy(page[1052:1068], label)
	copy(page[swapPage-10:], "SWAPSPACE2")
	return page
}
