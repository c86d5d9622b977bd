package ident

import (
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// scsi names a SCSI device by its address H:C:T:L on what its host is plugged
// into. Host numbers grow with every host that was ever found, so they count
// from the lowest one at the same place.
func (w *walk) scsi(dir string) string {
	address := strings.Split(path.Base(dir), ":")
	host := dir
	for !isHost(path.Base(host)) {
		if host = path.Dir(host); !strings.Contains(host, "/") {
			return path.Dir(dir)
		}
	}
	if len(address) != 4 {
		return path.Dir(dir)
	}
	w.transport = true
	above := path.Dir(host)
	if port := w.ataPort(above); port != "" {
		w.ata(port, address)
		return path.Dir(above)
	}
	if part, ok := w.sas(path.Dir(dir), address[3]); ok {
		w.add(part)
		return above
	}
	n, _ := strconv.Atoi(address[0])
	address[0] = strconv.Itoa(n - lowestHost(w.tree, above, n))
	w.add("scsi-" + strings.Join(address, ":"))
	return above
}

func (w *walk) ataPort(dir string) string {
	name := path.Base(dir)
	if !strings.HasPrefix(name, "ata") {
		return ""
	}
	return readAttr(w.tree, dir+"/ata_port/"+name+"/port_no")
}

// ata tells master and slave apart by the target, and disks behind a port
// multiplier by the channel.
func (w *walk) ata(port string, address []string) {
	place := address[2]
	if channel := address[1]; channel != "0" {
		place = channel + ".0"
	}
	w.add("ata-" + port + "." + place)
	if len(w.parts) == 1 {
		w.older = "ata-" + port
	}
}

func isHost(name string) bool {
	n, ok := strings.CutPrefix(name, "host")
	return ok && n != "" && strings.Trim(n, "0123456789") == ""
}

func lowestHost(tree fs.FS, dir string, least int) int {
	entries, _ := fs.ReadDir(tree, dir)
	for _, e := range entries {
		if !isHost(e.Name()) {
			continue
		}
		if n, err := strconv.Atoi(e.Name()[len("host"):]); err == nil && n < least {
			least = n
		}
	}
	return least
}
