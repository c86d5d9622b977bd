package ident

import (
	"io/fs"
	"path"
	"strings"
)

// sas names a disk on SAS, whose target directory is dir, by the phy that it is
// plugged into, or by its own address if it has more than one.
func (w *walk) sas(dir, lun string) (string, bool) {
	end := device{w.tree, path.Dir(dir)}
	port := device{w.tree, path.Dir(end.dir)}
	phys, ok := port.attr("sas_port/" + port.name() + "/num_phys")
	if !ok {
		return "", false
	}
	of := "sas_device/" + end.name() + "/"
	if phys != "1" {
		address, ok := end.attr(of + "sas_address")
		return "sas-" + plain(address, maxPlain) + "-lun-" + lun, ok
	}
	phy, ok := end.attr(of + "phy_identifier")
	behind := ""
	up := device{w.tree, path.Dir(port.dir)}
	if address, ok := up.attr("sas_device/" + up.name() + "/sas_address"); ok {
		behind = "exp" + plain(address, maxPlain) + "-"
	}
	return "sas-" + behind + "phy" + plain(phy, maxPlain) + "-lun-" + lun, ok
}

// nvmeController goes on from a subsystem of NVMe, which is plugged in nowhere,
// to the first of its controllers.
func (w *walk) nvmeController(dir string) string {
	entries, _ := fs.ReadDir(w.tree, dir)
	for _, e := range entries {
		number, ok := strings.CutPrefix(e.Name(), "nvme")
		if !ok || number == "" || strings.Trim(number, "0123456789") != "" {
			continue
		}
		if target, err := fs.ReadLink(w.tree, dir+"/"+e.Name()); err == nil {
			return path.Join(dir, target)
		}
	}
	return path.Dir(dir)
}
