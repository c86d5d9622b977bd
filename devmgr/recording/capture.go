package recording

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"slashdev/devmgr/sysfs"
	"slashdev/devmgr/uevent"
)

// Capture records the devices at the given paths and all above them, or with
// no paths every device.
func Capture(s sysfs.FS, devpaths []string) (*Recording, error) {
	r := &Recording{}
	wanted := map[string]bool{}
	for _, p := range devpaths {
		if _, err := s.Read(p); err != nil {
			return nil, err
		}
		for ; len(p) > len("/devices"); p = path.Dir(p) {
			wanted[p] = true
		}
	}
	for ev, err := range s.Scan() {
		if err != nil {
			return nil, err
		}
		if len(devpaths) == 0 || wanted[ev.DevPath] {
			r.Devices = append(r.Devices, read(s, ev))
		}
	}
	return r, nil
}

// Happened adds an event, and the device as it is now.
func (r *Recording) Happened(s sysfs.FS, ev uevent.Event) {
	e := Event{Event: uevent.Event{Action: ev.Action, DevPath: ev.DevPath, Subsystem: ev.Subsystem}}
	own := uevent.Env("")
	if now, err := s.Read(ev.DevPath); err == nil && ev.Action != uevent.Remove {
		d := read(s, now)
		e.Device, own = &d, now.Env
	}
	for key, value := range ev.Env.All() {
		if own.Get(key) != value {
			e.Env = e.Env.With(key, value)
		}
	}
	r.Events = append(r.Events, e)
}

// read collects what is said about one device. What cannot be read is left
// out: much of it fails when the hardware sleeps.
func read(s sysfs.FS, ev uevent.Event) Device {
	d := Device{DevPath: ev.DevPath, Subsystem: ev.Subsystem, Env: ev.Env}
	if name := ev.Env.Get("DEVNAME"); uevent.CheckName(name) == nil {
		d.Node = name
	}
	d.collect(s.Tree(), "")
	return d
}

// patience is how long an attribute may take. Some dump registers for minutes,
// or wait for hardware that does not answer: those are left out, and so is the
// rest of their device.
const patience = time.Second

var errSlow = errors.New("the attribute takes too long")

// readSoon reads a file, but does not wait for it. What hangs is left behind.
func readSoon(tree fs.FS, name string) ([]byte, error) {
	type result struct {
		text []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		text, err := fs.ReadFile(tree, name)
		done <- result{text, err}
	}()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case r := <-done:
		return r.text, r.err
	case <-timer.C:
		return nil, errSlow
	}
}

// collect reads the folder sub of a device.
func (d *Device) collect(tree fs.FS, sub string) {
	entries, _ := fs.ReadDir(tree, path.Join(d.DevPath[1:], sub))
	for _, e := range sorted(entries) {
		name := path.Join(sub, e.Name())
		full := path.Join(d.DevPath[1:], name)
		switch {
		case e.Type()&fs.ModeSymlink != 0 && strings.Contains(links, " "+name+" "):
			if target, err := fs.ReadLink(tree, full); err == nil {
				d.Links = append(d.Links, Pair{name, target})
			}
		case e.IsDir() && strings.Contains(folders, " "+name+" "):
			d.collect(tree, name)
		case e.Type().IsRegular() && wanted(name):
			if errors.Is(d.attr(tree, name, e), errSlow) {
				return
			}
		}
	}
}

func sorted(entries []fs.DirEntry) []fs.DirEntry {
	byName := map[string]fs.DirEntry{}
	for _, e := range entries {
		byName[e.Name()] = e
	}
	var all []fs.DirEntry
	for _, name := range sortedKeys(byName) {
		all = append(all, byName[name])
	}
	return all
}

const (
	links   = " device driver generic master phy80211 physfn subsystem "
	folders = " capabilities dm id loop md power queue "
	// binary ones that say what a device is
	binaries = " descriptors edid vpd_pg80 vpd_pg83 "
	// noise, and what may hang or wake hardware when it is read
	unwanted = " uevent config rom vpd resource stat inflight trace reset remove rescan rd_reg_test wr_reg_test regdump spramdump hcddump hcd_frrem active_duration connected_duration urbnum "
	// of these folders only what rules ask for
	few = " power/control queue/rotational queue/logical_block_size queue/hw_sector_size queue/zoned "
)

func wanted(name string) bool {
	dir, _, deep := strings.Cut(name, "/")
	if deep && (dir == "power" || dir == "queue") {
		return strings.Contains(few, " "+name+" ")
	}
	return !strings.Contains(unwanted, " "+name+" ") && uevent.CheckName(name) == nil
}

const (
	maxAttr  = 4096 // what sysfs gives of a text
	fileSize = 4096 // what every attribute of text claims to have
)

func (d *Device) attr(tree fs.FS, name string, e fs.DirEntry) error {
	info, err := e.Info()
	binary := strings.Contains(binaries, " "+path.Base(name)+" ")
	if err != nil || info.Mode().Perm()&0o444 == 0 || info.Size() > fileSize && !binary {
		return err
	}
	text, err := readSoon(tree, path.Join(d.DevPath[1:], name))
	if err != nil || len(text) > maxAttr || strings.IndexByte(string(text), 0) >= 0 && !binary {
		return err
	}
	d.Attrs = append(d.Attrs, Pair{name, string(text)})
	return nil
}

// Summary says what is in the recording.
func (r *Recording) Summary() string {
	return fmt.Sprintf("%d devices, %d events", len(r.Devices), len(r.Events))
}
