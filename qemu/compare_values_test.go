package qemu_test

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// made is what a device manager has made of the devices: values by device and
// name. The device "" is /dev as a whole.
type made struct {
	devices map[string]bool
	values  map[[2]string]string
}

// madeBy reads what the machine kept of one device manager.
func madeBy(files map[string]string, who string) made {
	m := made{map[string]bool{}, map[[2]string]string{}}
	for record := range strings.SplitSeq(files[who+".devices"], "\n\n") {
		m.record(strings.Split(strings.TrimSpace(record), "\n"))
	}
	for line := range strings.Lines(files[who+".nodes"]) {
		node, attributes, _ := strings.Cut(strings.TrimSpace(line), " ")
		m.values[[2]string{node, "node"}] = attributes
	}
	for line := range strings.Lines(files[who+".links"]) {
		at := strings.Index(line, " /dev/")
		link, target, ok := strings.Cut(strings.TrimSpace(line[at+1:]), " -> ")
		if at >= 0 && ok {
			m.values[[2]string{link, "link"}] = path.Join(path.Dir(link), target)
		}
	}
	for line := range strings.Lines(files[who+".tags"]) {
		m.values[[2]string{"/run/udev/" + strings.TrimSpace(line), "file"}] = ""
	}
	return m
}

// record takes what udevadm info prints of a device. Links are in lines of
// their own, and times are not compared.
func (m *made) record(lines []string) {
	device, ok := strings.CutPrefix(lines[0], "P: ")
	if !ok {
		return
	}
	m.devices[device] = true
	for _, line := range lines[1:] {
		kind, text, _ := strings.Cut(line, ": ")
		key, value, _ := strings.Cut(text, "=")
		switch {
		case kind == "S":
			m.values[[2]string{device, "S " + text}] = ""
		case kind == "L" && text != "0":
			m.values[[2]string{device, "L"}] = text
		case kind != "E" || key == "DEVLINKS":
		case key == "TAGS", key == "CURRENT_TAGS":
			words := strings.Split(value, ":")
			slices.Sort(words)
			m.values[[2]string{device, "E " + key}] = strings.Join(words, ":")
		case key == "USEC_INITIALIZED":
			m.values[[2]string{device, "E " + key}] = ""
		default:
			m.values[[2]string{device, "E " + key}] = value
		}
	}
}

// without leaves out the properties that the kernel gives, whatever they are,
// and what else was as it is before.
func (m made) without(nobody made) made {
	kernel := map[string]bool{}
	for at := range nobody.values {
		kernel[at[1]] = strings.HasPrefix(at[1], "E ")
	}
	rest := made{m.devices, map[[2]string]string{}}
	for at, value := range m.values {
		if before, was := nobody.values[at]; !kernel[at[1]] && (!was || before != value) {
			rest.values[at] = value
		}
	}
	return rest
}

// difference is one value that is not the same with both; "absent" is none.
type difference struct{ device, value, udevd, devmgr string }

func (d difference) String() string {
	return fmt.Sprintf("%s: %s: udevd: %s, devmgr: %s", d.device, d.value, d.udevd, d.devmgr)
}

// differences returns how many values are equal, and those that are not.
func differences(a, b made) (equal int, found []difference) {
	compare := func(a, b made, both bool) {
		for at, value := range a.values {
			other, ok := b.values[at]
			switch {
			case ok && other == value && both:
				equal++
			case !ok && both:
				found = append(found, difference{at[0], at[1], fmt.Sprintf("%q", value), "absent"})
			case !ok:
				found = append(found, difference{at[0], at[1], "absent", fmt.Sprintf("%q", value)})
			case other != value && both:
				found = append(found, difference{at[0], at[1], fmt.Sprintf("%q", value), fmt.Sprintf("%q", other)})
			}
		}
	}
	compare(a, b, true)
	compare(b, a, false)
	slices.SortFunc(found, func(a, b difference) int { return strings.Compare(a.device+a.value, b.device+b.value) })
	return equal, found
}

// explanation is a row of the table of differences in the documentation. In
// the patterns, * is any text.
type explanation struct{ device, value string }

var differenceRow = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| `([^`]+)` \\| .{20,} \\|$")

// explained reads the table.
func explained(text string) ([]explanation, error) {
	_, text, ok := strings.Cut(text, "\n## Compared with udevd\n")
	if !ok {
		return nil, fmt.Errorf("no section on the comparison")
	}
	text, _, _ = strings.Cut(text, "\n## ")
	var rows []explanation
	for _, m := range differenceRow.FindAllStringSubmatch(text, -1) {
		rows = append(rows, explanation{m[1], m[2]})
	}
	return rows, nil
}

func (d difference) explainedBy(x explanation) bool {
	return like(x.device, d.device) && like(x.value, d.value)
}

func like(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile("^" + strings.Join(parts, ".*") + "$").MatchString(text)
}

// What is compared is compared: each kind of difference is found.
func TestDifferences(t *testing.T) {
	files := map[string]string{
		"nobody.devices": "P: /devices/a\nE: DEVNAME=/dev/a\nE: MAJOR=1\n\nP: /devices/net/eth0\nE: INTERFACE=eth0",
		"nobody.nodes":   "/dev/a 600 0:0\n",
		"nobody.links":   "lrwxrwxrwx 1 0 0 13 Nov 21 22:00 /dev/fd -> /proc/self/fd\n",
		"one.devices": "P: /devices/a\nL: 0\nS: x\nS: y\nE: DEVNAME=/dev/a\nE: A=1\nE: B=1\nE: USEC_INITIALIZED=7\nE: TAGS=:p:q:\n\n" +
			"P: /devices/net/lan0\nE: INTERFACE=lan0\nE: C=1",
		"one.nodes": "/dev/a 660 0:6\n",
		"one.links": "lrwxrwxrwx 1 0 0 13 Nov 21 22:00 /dev/fd -> /proc/self/fd\nl 0 /dev/d/x -> ../a\nl 0 /dev/d/y -> ../a\n",
		"one.tags":  "tags/p/b1:1\n",
		"two.devices": "P: /devices/a\nL: 5\nS: x\nE: DEVNAME=/dev/a\nE: A=2\nE: D=1\nE: USEC_INITIALIZED=9\nE: TAGS=:q:p:\n\n" +
			"P: /devices/net/lan0\nE: INTERFACE=lan0\nE: C=1",
		"two.nodes": "/dev/a 640 0:6\n",
		"two.links": "l 0 /dev/d/x -> ../b\nl 0 /dev/d/y -> ../../dev/a\n",
	}
	nobody := madeBy(files, "nobody")
	equal, found := differences(madeBy(files, "one").without(nobody), madeBy(files, "two").without(nobody))
	var got []string
	for _, d := range found {
		got = append(got, d.String())
	}
	want := []string{
		`/dev/a: node: udevd: "660 0:6", devmgr: "640 0:6"`,
		`/dev/d/x: link: udevd: "/dev/a", devmgr: "/dev/b"`,
		`/devices/a: E A: udevd: "1", devmgr: "2"`,
		`/devices/a: E B: udevd: "1", devmgr: absent`,
		`/devices/a: E D: udevd: absent, devmgr: "1"`,
		`/devices/a: L: udevd: absent, devmgr: "5"`,
		`/devices/a: S y: udevd: "", devmgr: absent`,
		`/run/udev/tags/p/b1:1: file: udevd: "", devmgr: absent`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") || equal != 5 {
		t.Errorf("%d equal, got\n%s\nwant\n%s", equal, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	rows, err := explained("x\n## Compared with udevd\n| where |\n| `/devices/*` | `E A` | because of what it is, indeed |\n\n## More\n| `a` | `b` | another table, which is not read |\n")
	if err != nil || len(rows) != 1 || !found[2].explainedBy(rows[0]) || found[3].explainedBy(rows[0]) {
		t.Errorf("rows %v, %v", rows, err)
	}
}
