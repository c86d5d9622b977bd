package devd_test

import (
	"strings"
	"testing"

	"slashdev/devmgr/rules/devd"
	"slashdev/devmgr/uevent"
)

func device(action uevent.Action, subsystem, devpath string, env ...string) devd.Device {
	d := devd.Device{Event: uevent.Event{Action: action, DevPath: devpath, Subsystem: subsystem}}
	for _, word := range env {
		d.Event.Env += uevent.Env(word + "\x00")
	}
	return d
}

func attrs(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func TestEvents(t *testing.T) {
	disk := device(uevent.Add, "block", "/devices/x/sda", "MAJOR=8", "MINOR=0", "DEVNAME=sda", "DEVTYPE=disk")
	disk.Block = true
	medium := device(uevent.Change, "block", "/devices/x/sr0", "MAJOR=11", "DEVNAME=sr0", "DISK_MEDIA_CHANGE=1")
	medium.Block = true
	stick := device(uevent.Bind, "usb", "/devices/u/1-1", "DEVTYPE=usb_device")
	stick.Bus, stick.Driver, stick.Attr = true, "usb", attrs("idVendor", "046d\n", "idProduct", "c31c", "serial", "A1")
	iface := device(uevent.Bind, "usb", "/devices/u/1-1/1-1:1.0", "DEVTYPE=usb_interface")
	iface.Bus, iface.Driver, iface.Parent, iface.Attr = true, "usbhid", &stick, attrs("bInterfaceClass", "03")
	card := device(uevent.Add, "pci", "/devices/p/0000:00:01.0", "MODALIAS=pci:v1")
	card.Bus, card.Attr = true, attrs("vendor", "0x8086", "class", "0x020000")
	claimed := card
	claimed.Driver = "e1000"
	present := claimed
	present.Cold = true
	nic := device(uevent.Add, "net", "/devices/p/0000:00:01.0/net/eth0", "INTERFACE=eth0")
	nic.Parent, nic.Attr = &claimed, attrs("type", "1")
	gone := nic
	gone.Event.Action = uevent.Remove
	wifi := device(uevent.Change, "net", "/devices/p/net/wlan0", "DEVTYPE=wlan")
	for _, c := range []struct {
		name string
		d    devd.Device
		want string
	}{
		{"disk", disk, "notify system=DEVFS subsystem=CDEV type=CREATE cdev=sda device-name=sda\n" +
			"notify system=GEOM subsystem=DEV type=CREATE cdev=sda device-name=sda\n" +
			"attach device-name=sda cdev=sda subsystem=block\n"},
		{"medium", medium, "notify system=GEOM subsystem=DEV type=MEDIACHANGE cdev=sr0 device-name=sr0\n"},
		{"usb device", stick, "attach device-name=1-1 subsystem=usb driver=usb vendor=0x046d product=0xc31c sernum=A1\n"},
		{"usb interface", iface, "attach device-name=1-1:1.0 bus=1-1 parent=1-1 subsystem=usb driver=usbhid intclass=0x03 vendor=0x046d product=0xc31c sernum=A1\n"},
		{"nobody wants it", card, "nomatch device-name=0000:00:01.0 subsystem=pci modalias=pci:v1 vendor=0x8086 class=0x020000\n"},
		{"a bind will follow", claimed, ""},
		{"present at start", present, "attach device-name=0000:00:01.0 subsystem=pci driver=e1000 modalias=pci:v1 vendor=0x8086 class=0x020000\n"},
		{"interface", nic, "notify system=IFNET subsystem=eth0 type=ATTACH device-name=eth0 bus=0000:00:01.0 parent=0000:00:01.0 media-type=Ethernet vendor=0x8086 class=0x020000\n" +
			"attach device-name=eth0 bus=0000:00:01.0 parent=0000:00:01.0 subsystem=net media-type=Ethernet vendor=0x8086 class=0x020000\n"},
		{"interface gone", gone, "notify system=IFNET subsystem=eth0 type=DETACH device-name=eth0 bus=0000:00:01.0 parent=0000:00:01.0 media-type=Ethernet vendor=0x8086 class=0x020000\n" +
			"detach device-name=eth0 bus=0000:00:01.0 parent=0000:00:01.0 subsystem=net media-type=Ethernet vendor=0x8086 class=0x020000\n"},
		{"a change is nothing", wifi, ""},
	} {
		var b strings.Builder
		for _, e := range devd.Events(c.d) {
			b.WriteString(e.Kind.String())
			for _, v := range e.Vars {
				b.WriteString(" " + v.Name + "=" + v.Value)
			}
			b.WriteByte('\n')
		}
		if got := b.String(); got != c.want {
			t.Errorf("%s:\ngot:\n%swant:\n%s", c.name, got, c.want)
		}
	}
}
