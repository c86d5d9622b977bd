package naming

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"slashdev/devmgr/devtree"
)

// row says how a driver's devices are called in the tree. What stands behind
// the kernel's prefix is kept; it must be a number, or fit more.
type row struct {
	subsystem, kernel, devfs string
	more                     *regexp.Regexp // nil: a number
}

// table: the first row that fits counts, so longer prefixes come before
// shorter ones. Directories must not be called like a node or a link of today:
// of the watchdogs and clocks all are below misc/.
var table = []row{
	{"block", "loop", "loop/", regexp.MustCompile(partitioned)},
	{"block", "ram", "rd/", regexp.MustCompile(partitioned)},
	{"block", "zram", "zram/", regexp.MustCompile(partitioned)},
	{"block", "nbd", "nbd/", regexp.MustCompile(partitioned)},
	{"block", "md_d", "md/d", regexp.MustCompile(partitioned)},
	{"block", "md", "md/", regexp.MustCompile(partitioned)},
	{"block", "dm-", "dm/", regexp.MustCompile(partitioned)},
	{"block", "mtdblock", "mtdblock/", regexp.MustCompile(partitioned)},
	{"block", "fd", "floppy/", regexp.MustCompile(`^[0-9]+(u[0-9]+)?$`)},
	{"block", "sbpcd", "sbp/", nil},
	{"tty", "tty", "vc/", nil},
	{"tty", "ttyUSB", "usb/tts/", nil},
	{"tty", "ttyACM", "usb/acm/", nil},
	{"tty", "ttyS", "tts/", nil},
	{"tty", "tty", "tts/", regexp.MustCompile(`^[A-Za-z]+[0-9]+$`)},
	{"tty", "hvc", "tts/hvc", nil},
	{"vc", "vcs", "vcc/", regexp.MustCompile(`^[au]?[1-9][0-9]*$`)},
	{"printer", "lp", "printers/", nil},
	{"ppdev", "parport", "parports/", nil},
	{"pg", "pg", "pg/", nil},
	{"usbmisc", "usb/hiddev", "usb/hid/hiddev", nil},
	{"hidraw", "hidraw", "hid/raw", nil},
	{"sound", "", "sound/", regexp.MustCompile(`^[a-z]+[0-9]*$`)},
	{"video4linux", "", "v4l/", regexp.MustCompile(`^[a-z0-9-]+$`)},
	{"media", "media", "media/", nil},
	{"cec", "cec", "cec/", nil},
	{"graphics", "fb", "fb/", nil},
	{"rtc", "", "misc/", regexp.MustCompile(`^rtc[0-9]+$`)},
	{"watchdog", "", "misc/", regexp.MustCompile(`^watchdog[0-9]+$`)},
	{"tpm", "", "misc/", regexp.MustCompile(`^tpm[0-9]+$`)},
	{"tpmrm", "", "misc/", regexp.MustCompile(`^tpmrm[0-9]+$`)},
	{"i2c-dev", "i2c-", "i2c/", nil},
	{"spidev", "spidev", "spi/", regexp.MustCompile(`^[0-9]+\.[0-9]+$`)},
	{"gpio", "gpiochip", "gpio/", nil},
	{"iio", "iio:device", "iio/", nil},
	{"mtd", "mtd", "mtd/", regexp.MustCompile(`^[0-9]+(ro)?$`)},
	{"ubi", "ubi", "ubi/", regexp.MustCompile(`^[0-9]+(_[0-9]+)?$`)},
	{"firewire", "fw", "fw/", nil},
	{"misc", "net/tun", "misc/net/tun", regexp.MustCompile(`^$`)},
	{"misc", "", "misc/", regexp.MustCompile(`^[^/]+$`)},
}

const partitioned = `^[0-9]+(p[0-9]+)?$`

// odd are kernel names that end in no number where others do.
var odd = map[string]string{"vcs": "vcc/0", "vcsa": "vcc/a0", "vcsu": "vcc/u0"}

var (
	nvmeControl = regexp.MustCompile(`^nvme([0-9]+)$`)
	nvmeGeneric = regexp.MustCompile(`^ng([0-9]+)n([0-9]+)$`)
	bsdPty      = regexp.MustCompile(`^(pty|tty)([` + ptyBanks + `])([0-9a-f])$`)
)

// charName returns the name in the tree of a device that is not on a bus of
// disks: the kernel's own name, if that is in the tree already.
func charName(d *devtree.Device) string {
	name := d.DevName
	switch {
	case d.Subsystem == "vc" && odd[name] != "":
		return odd[name]
	case d.Subsystem == "nvme" && nvmeControl.MatchString(name):
		return nvmeControl.ReplaceAllString(name, "nvme/ctrl$1/ctl")
	case d.Subsystem == "nvme-generic" && nvmeGeneric.MatchString(name):
		return nvmeGeneric.ReplaceAllString(name, "nvme/ctrl$1/ns$2/generic")
	case d.Subsystem == "mmc_rpmb":
		if m := mmcCard.FindStringSubmatch(d.DevPath); m != nil {
			return "mmc/host" + m[1] + "/" + m[2] + "/rpmb"
		}
	case d.Subsystem == "tty" && (d.Major == ptyMasters || d.Major == ptySlaves):
		return ptyName(name)
	}
	i := slices.IndexFunc(table, func(r row) bool { return r.fits(d) })
	if i < 0 {
		return name
	}
	return table[i].devfs + strings.TrimPrefix(name, table[i].kernel)
}

func (r row) fits(d *devtree.Device) bool {
	rest, ok := strings.CutPrefix(d.DevName, r.kernel)
	switch {
	case !ok || d.Subsystem != r.subsystem:
		return false
	case r.more == nil:
		return isNumber(rest)
	}
	return r.more.MatchString(rest)
}

// The pseudo terminals of BSD: banks of sixteen.
const (
	ptyMasters = 2
	ptySlaves  = 3
	ptyBanks   = "pqrstuvwxyzabcde"
)

func ptyName(name string) string {
	m := bsdPty.FindStringSubmatch(name)
	if m == nil {
		return name
	}
	low, _ := strconv.ParseUint(m[3], 16, 8)
	index := strconv.Itoa(strings.Index(ptyBanks, m[2])*16 + int(low))
	if m[1] == "pty" {
		return "pty/m" + index
	}
	return "pty/s" + index
}
