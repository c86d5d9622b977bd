package ident

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io/fs"
	"strconv"
)

// Lengths of the fields of a standard inquiry (SPC-4, 6.4.2).
const vendorEnd, modelEnd, revisionEnd = 16, 32, 36

// SCSI says what udev's scsi_id says of a SCSI device or of anything on it
// (sda, sg0, bsg/0:0:0:0):
//
//	ID_SCSI=1
//	ID_VENDOR=QEMU           ID_VENDOR_ENC=QEMU\x20\x20\x20\x20
//	ID_MODEL=QEMU_HARDDISK   ID_MODEL_ENC=QEMU\x20HARDDISK\x20\x20\x20
//	ID_REVISION=2.5+         ID_TYPE=disk
//	ID_SERIAL=35000c50015ea71aa
//	ID_SERIAL_SHORT=5000c50015ea71aa
//	ID_WWN=0x5000c50015ea71aa
//	ID_WWN_WITH_EXTENSION=0x5000c50015ea71aa
//	ID_SCSI_SERIAL=26000
//
// and where the device has them ID_WWN_VENDOR_EXTENSION and ID_TARGET_PORT.
// The sources are inquiry, vpd_pg83 and vpd_pg80 in sysfs, which the kernel
// fills when it finds the device. Where it has not asked for the pages, as of CD
// drives, ask is (nil: nobody is); it returns a page, nil if there is none.
func SCSI(tree fs.FS, devpath string, ask func(page byte) []byte) ([]Property, error) {
	d := at(tree, devpath)
	if !d.is("scsi", "scsi_device") {
		var err error
		if d, err = d.parent("scsi", "scsi_device"); err != nil {
			return nil, fmt.Errorf("scsi_id: %w", err)
		}
	}
	vendor, model, revision, err := d.inquiry()
	if err != nil {
		return nil, fmt.Errorf("scsi_id: %w", err)
	}
	all := properties{{"ID_SCSI", "1"}}
	all.add("ID_VENDOR", plain(vendor, maxPlain))
	all.add("ID_VENDOR_ENC", encoded(vendor))
	all.add("ID_MODEL", plain(model, maxPlain))
	all.add("ID_MODEL_ENC", encoded(model))
	all.add("ID_REVISION", plain(revision, maxPlain))
	all.add("ID_TYPE", scsiType(d.text("type")))
	unit := string(d.page(0x80, ask))
	if id, found := identify(d.page(0x83, ask)); found {
		id.describe(&all, vendor+model)
	} else if trim(unit) != "" {
		all.add("ID_SERIAL", plain("S"+vendor+model+unit, maxSerial))
		all.add("ID_SERIAL_SHORT", plain(unit, maxSerial))
	}
	all.addSome("ID_SCSI_SERIAL", spaced(unit))
	return all, nil
}

// inquiry returns the names of a SCSI device as it sent them, with the space
// that fills them up.
func (d device) inquiry() (vendor, model, revision string, err error) {
	if b := d.raw("inquiry"); len(b) >= revisionEnd {
		return upToZero(b[8:vendorEnd]), upToZero(b[vendorEnd:modelEnd]), upToZero(b[modelEnd:revisionEnd]), nil
	}
	if vendor, err = d.need("vendor"); err != nil {
		return "", "", "", err
	}
	model, err = d.need("model")
	return vendor, model, d.text("rev"), err
}

// page returns what a page holds that the kernel has, or that somebody can ask for.
func (d device) page(code byte, ask func(page byte) []byte) []byte {
	b := d.raw("vpd_pg" + strconv.FormatUint(uint64(code), 16))
	if len(b) == 0 && ask != nil {
		b = ask(code)
	}
	return page(b, code)
}

// page returns what a page of vital product data holds, nil if it is none.
func page(b []byte, code byte) []byte {
	const head = 4
	if len(b) < head || b[1] != code {
		return nil
	}
	return b[head:min(len(b), head+int(binary.BigEndian.Uint16(b[2:])))]
}

// designator is one name of a SCSI device (SPC-4, 7.8.6).
type designator struct {
	kind  byte // 0 the vendor's own, 1 T10 vendor, 2 EUI-64, 3 NAA
	naa   byte
	value string
	port  string // the target port group, "" if unknown
}

// rank tells which of several names udev takes, the lowest.
func (d designator) rank() int {
	switch {
	case d.kind == 3 && d.naa == 6:
		return 0
	case d.kind == 3 && d.naa == 5:
		return 1
	case d.kind == 3:
		return 2
	case d.kind == 2:
		return 3
	case d.kind == 1:
		return 4
	}
	return 5
}

// identify takes the best name of the logical unit.
func identify(b []byte) (best designator, found bool) {
	const head, ascii, unit, port, group = 4, 2, 0, 1, 5
	portGroup := ""
	for len(b) > head && len(b) >= head+int(b[3]) {
		set, association, kind := b[0]&15, b[1]>>4&3, b[1]&15
		value := b[head : head+int(b[3])]
		b = b[head+len(value):]
		if association == port && kind == group && len(value) == 4 {
			portGroup = strconv.FormatUint(uint64(binary.BigEndian.Uint16(value[2:])), 16)
		}
		if association != unit || kind > 3 || len(value) == 0 {
			continue
		}
		next := designator{kind: kind, value: string(value)}
		if kind == 3 {
			next.naa = value[0] >> 4
		}
		if set != ascii {
			next.value = hex.EncodeToString(value)
		}
		if !found || next.rank() < best.rank() {
			best, found = next, true
		}
	}
	best.port = portGroup
	return best, found
}

// describe adds what follows from the name. A name that is the vendor's own is
// unique only together with what the device is called.
func (d designator) describe(all *properties, called string) {
	long := d.value
	if d.kind == 0 {
		long = called + d.value
	}
	all.add("ID_SERIAL", plain(string('0'+rune(d.kind))+long, maxSerial))
	all.add("ID_SERIAL_SHORT", plain(d.value, maxSerial))
	if d.kind == 3 {
		const short = 16
		all.add("ID_WWN", "0x"+d.value[:min(len(d.value), short)])
		if len(d.value) > short {
			all.add("ID_WWN_VENDOR_EXTENSION", "0x"+d.value[short:])
		}
		all.add("ID_WWN_WITH_EXTENSION", "0x"+d.value)
	}
	all.addSome("ID_TARGET_PORT", d.port)
}
