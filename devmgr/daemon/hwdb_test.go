package daemon_test

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"slashdev/drivers/hwdb"
)

const hwdbText = `usb:v046DpC52B*
 ID_MODEL_FROM_DATABASE=Unifying Receiver

usb:v1D6B*
 ID_VENDOR_FROM_DATABASE=Linux Foundation

id-input:modalias:input:b0003*
 ID_INPUT_TRACKBALL=1

pci:v1*
 ID_VENDOR_FROM_DATABASE=One
`

const hwdbRules = `
SUBSYSTEM=="usb", ENV{DEVTYPE}=="usb_device", IMPORT{builtin}="hwdb --subsystem=usb"
SUBSYSTEM=="input", IMPORT{builtin}="hwdb --subsystem=input --lookup-prefix=id-input:modalias:"
SUBSYSTEM=="block", KERNEL=="vda", IMPORT{builtin}="hwdb --subsystem=pci"
SUBSYSTEM=="mem", KERNEL=="null", IMPORT{builtin}="hwdb 'pci:v1'", RUN{builtin}+="kmod load net nosuch"
`

// TestHwdb asks the builtin in all its ways, from text and from an index.
func TestHwdb(t *testing.T) {
	for name, prepare := range map[string]func(m *machine){
		"text": func(*machine) {},
		"index": func(m *machine) {
			index, _, err := hwdb.Compile(os.DirFS(m.root))
			m.must(err)
			m.put(hwdb.File, string(index))
			m.must(os.Remove(m.root + "/etc/udev/hwdb.d/50-a.hwdb"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			k := withModules(m)
			m.put("etc/udev/hwdb.d/50-a.hwdb", hwdbText)
			prepare(m)
			m.rule("50-hwdb.rules", hwdbRules)
			m.must(os.MkdirAll(m.dev+"/bus/usb/001", 0o755))
			hub := "/devices/pci0/0000:00:01.0/usb1"
			for i, numbers := range [][3]string{{"", "1d6b", "0002"}, {"/1-1", "046d", "c52b"}, {"/1-2", "0001", "0002"}} {
				devpath, minor := hub+numbers[0], strconv.Itoa(i+1)
				m.sys.Add(devpath, "usb", "MAJOR=189", "MINOR="+minor, "DEVNAME=bus/usb/001/00"+minor, "DEVTYPE=usb_device")
				m.node("bus/usb/001/00"+minor, unix.S_IFCHR, 189, uint32(i+1))
				m.sys.Attr(devpath[1:]+"/idVendor", numbers[1])
				m.sys.Attr(devpath[1:]+"/idProduct", numbers[2])
			}
			m.sys.Add(hub+"/1-1/input/input5", "input", "MODALIAS=input:b0003v046D")
			m.writeSys()
			m.start()
			m.do("settle")
			for id, want := range map[string]string{
				"c189:2":            "ID_MODEL_FROM_DATABASE=Unifying Receiver",
				"c189:3":            "", // not that of the hub
				"c189:1":            "ID_VENDOR_FROM_DATABASE=Linux Foundation",
				"+input:input5":     "ID_INPUT_TRACKBALL=1",
				"b254:0":            "ID_VENDOR_FROM_DATABASE=One",
				"c1:3":              "ID_VENDOR_FROM_DATABASE=One",
				"+pci:0000:00:01.0": "",
			} {
				if got := m.database(id); got != want {
					t.Errorf("%s: %q, want %q", id, got, want)
				}
			}
			if got := k.got(); got != "core disk net" {
				t.Errorf("inserted %q", got)
			}
		})
	}
}

// database returns the properties that the database of udev has.
func (m *machine) database(id string) string {
	text, _ := os.ReadFile(m.root + "/udev/data/" + id)
	var found []string
	for line := range strings.Lines(string(text)) {
		if property, ok := strings.CutPrefix(strings.TrimSpace(line), "E:"); ok {
			found = append(found, property)
		}
	}
	return strings.Join(found, " ")
}
