package naming

import (
	"strconv"
	"strings"
)

// prefixes leads from the tree back to the names from before it, in the order
// of devfsd: the first prefix that fits counts.
var prefixes = [][2]string{
	{"sound/", ""}, {"printers/", "lp"}, {"v4l/", ""}, {"parports/", "parport"}, {"fb/", "fb"}, {"netlink/", ""},
	{"loop/", "loop"}, {"floppy/", "fd"}, {"rd/", "ram"}, {"md/", "md"}, {"vc/", "tty"}, {"misc/", ""},
	{"isdn/", ""}, {"pg/", "pg"}, {"i2c/", "i2c-"}, {"staliomem/", "staliomem"}, {"tts/E", "ttyE"},
	{"cua/E", "cue"}, {"tts/R", "ttyR"}, {"cua/R", "cur"}, {"ip2/", "ip2"}, {"tts/F", "ttyF"}, {"cua/F", "cuf"},
	{"tts/C", "ttyC"}, {"cua/C", "cub"}, {"tts/", "ttyS"}, {"cua/", "cua"}, {"input/js", "js"},
}

// newer are prefixes that devfsd did not know; they come before its own.
var newer = [][2]string{
	{"usb/tts/", "ttyUSB"}, {"usb/acm/", "ttyACM"}, {"usb/hid/hiddev", "usb/hiddev"}, {"hid/raw", "hidraw"},
	{"misc/net/tun", "net/tun"}, {"tts/hvc", "hvc"}, {"md/d", "md_d"}, {"zram/", "zram"}, {"nbd/", "nbd"}, {"dm/", "dm-"},
	{"mtdblock/", "mtdblock"}, {"mtd/", "mtd"}, {"ubi/", "ubi"}, {"media/", "media"}, {"cec/", "cec"}, {"sbp/", "sbpcd"},
	{"spi/", "spidev"}, {"gpio/", "gpiochip"}, {"iio/", "iio:device"}, {"fw/", "fw"},
}

// Old returns the name from before devfs of a name in the tree, as far as it
// follows from that alone; "" if there is none.
func Old(devfs string) string {
	if rest, ok := strings.CutPrefix(devfs, "vcc/"); ok {
		return oldConsole(rest)
	}
	if rest, ok := strings.CutPrefix(devfs, "pty/"); ok {
		return oldPty(rest)
	}
	for _, p := range append(newer, prefixes...) {
		rest, ok := strings.CutPrefix(devfs, p[0])
		switch {
		case !ok:
			continue
		case p[0] == "tts/" && !isNumber(rest):
			return "tty" + rest // of a board that devfsd did not know
		}
		return p[1] + rest
	}
	return ""
}

// oldConsole: vcs and vcsa are those of the current console.
func oldConsole(rest string) string {
	number := strings.TrimLeft(rest, "au")
	if number == "0" {
		number = ""
	}
	if number != "" && !isNumber(number) {
		return ""
	}
	return "vcs" + strings.TrimRight(rest, "0123456789") + number
}

func oldPty(rest string) string {
	if rest == "" || !isNumber(rest[1:]) {
		return ""
	}
	i, err := strconv.Atoi(rest[1:])
	if err != nil || i >= 16*len(ptyBanks) {
		return ""
	}
	end := string(ptyBanks[i/16]) + strconv.FormatInt(int64(i%16), 16)
	switch rest[0] {
	case 'm':
		return "pty" + end
	case 's':
		return "tty" + end
	}
	return ""
}
