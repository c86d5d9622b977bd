package main

import (
	"context"
	"encoding/json"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"slashdev/init/mountinfo"
	"slashdev/init/userland/tool"
)

// blockDevice is a disk or partition of /sys/class/block.
type blockDevice struct {
	Name      string   `json:"name"`
	Number    string   `json:"number"`
	Size      uint64   `json:"size"`
	Removable bool     `json:"removable"`
	ReadOnly  bool     `json:"readonly"`
	Type      string   `json:"type"`
	Model     string   `json:"model,omitempty"`
	PartUUID  string   `json:"partuuid,omitempty"`
	PartName  string   `json:"partname,omitempty"`
	Mounts    []string `json:"mounts,omitempty"`
	disk      string
	number    int
}

// sectorSize is the unit of sysfs's sizes, whatever the disk's sectors are.
const sectorSize = 512

// readBlockDevices reads all disks and partitions, disks first, then their
// partitions by number.
func readBlockDevices(root fs.FS) ([]blockDevice, error) {
	const class = "sys/class/block"
	entries, err := fs.ReadDir(root, class)
	if err != nil {
		return nil, err
	}
	mounts, _ := readMounts(root)
	var list []blockDevice
	for _, d := range entries {
		list = append(list, readBlockDevice(root, class+"/"+d.Name(), mounts))
	}
	slices.SortFunc(list, func(a, b blockDevice) int {
		if c := strings.Compare(a.disk, b.disk); c != 0 {
			return c
		}
		return a.number - b.number
	})
	return list, nil
}

func readBlockDevice(root fs.FS, dir string, mounts []mountinfo.Mount) blockDevice {
	event := readUevent(root, dir)
	sectors, _ := strconv.ParseUint(firstLine(root, dir+"/size"), 10, 54)
	d := blockDevice{
		Name: path.Base(dir), Number: firstLine(root, dir+"/dev"), Size: sectors * sectorSize,
		Removable: firstLine(root, dir+"/removable") == "1", ReadOnly: firstLine(root, dir+"/ro") == "1",
		Type: "disk", PartUUID: event["PARTUUID"], PartName: event["PARTNAME"],
		Model: model(root, dir),
	}
	d.disk = d.Name
	if n, err := strconv.Atoi(event["PARTN"]); err == nil {
		d.Type, d.number = "part", n
		if link, err := fs.ReadLink(root, dir); err == nil {
			d.disk = path.Base(path.Dir(link)) // .../block/sda/sda1
		}
	}
	for _, m := range mounts {
		if m.Device == d.Number {
			d.Mounts = append(d.Mounts, m.Dir)
		}
	}
	return d
}

// model is what a disk calls itself. A virtio disk has a number for a vendor.
func model(root fs.FS, dir string) string {
	vendor := firstLine(root, dir+"/device/vendor")
	if strings.HasPrefix(vendor, "0x") {
		vendor = ""
	}
	return strings.TrimSpace(vendor + " " + firstLine(root, dir+"/device/model"))
}

// readUevent reads the KEY=value lines of a device's uevent file.
func readUevent(root fs.FS, dir string) map[string]string {
	m := map[string]string{}
	text, _ := fs.ReadFile(root, dir+"/uevent")
	for l := range strings.Lines(string(text)) {
		if k, v, ok := strings.Cut(strings.TrimSuffix(l, "\n"), "="); ok {
			m[k] = v
		}
	}
	return m
}

func firstLine(root fs.FS, name string) string {
	text, _ := fs.ReadFile(root, name)
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSpace(line)
}

func lsblk(_ context.Context, e *tool.Env, args []string) error {
	opts, rest, err := tool.Parse("a json", args)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return tool.Usagef("unexpected argument %s", rest[0])
	}
	list, err := readBlockDevices(e.Root)
	if err != nil {
		return err
	}
	if opts.Has("json") {
		return writeJSON(e, list)
	}
	t := tool.Table{Right: []bool{false, true, true}}
	t.Row("NAME", "MAJ:MIN", "SIZE", "RM", "RO", "WHAT", "MOUNTED ON")
	for _, d := range list {
		if d.Size == 0 && !opts.Has("a") {
			continue // a loop or ram disk without content, a drive without medium
		}
		name, what := d.Name, d.Model
		if d.Type == "part" {
			name, what = "  "+d.Name, d.PartName
		}
		t.Row(name, d.Number, tool.Size(d.Size), flag(d.Removable), flag(d.ReadOnly), tool.Cut(tool.Clean(what), 24), strings.Join(d.Mounts, " "))
	}
	_, err = t.WriteTo(e.Out)
	return err
}

func flag(on bool) string {
	if on {
		return "1"
	}
	return "0"
}

func writeJSON(e *tool.Env, v any) error {
	enc := json.NewEncoder(e.Out)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
