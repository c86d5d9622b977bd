package daemon

import (
	"cmp"
	"errors"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"slashdev/devmgr/devtree"
	udevrules "slashdev/devmgr/rules/udev"
	"slashdev/drivers/hwdb"
)

// hardware is the hardware database: an index if the image has one, else what
// the text files say, which are compiled when somebody asks for the first time.
type hardware struct {
	root string
	logf func(format string, args ...any)
	once sync.Once
	db   *hwdb.DB // nil: there is none
}

// hwdbTool returns the builtin hwdb. With an index it answers at once.
func hwdbTool(cfg Config) tool {
	h := &hardware{root: cmp.Or(cfg.Root, "/"), logf: cfg.Logf}
	db, err := hwdb.Map(filepath.Join(h.root, hwdb.File))
	h.db = db
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		h.logf("%v", err)
	}
	return tool{builtin: true, run: h.run, when: func(probe) moment {
		if h.db == nil {
			return later
		}
		return atOnce
	}}
}

func (h *hardware) open() *hwdb.DB {
	h.once.Do(func() {
		if h.db != nil {
			return
		}
		index, problems, err := hwdb.Compile(rootFS(h.root))
		if err == nil && index != nil {
			h.db, err = hwdb.Open(index)
		}
		if err != nil {
			h.logf("%v", err)
		}
		for _, p := range problems[:min(len(problems), maxTold)] {
			h.logf("hwdb: %s", p)
		}
	})
	return h.db
}

// run answers `hwdb [--subsystem=NAME] [--lookup-prefix=TEXT] [MODALIAS]`:
// without a modalias for that of the device or else of the next above it that
// the database knows.
func (h *hardware) run(p probe) ([]udevrules.Property, error) {
	prefix, subsystem, modalias := hwdbOptions(p.Argv[1:])
	db := h.open()
	if db == nil {
		return nil, udevrules.ErrNothing
	}
	if modalias != "" {
		return answerHwdb(db.Lookup(prefix + modalias))
	}
	devices := []*devtree.Device{p.device}
	for _, up := range p.Parents() {
		devices = append(devices, up.Device)
	}
	for _, d := range devices {
		if subsystem != "" && d.Subsystem != subsystem {
			continue
		}
		if found := db.Lookup(prefix + p.modalias(d)); len(found) > 0 {
			return answerHwdb(found)
		}
		if d.DevType() == "usb_device" {
			break // above it is only the hub
		}
	}
	return nil, udevrules.ErrNothing
}

func hwdbOptions(words []string) (prefix, subsystem, modalias string) {
	for i := 0; i < len(words); i++ {
		name, value, inline := strings.Cut(words[i], "=")
		var option *string
		switch name {
		case "--lookup-prefix", "-p":
			option = &prefix
		case "--subsystem", "-s":
			option = &subsystem
		case "--filter", "-f", "--device", "-d":
			option = new(string)
		default:
			modalias = words[i]
			continue
		}
		if !inline && i+1 < len(words) {
			i++
			value = words[i]
		}
		*option = value
	}
	return prefix, subsystem, modalias
}

// modalias is a device's own. A device on the USB has none, as only its
// interfaces have drivers; the database calls it by its numbers and name.
func (h *host) modalias(d *devtree.Device) string {
	if own := d.Env.Get("MODALIAS"); own != "" {
		return own
	}
	vendor, _ := h.Attr(d.DevPath, "idVendor")
	product, _ := h.Attr(d.DevPath, "idProduct")
	v, err1 := strconv.ParseUint(vendor, 16, 16)
	m, err2 := strconv.ParseUint(product, 16, 16)
	if err1 != nil || err2 != nil {
		return ""
	}
	name, _ := h.Attr(d.DevPath, "product")
	return "usb:v" + hex4(v) + "p" + hex4(m) + ":" + name
}

func hex4(n uint64) string {
	text := strings.ToUpper(strconv.FormatUint(n, 16))
	return strings.Repeat("0", 4-len(text)) + text
}

func answerHwdb(found []hwdb.Property) ([]udevrules.Property, error) {
	if len(found) == 0 {
		return nil, udevrules.ErrNothing
	}
	answer := make([]udevrules.Property, len(found))
	for i, p := range found {
		answer[i] = udevrules.Property(p)
	}
	return answer, nil
}
