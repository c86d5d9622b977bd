package ident

import (
	"encoding/hex"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"
)

// recording is a machine as it was recorded in testdata: its sysfs, and what
// each program of udev said of each device.
type recording struct {
	tree  fstest.MapFS
	said  []said
	links map[string][]string // of sound cards, terminals and cameras, by device
}

type said struct {
	device, program string
	want            []Property
}

func recorded(t testing.TB, name string) *recording {
	t.Helper()
	archive, err := txtar.ParseFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	r := &recording{tree: fstest.MapFS{}, links: map[string][]string{}}
	for _, f := range archive.Files {
		r.device(t, f.Name, string(f.Data))
	}
	return r
}

func (r *recording) device(t testing.TB, devpath, lines string) {
	for line := range strings.Lines(lines) {
		kind, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		name, value, _ := strings.Cut(rest, "=")
		file := strings.TrimPrefix(devpath, "/") + "/" + name
		switch kind {
		case "A":
			text := strings.NewReplacer(`\n`, "\n", `\\`, `\`).Replace(value)
			r.tree[file] = &fstest.MapFile{Data: []byte(text)}
		case "H":
			b, err := hex.DecodeString(value)
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			r.tree[file] = &fstest.MapFile{Data: b}
		case "L":
			r.tree[file] = &fstest.MapFile{Data: []byte(value), Mode: fs.ModeSymlink}
		case "S":
			r.links[devpath] = append(r.links[devpath], rest)
		case "O":
			r.say(devpath, rest)
		default:
			t.Fatalf("%s: %q", devpath, line)
		}
	}
}

func (r *recording) say(devpath, line string) {
	program, property, some := strings.Cut(line, " ")
	last := len(r.said) - 1
	if last < 0 || r.said[last].device != devpath || r.said[last].program != program {
		r.said = append(r.said, said{device: devpath, program: program})
		last++
	}
	if some && !strings.Contains(property, "_MM=") { // the node tells: see TestInputSize
		key, value, _ := strings.Cut(property, "=")
		if ours, ok := instead[Property{key, value}]; ok {
			value = ours
		}
		r.said[last].want = append(r.said[last].want, Property{key, value})
	}
}

// programs are our words for udev's.
func programs() map[string]func(fs.FS, string) ([]Property, error) {
	return map[string]func(fs.FS, string) ([]Property, error){
		"usb_id":   USB,
		"net_id":   Net,
		"fido_id":  FIDO,
		"path_id":  Path,
		"input_id": Input,
		"scsi_id":  func(tree fs.FS, devpath string) ([]Property, error) { return SCSI(tree, devpath, nil) },
		"ata_id":   ATA,
	}
}

// instead lists what we say where udev would pass on what a device made up.
var instead = map[Property]string{
	{"ID_SCSI_SERIAL", "scsi  ser/1 "}:         "scsi  ser_1",
	{"ID_SCSI_SERIAL", "  QM  0000/1        "}: "QM  0000_1",
	{"ID_SCSI_SERIAL", "QM00003             "}: "QM00003", // udevd cuts off the space too
}

// unknown tells what the kernel does not keep in sysfs: pages of CD drives and
// of disks at usb-storage, and what a CD drive answers to IDENTIFY.
func unknown(s said) bool {
	asked := s.program == "ata_id" || s.program == "scsi_id"
	return asked && (strings.Contains(s.device, "/usb3/3-1/3-1.1/") || strings.HasSuffix(s.device, "/sr1"))
}

// TestMachines compares all that was recorded of real machines.
func TestMachines(t *testing.T) {
	for name, least := range map[string]int{"pc.txtar": 150, "gadgets.txtar": 20, "virt.txtar": 40, "rpi3.txtar": 25} {
		r := recorded(t, name)
		compared := 0
		for _, s := range r.said {
			program := programs()[s.program]
			if program == nil || unknown(s) {
				continue
			}
			got, err := program(r.tree, s.device)
			if (err == nil) != (s.want != nil) && len(got)+len(s.want) > 0 {
				t.Errorf("%s: %s %s: %d properties, error %v", name, s.program, s.device, len(s.want), err)
			}
			if !slices.Equal(got, s.want) {
				t.Errorf("%s: %s %s:\n%s", name, s.program, s.device, difference(got, s.want))
			}
			compared++
		}
		if compared < least {
			t.Errorf("%s: only %d answers compared", name, compared)
		}
	}
}

// difference shows what is in one of two lists only.
func difference(got, want []Property) string {
	var b strings.Builder
	for _, p := range want {
		if !slices.Contains(got, p) {
			b.WriteString("\tmissing " + p.Key + "=" + p.Value + "\n")
		}
	}
	for _, p := range got {
		if !slices.Contains(want, p) {
			b.WriteString("\twrong   " + p.Key + "=" + p.Value + "\n")
		}
	}
	if b.Len() == 0 {
		return "\tthe same in another order"
	}
	return b.String()
}
