package ident

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Memory says what udev's dmi_memory_id says of the machine: which modules of
// memory there are, and where.
//
//	MEMORY_ARRAY_LOCATION=System Board Or Motherboard
//	MEMORY_ARRAY_MAX_CAPACITY=68719476736
//	MEMORY_DEVICE_0_SIZE=17179869184    MEMORY_DEVICE_0_TYPE=DDR5    ...
//	MEMORY_ARRAY_NUM_DEVICES=1
//
// The source is the table of the firmware (SMBIOS 3.7, DSP0134, 7.17 and 7.18).
func Memory(tree fs.FS) ([]Property, error) {
	const most = 1 << 20
	f, err := tree.Open("firmware/dmi/tables/DMI")
	if err != nil {
		return nil, fmt.Errorf("dmi_memory_id: %w", err)
	}
	defer f.Close()
	table, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil {
		return nil, fmt.Errorf("dmi_memory_id: %w", err)
	}
	return memory(table), nil
}

func memory(table []byte) []Property {
	const array, module, end = 16, 17, 127
	var all properties
	modules := 0
	for len(table) > 4 && int(table[1]) >= 4 && int(table[1]) <= len(table) {
		r := record{fields: table[:table[1]]}
		r.texts, table = cutTexts(table[table[1]:])
		switch {
		case r.fields[0] == end:
			table = nil
		case r.fields[0] == array:
			r.array(&all)
		case r.fields[0] == module:
			r.module(&all, "MEMORY_DEVICE_"+strconv.Itoa(modules)+"_")
			modules++
		}
	}
	if modules > 0 {
		all.add("MEMORY_ARRAY_NUM_DEVICES", strconv.Itoa(modules))
	}
	return all
}

// cutTexts takes the texts that follow the fields of a record: each ends in a
// zero byte, and all of them in another one.
func cutTexts(b []byte) (texts []string, rest []byte) {
	part, rest, found := bytes.Cut(b, []byte{0, 0})
	if !found {
		return nil, nil
	}
	if len(part) == 0 {
		return nil, rest
	}
	return strings.Split(string(part), "\x00"), rest
}

// record is one of the table; what lies behind its end is zero.
type record struct {
	fields []byte
	texts  []string
}

func (r record) has(size int) bool { return len(r.fields) >= size }

func (r record) byte(at int) int { return int(r.number(at, 1)) }

func (r record) word(at int) int { return int(r.number(at, 2)) }

func (r record) number(at, size int) uint64 {
	var b [8]byte
	if at+size <= len(r.fields) {
		copy(b[:], r.fields[at:at+size])
	}
	return binary.LittleEndian.Uint64(b[:])
}

// text returns the one that a field names by its number, "" if it cannot be
// printed.
func (r record) text(at int) string {
	n := r.byte(at)
	switch {
	case n == 0:
		return "Not Specified"
	case n > len(r.texts):
		return "<BAD INDEX>"
	}
	t := r.texts[n-1]
	if !utf8.ValidString(t) || len(t) > 255 || strings.ContainsFunc(t, func(c rune) bool { return !unicode.IsPrint(c) }) {
		return ""
	}
	return strings.TrimRight(t, " ")
}

const outOfSpec = "<OUT OF SPEC>"

// choice returns one of the names that stand in a list from 1 on.
func choice(list string, n int) string {
	names := strings.Split(list, ",")
	if n < 1 || n > len(names) {
		return outOfSpec
	}
	return names[n-1]
}

// flags joins the names, in a list from bit 1 on, of those that are set.
func flags(list string, n int) string {
	var set []string
	for i, name := range strings.Split(list, ",") {
		if n>>(i+1)&1 == 1 {
			set = append(set, name)
		}
	}
	return strings.Join(set, " ")
}

const (
	memoryPlaces = "Other,Unknown,System Board Or Motherboard,ISA Add-on Card,EISA Add-on Card,PCI Add-on Card,MCA Add-on Card,PCMCIA Add-on Card,Proprietary Add-on Card,NuBus"
	memoryCards  = "PC-98/C20 Add-on Card,PC-98/C24 Add-on Card,PC-98/E Add-on Card,PC-98/Local Bus Add-on Card,CXL Add-on Card" // from 160 on
	memoryChecks = "Other,Unknown,,Parity,Single-bit ECC,Multi-bit ECC,CRC"
	memoryForms  = "Other,Unknown,SIMM,SIP,Chip,DIP,ZIP,Proprietary Card,DIMM,TSOP,Row Of Chips,RIMM,SODIMM,SRIMM,FB-DIMM,Die"
	memoryTypes  = "Other,Unknown,DRAM,EDRAM,VRAM,SRAM,RAM,ROM,Flash,EEPROM,FEPROM,EPROM,CDRAM,3DRAM,SDRAM,SGRAM,RDRAM,DDR,DDR2,DDR2 FB-DIMM," +
		"Reserved,Reserved,Reserved,DDR3,FBD2,DDR4,LPDDR,LPDDR2,LPDDR3,LPDDR4,Logical non-volatile device,HBM,HBM2,DDR5,LPDDR5,HBM3"
	memoryDetails = "Other,Unknown,Fast-paged,Static Column,Pseudo-static,RAMBUS,Synchronous,CMOS,EDO,Window DRAM,Cache DRAM,Non-Volatile," +
		"Registered (Buffered),Unbuffered (Unregistered),LRDIMM"
	memoryTechnologies = "Other,Unknown,DRAM,NVDIMM-N,NVDIMM-F,NVDIMM-P,Intel Optane persistent memory"
	memoryModes        = "Other,Unknown,Volatile memory,Byte-accessible persistent memory,Block-accessible persistent memory"
)

// array describes where modules can be put.
func (r record) array(all *properties) {
	const system, extended = 3, 0x80000000
	if !r.has(0x0f) || r.byte(5) != system {
		return
	}
	place := choice(memoryPlaces, r.byte(4))
	if n := r.byte(4); n >= 160 {
		place = choice(memoryCards, n-159)
	}
	all.add("MEMORY_ARRAY_LOCATION", place)
	all.addSome("MEMORY_ARRAY_EC_TYPE", choice(memoryChecks, r.byte(6)))
	most := r.number(7, 4) << 10
	if r.number(7, 4) == extended {
		most = r.number(0x0f, 8)
	}
	all.add("MEMORY_ARRAY_MAX_CAPACITY", strconv.FormatUint(most, 10))
}

func (r record) module(all *properties, prefix string) {
	if !r.has(0x15) {
		return
	}
	add := func(key, value string) { all.addSome(prefix+key, value) }
	count := func(key string, n uint64) {
		if n != 0 && n != math.MaxUint64 {
			add(key, strconv.FormatUint(n, 10))
		}
	}
	width := func(at int) uint64 { return r.number(at, 2) * uint64(min(1, 0xffff-r.word(at))) }
	count("TOTAL_WIDTH", width(8))
	count("DATA_WIDTH", width(0x0a))
	add(r.size())
	add("FORM_FACTOR", choice(memoryForms, r.byte(0x0e)))
	if set := r.byte(0x0f); set == 0xff {
		add("SET", "Unknown")
	} else {
		count("SET", uint64(set))
	}
	add("LOCATOR", r.text(0x10))
	add("BANK_LOCATOR", r.text(0x11))
	add("TYPE", choice(memoryTypes, r.byte(0x12)))
	if detail := flags(memoryDetails, r.word(0x13)); detail != "" {
		add("TYPE_DETAIL", detail)
	} else {
		add("TYPE_DETAIL", "None")
	}
	count("SPEED_MTS", r.number(0x15, 2))
	if r.has(0x1b) {
		add("MANUFACTURER", r.text(0x17))
		add("SERIAL_NUMBER", r.text(0x18))
		add("ASSET_TAG", r.text(0x19))
		add("PART_NUMBER", r.text(0x1a))
	}
	count("RANK", r.number(0x1b, 1)&15)
	count("CONFIGURED_SPEED_MTS", r.number(0x20, 2))
	add("MINIMUM_VOLTAGE", volts(r.word(0x22)))
	add("MAXIMUM_VOLTAGE", volts(r.word(0x24)))
	add("CONFIGURED_VOLTAGE", volts(r.word(0x26)))
	if r.has(0x34) {
		r.technology(add)
	}
	count("NON_VOLATILE_SIZE", r.number(0x34, 8))
	count("VOLATILE_SIZE", r.number(0x3c, 8))
	count("CACHE_SIZE", r.number(0x44, 8))
	count("LOGICAL_SIZE", r.number(0x4c, 8))
}

func (r record) technology(add func(key, value string)) {
	add("MEMORY_TECHNOLOGY", choice(memoryTechnologies, r.byte(0x28)))
	add("MEMORY_OPERATING_MODE_CAPABILITY", flags(memoryModes, r.word(0x29)))
	add("FIRMWARE_VERSION", r.text(0x2b))
	for i, name := range []string{"MODULE", "MEMORY_SUBSYSTEM_CONTROLLER"} {
		if id := r.word(0x2c + 4*i); id != 0 {
			add(name+"_MANUFACTURER_ID", fmt.Sprintf("Bank %d, Hex 0x%02X", id&0x7f+1, id>>8))
		}
		if id := r.word(0x2e + 4*i); id != 0 {
			add(name+"_PRODUCT_ID", fmt.Sprintf("0x%04X", id))
		}
	}
}

// size returns the property that tells how big a module is, if it is there.
func (r record) size() (key, value string) {
	const unknown, large, kilobytes = 0xffff, 0x7fff, 0x8000
	n := r.number(0x0c, 2)
	switch {
	case n == 0:
		return "PRESENT", "0"
	case n == unknown:
		return "SIZE", ""
	case n == large && r.has(0x20):
		n = r.number(0x1c, 4) & math.MaxInt32 << 20
	case n&kilobytes != 0:
		n = n &^ kilobytes << 10
	default:
		n <<= 20
	}
	return "SIZE", strconv.FormatUint(n, 10)
}

// volts prints millivolts as udev does: tenths with one digit in all.
func volts(milli int) string {
	precision := -1
	switch {
	case milli == 0:
		return ""
	case milli%100 == 0:
		precision = 1
	}
	return strconv.FormatFloat(float64(milli)/1000, 'g', precision, 64)
}
