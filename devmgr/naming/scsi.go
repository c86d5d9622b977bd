package naming

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"slashdev/devmgr/devtree"
)

// scsiAddress reads HOST:CHANNEL:TARGET:LUN out of a devpath, and says where
// the host is plugged in.
func scsiAddress(devpath string) (a address, place string, ok bool) {
	parts := strings.Split(devpath, "/")
	for i, part := range slices.Backward(parts) {
		n := strings.Split(part, ":")
		if len(n) != 4 || slices.ContainsFunc(n, func(s string) bool { return !isNumber(s) }) {
			continue
		}
		for j := range parts[:i] {
			if parts[j] == "host"+n[0] {
				return address{n[0], n[1], n[2], n[3]}, strings.Join(parts[:j], "/"), true
			}
		}
		return address{n[0], n[1], n[2], n[3]}, "", true
	}
	return a, "", false
}

func isNumber(s string) bool {
	return s != "" && len(s) <= 20 && strings.Trim(s, "0123456789") == "" && (s == "0" || s[0] != '0')
}

// onSCSI names what has an address on a SCSI bus: also what is at a port of
// USB, SATA, SAS and most controllers.
func (n *Namer) onSCSI(d *devtree.Device, p Place) (Names, bool) {
	a, place, ok := scsiAddress(d.DevPath)
	if !ok {
		return Names{}, false
	}
	bus := "scsi"
	if n.ATAAsIDE && p.Port != "" {
		a, bus = n.ata(a, place, p.Port), "ide"
	} else {
		a.host = n.host(a.host, place, p.Driver)
	}
	dir, v := a.dir(bus), newDrive(d)
	switch kind := strings.TrimRight(v.disk, "0123456789"); {
	case d.Block && strings.HasPrefix(v.disk, "sr"):
		names := Names{List: list(dir+"/cd", shortName(a, bus, "sr", "cd"), d.DevName), Class: "cdrom", Leads: dir + "/cd"}
		names.List = append(names.List, Name{OldCompat, "scd" + v.disk[len(kind):]})
		return names, true
	case d.Block && strings.HasPrefix(v.disk, "sd"):
		return v.inDir(dir, shortName(a, bus, "sd", "hd")), true
	case d.Subsystem == "scsi_tape":
		return tape(d, dir, shortName(a, bus, "st", "mt"))
	case d.Subsystem == "scsi_generic":
		return Names{List: list(dir+"/generic", a.short("sg"), d.DevName)}, true
	case d.Subsystem == "bsg" && path.Base(d.DevName) == path.Base(path.Dir(path.Dir(d.DevPath))):
		return Names{List: list(dir+"/bsg", "", d.DevName)}, true
	}
	return Names{}, false
}

func shortName(a address, bus, scsi, ide string) string {
	if bus == "ide" {
		return a.short("ide/" + ide)
	}
	return a.short(scsi)
}

// tape names the eight ways to open a tape: four modes, with and without
// rewinding.
func tape(d *devtree.Device, dir, short string) (Names, bool) {
	name, stays := strings.CutPrefix(d.DevName, "n")
	end := ""
	if stays {
		end = "n"
	}
	rest, isTape := strings.CutPrefix(name, "st")
	letter := strings.TrimLeft(rest, "0123456789")
	mode := strings.Index(" lma", letter)
	if !isTape || !isNumber(strings.TrimSuffix(rest, letter)) || mode < 0 || len(letter) > 1 {
		return Names{}, false
	}
	names := Names{List: list(dir+"/mt"+letter+end, short+"m"+strconv.Itoa(mode)+end, d.DevName)}
	if letter+end == "" {
		names.Class, names.Leads = "tape", dir
	}
	return names, true
}

// host returns the number of a SCSI host: the kernel's, unless drivers have an
// order.
func (n *Namer) host(kernel, place, driver string) string {
	if len(n.Hosts) == 0 || place == "" {
		return kernel
	}
	var first []int
	for i, d := range n.Hosts {
		if d == driver {
			first = append(first, i)
		}
	}
	return strconv.Itoa(n.reserve("host", place, first, len(n.Hosts)))
}

// ata: controllers in the order in which they were found, a bus for each port.
func (n *Namer) ata(a address, place, port string) address {
	controller := strconv.Itoa(n.reserve("ata", path.Dir(place), nil, 0))
	return address{controller, port, a.target, "0"}
}
