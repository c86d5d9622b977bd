package ident

import (
	"encoding/hex"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

// maxInterfaces bounds ID_USB_INTERFACES, which a device could fill at will.
const maxInterfaces = 128

// usbClasses names the classes of interfaces (usb.org) that udev names.
var usbClasses = map[uint64]string{1: "audio", 3: "hid", 6: "media", 7: "printer", 9: "hub", 14: "video"}

// usbStorage names the subclasses of the class 8.
var usbStorage = map[uint64]string{1: "rbc", 2: "atapi", 3: "tape", 4: "floppy", 6: "scsi"}

// scsiTypes names types of SCSI devices.
var scsiTypes = map[uint64]string{0: "disk", 1: "tape", 4: "optical", 5: "cd", 7: "optical", 14: "disk", 15: "optical"}

// usb is what is known of a USB device or of something below one.
type usb struct {
	device, iface device // iface.dir is "" for the USB device itself

	vendor, model, revision string // as the device says
	serial, instance, kind  string
	vendorID, modelID       string
}

// USB says what udev's usb_id says of a device below a USB interface, such as a
// disk or a keyboard, and of USB devices themselves:
//
//	ID_BUS=usb
//	ID_MODEL=QEMU_HARDDISK           ID_MODEL_ENC=QEMU\x20HARDDISK\x20\x20\x20
//	ID_MODEL_ID=0001
//	ID_SERIAL=QEMU_QEMU_HARDDISK_1-0:0
//	ID_SERIAL_SHORT=1
//	ID_VENDOR=QEMU                   ID_VENDOR_ENC=QEMU\x20\x20\x20\x20
//	ID_VENDOR_ID=46f4
//	ID_REVISION=2.5+
//	ID_TYPE=disk                     ID_INSTANCE=0:0
//
// and all of these but ID_BUS again as ID_USB_MODEL and so on, followed by
// ID_USB_INTERFACES=:080650:, ID_USB_INTERFACE_NUM=00 and
// ID_USB_DRIVER=usb-storage. Of a device that has an ID_BUS already, udev sets
// only what begins with ID_USB_: see [USBOnly].
//
// The sources are the attributes of the USB device and of its interface; for
// disks and the like those of the SCSI device come first.
func USB(tree fs.FS, devpath string) ([]Property, error) {
	u := usb{device: at(tree, devpath)}
	if err := u.read(); err != nil {
		return nil, fmt.Errorf("usb_id: %w", err)
	}
	return u.properties(), nil
}

func (u *usb) read() error {
	if err := u.below(u.device); err != nil {
		return err
	}
	return u.names()
}

// USBOnly leaves out what would overwrite the identity that a device has from
// another bus.
func USBOnly(all []Property) []Property {
	var some []Property
	for _, p := range all {
		if strings.HasPrefix(p.Key, "ID_USB_") {
			some = append(some, p)
		}
	}
	return some
}

// below looks at the interface that d belongs to, unless it is a USB device.
func (u *usb) below(d device) (err error) {
	if d.is("usb", "usb_device") {
		return nil
	}
	if u.iface, err = d.parent("usb", "usb_interface"); err != nil {
		return err
	}
	if u.device, err = u.iface.parent("usb", "usb_device"); err != nil {
		return err
	}
	text, err := u.iface.need("bInterfaceClass")
	if err != nil {
		return err
	}
	class, err := strconv.ParseUint(text, 16, 8)
	if err != nil {
		return fmt.Errorf("/%s: bInterfaceClass: %w", u.iface.dir, err)
	}
	if class != 8 {
		u.kind = nameOf(usbClasses, class)
		return nil
	}
	text, ok := u.iface.attr("bInterfaceSubClass")
	if !ok {
		return nil
	}
	subclass, _ := strconv.ParseUint(text, 16, 8)
	u.kind = nameOf(usbStorage, subclass)
	if subclass == 2 || subclass == 6 {
		u.scsi(d)
	}
	return nil
}

func nameOf(names map[uint64]string, n uint64) string {
	if name := names[n]; name != "" {
		return name
	}
	return "generic"
}

// scsi takes the names that a SCSI device gives, up to the first that it lacks.
func (u *usb) scsi(d device) {
	s, err := d.parent("scsi", "scsi_device")
	address := strings.Split(s.name(), ":")
	if err != nil || len(address) != 4 {
		return
	}
	ok := true
	next := func(name string) (text string) {
		if ok {
			text, ok = s.attr(name)
		}
		return text
	}
	u.vendor, u.model = next("vendor"), next("model")
	if kind := next("type"); ok {
		u.kind = scsiType(kind)
	}
	if u.revision = next("rev"); ok {
		u.instance = address[2] + ":" + address[3]
	}
}

func scsiType(text string) string {
	n, err := strconv.ParseUint(trim(text), 0, 8)
	if err != nil {
		return "generic"
	}
	return nameOf(scsiTypes, n)
}

// names takes the names that the USB device gives for those not known yet, and
// its numbers for those that it does not give.
func (u *usb) names() (err error) {
	if u.vendorID, err = u.device.need("idVendor"); err != nil {
		return err
	}
	if u.modelID, err = u.device.need("idProduct"); err != nil {
		return err
	}
	if trim(u.vendor) == "" {
		u.vendor = u.or("manufacturer", u.vendorID)
	}
	if trim(u.model) == "" {
		u.model = u.or("product", u.modelID)
	}
	if trim(u.revision) == "" {
		u.revision = u.device.text("bcdDevice")
	}
	if serial := u.device.text("serial"); usableSerial(serial) {
		u.serial = plain(serial, maxSerial)
	}
	return nil
}

func (u *usb) or(name, otherwise string) string {
	if s, ok := u.device.attr(name); ok {
		return s
	}
	return otherwise
}

func (u *usb) properties() []Property {
	var known properties // as after ID_ and ID_USB_
	vendor, model := plain(u.vendor, maxPlain), plain(u.model, maxPlain)
	id := vendor + "_" + model
	if u.serial != "" {
		id += "_" + u.serial
	}
	if u.instance != "" {
		id += "-" + u.instance
	}
	known.add("MODEL", model)
	known.add("MODEL_ENC", encoded(u.model))
	known.add("MODEL_ID", u.modelID)
	known.add("SERIAL", id)
	known.addSome("SERIAL_SHORT", u.serial)
	known.add("VENDOR", vendor)
	known.add("VENDOR_ENC", encoded(u.vendor))
	known.add("VENDOR_ID", u.vendorID)
	known.add("REVISION", plain(u.revision, maxPlain))
	known.addSome("TYPE", u.kind)
	known.addSome("INSTANCE", u.instance)

	all := make(properties, 0, 2*len(known)+4)
	all.add("ID_BUS", "usb")
	for _, prefix := range []string{"ID_", "ID_USB_"} {
		for _, p := range known {
			all.add(prefix+p.Key, p.Value)
		}
	}
	all.addSome("ID_USB_INTERFACES", interfaces(u.device.raw("descriptors")))
	if u.iface.dir != "" {
		all.addSome("ID_USB_INTERFACE_NUM", u.iface.text("bInterfaceNumber"))
		all.addSome("ID_USB_DRIVER", u.iface.driver())
	}
	return all
}

// interfaces lists class, subclass and protocol of every kind of interface in
// the descriptors of a device (USB 2.0, 9.6). Like udev, it does not see one
// that ends the descriptors: an interface without endpoints.
func interfaces(descriptors []byte) string {
	const kind, size, class = 4, 9, 5
	var seen []string
	for rest := descriptors; len(rest) > size && len(seen) < maxInterfaces; {
		if rest[1] == kind {
			word := hex.EncodeToString(rest[class : class+3])
			if !slices.Contains(seen, word) {
				seen = append(seen, word)
			}
		}
		length := int(rest[0])
		if length < 3 || length > len(rest) {
			break
		}
		rest = rest[length:]
	}
	if len(seen) == 0 {
		return ""
	}
	return ":" + strings.Join(seen, ":") + ":"
}
