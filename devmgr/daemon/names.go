package daemon

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"slashdev/devmgr/bootwords"
	"slashdev/devmgr/devtree"
	"slashdev/devmgr/namespace"
	"slashdev/devmgr/naming"
)

// schemePriority puts the names of schemes before all links of rules.
const schemePriority = 1 << 30

// nameBy says which names of the older schemes are made.
func (p *Pipeline) nameBy(o bootwords.Options, numbers *naming.Numbers) {
	p.namer = naming.NewNamer(o.Naming, numbers)
	p.schemes, p.noTTY = o.Schemes, o.NoTTYCompat
	if o.NoCompat {
		p.schemes = withoutOld(o.Schemes)
	}
}

func withoutOld(all []naming.Scheme) []naming.Scheme {
	return slices.DeleteFunc(slices.Clone(all), func(s naming.Scheme) bool { return s == naming.OldCompat })
}

// oldNames returns the links that give a device the names of the older schemes.
// It gets its number in any case: the names can be asked for without links.
func (p *Pipeline) oldNames(d *devtree.Device, place naming.Place) []namespace.Entry {
	names := p.namer.Names(d, p.plugged(d, place))
	schemes := p.schemes
	if p.noTTY && (d.Subsystem == "tty" || d.Subsystem == "vc") {
		schemes = withoutOld(schemes)
	}
	var entries []namespace.Entry
	for _, l := range names.Links(d.DevName, schemes...) {
		entries = append(entries, namespace.Entry{Name: l.Name, Target: l.Target, Priority: schemePriority - len(entries)})
	}
	return entries
}

// plugged adds to a place what only some ways to name ask for.
func (p *Pipeline) plugged(d *devtree.Device, place naming.Place) naming.Place {
	if strings.HasPrefix(d.DevName, "hd") {
		for _, up := range p.above(d.DevPath) {
			place.Media += up.Device.Env.Get("MEDIA")
		}
	}
	onDisk := d.Block || d.Subsystem == "scsi_tape" || d.Subsystem == "scsi_generic" || d.Subsystem == "bsg"
	if !onDisk || len(p.namer.Hosts) == 0 && !p.namer.ATAAsIDE {
		return place
	}
	for dir := parentPath(d.DevPath); dir != ""; dir = parentPath(dir) {
		switch name := path.Base(dir); {
		case strings.HasPrefix(name, "host") && place.Driver == "":
			place.Driver, _ = p.sys.Attr(dir+"/scsi_host/"+name, "proc_name")
		case strings.HasPrefix(name, "ata") && place.Port == "":
			text, _ := p.sys.Attr(dir+"/ata_port/"+name, "port_no")
			if n, err := strconv.Atoi(text); err == nil && n > 0 {
				place.Port = strconv.Itoa(n - 1)
			}
		}
	}
	return place
}

// nameBy goes on with the numbers of an earlier process.
func (d *daemon) nameBy(o bootwords.Options) {
	text, err := os.ReadFile(d.numbersFile())
	numbers, perr := naming.ParseNumbers(string(text))
	if err == nil && perr != nil {
		d.cfg.Logf("%v: counting anew", perr)
	}
	d.pipe.nameBy(o, numbers)
}

func (d *daemon) numbersFile() string { return filepath.Join(d.cfg.Run, "numbers") }

// numbersTime is how long changed numbers may wait to be written: a storm of
// disks is written once.
const numbersTime = time.Second

// saveNumbers keeps the numbers for the next process.
func (d *daemon) saveNumbers(now time.Time) {
	if d.pipe.namer.Changed() && d.numbersDue.IsZero() {
		d.numbersDue = now.Add(numbersTime)
	}
	if d.numbersDue.IsZero() || now.Before(d.numbersDue) {
		return
	}
	d.numbersDue = time.Time{}
	fresh := d.numbersFile() + ".new"
	err := os.WriteFile(fresh, []byte(d.pipe.namer.String()), 0o600)
	if err == nil {
		err = os.Rename(fresh, d.numbersFile())
	}
	if err != nil {
		d.warnf("%v", err)
	}
}

// trees are the directories that nobody else puts links into, with all that is
// below them.
var trees = []string{"discs", "cdroms", "tapes", "scsi", "ide", "virtio", "xen", "mmc", "nvme", "rd", "loop",
	"sd", "sr", "st", "sg", "vd", "tts", "vc", "vcc", "printers", "parports"}

// maxDepth bounds directories in directories: scsi/hostH/busB/targetT/lunL.
const maxDepth = 6

// sweepNames removes links that an earlier process made for devices that went.
func (d *daemon) sweepNames() {
	if len(d.pipe.schemes) == 0 {
		return
	}
	dirs := trees
	for range maxDepth {
		dirs = d.sweepDirs(dirs)
	}
}

// sweepDirs returns the directories that are in those that it sweeps.
func (d *daemon) sweepDirs(dirs []string) (below []string) {
	for _, dir := range dirs {
		below = append(below, d.dir.Below(dir)...)
		d.sweepDir(dir)
	}
	return below
}
