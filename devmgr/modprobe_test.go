package main

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"slashdev/drivers/kmod"
)

// moduleBox is a kernel that shows what was done to it.
type moduleBox struct {
	users map[string]int // of what is loaded
	log   []string
}

func (b *moduleBox) Insert(l kmod.Load) error {
	b.log = append(b.log, strings.TrimSpace("+"+l.Module+" "+l.Options))
	if l.Module == "broken" {
		return errors.New("invalid module")
	}
	b.users[l.Module] = 0
	return nil
}

func (b *moduleBox) Remove(module string) error {
	if b.users[module] > 0 {
		return errors.New("in use")
	}
	b.log = append(b.log, "-"+module)
	delete(b.users, module)
	if module == "disk" {
		b.users["bus"]--
	}
	return nil
}

func (b *moduleBox) Loaded(module string) bool {
	_, ok := b.users[module]
	return ok
}

func (b *moduleBox) Users(module string) (int, error) {
	n, ok := b.users[module]
	if !ok {
		return 0, errors.New("not there")
	}
	return n, nil
}

func moduleFiles() fstest.MapFS {
	root := fstest.MapFS{}
	for name, text := range map[string]string{
		"lib/modules/1/modules.dep":     "k/disk.ko: k/bus.ko\nk/bus.ko:\nk/loop.ko.xz:\nk/broken.ko:\nk/needs.ko: k/broken.ko\n",
		"lib/modules/1/modules.alias":   "alias pci:v1* disk\nalias pci:v1d2 loop\n",
		"lib/modules/1/modules.builtin": "k/ext4.ko\n",
		"etc/modprobe.d/a.conf": "blacklist loop\noptions disk a=1\ninstall never /bin/false\ninstall sly /bin/sh -c reboot\n" +
			"alias odd loop\nremove bus /bin/true\nremove loop /bin/sh\n",
	} {
		root[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return root
}

func TestModprobe(t *testing.T) {
	const fatal = "modprobe: FATAL: Module %s not found in directory /lib/modules/1\n"
	tests := []struct {
		command    string
		code       int
		did        string
		out, tells string
	}{
		{"disk", 0, "+bus, +disk a=1", "", ""},
		{"-q -- pci:v1d2", 0, "+bus, +disk a=1", "", ""}, // as the kernel asks
		{"disk b=2 c=d", 0, "+bus, +disk a=1 b=2 c=d", "", ""},
		{"-v loop", 0, "+loop", "insmod /lib/modules/1/k/loop.ko.xz\n", ""},
		{"-nv loop", 0, "", "insmod /lib/modules/1/k/loop.ko.xz\n", ""},
		{"-ab loop disk", 0, "+bus, +disk a=1", "", ""},
		{"-a ext4 nosuch loop", 1, "+loop", "", strings.Replace(fatal, "%s", "nosuch", 1)},
		{"nosuch", 1, "", "", strings.Replace(fatal, "%s", "nosuch", 1)},
		{"-q nosuch", 1, "", "", ""},
		{"$(reboot)\x1b[2J", 1, "", "", "FATAL: Module $(reboot)"},
		{"../../../tmp/evil.ko", 1, "", "", "FATAL"},
		{"odd", 0, "", "", ""},
		{"-v odd", 0, "", "# odd: blacklisted: loop at /etc/modprobe.d/a.conf:1\n", ""},
		{"needs", 1, "+broken", "", "modprobe: needs: load broken: invalid module\n"},
		{"never", 1, "", "", "/etc/modprobe.d/a.conf:3 forbids it"},
		{"sly", 1, "", "", "/etc/modprobe.d/a.conf:4 has a command for it, and commands are not run"},
		{"--show-depends disk", 0, "", "insmod /lib/modules/1/k/bus.ko\ninsmod /lib/modules/1/k/disk.ko a=1\n", ""},
		{"-D ext4", 0, "", "builtin ext4\n", ""},
		{"-R pci:v1d2", 0, "", "disk\n", ""},
		{"--first-time used", 1, "", "", "FATAL"},
		{"-r used", 1, "", "", "FATAL"},
		{"-r ext4", 1, "", "", "modprobe: ext4: remove ext4: it is built in\n"},
		{"-r loop", 0, "", "", ""},
		{"--frobnicate x", 1, "", "", "modprobe: --frobnicate is not there\nusage:"},
		{"-S", 1, "", "", "no module is named"},
		{"", 1, "", "", "no module is named"},
	}
	for _, tt := range tests {
		code, out, tells, box := modprobe(t, moduleBox{users: map[string]int{}}, strings.Fields(tt.command)...)
		if code != tt.code || strings.Join(box.log, ", ") != tt.did || out != tt.out || !strings.Contains(tells, tt.tells) || tt.tells == "" && tells != "" {
			t.Errorf("modprobe %q: %d, did %q, says %q and %q", tt.command, code, box.log, out, tells)
		}
	}
}

func modprobe(t *testing.T, box moduleBox, args ...string) (code int, out, tells string, _ moduleBox) {
	t.Helper()
	x, err := kmod.Open(moduleFiles(), "1")
	if err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	m := &prober{env: environment{stdout: &stdout, stderr: &stderr}, index: x, kernel: &box, root: "/", release: "1", flags: map[string]bool{}}
	if err := m.parse(args); err != nil {
		return m.env.fail(exitFailed, "modprobe: %v\n%s", err, modprobeUsage), "", stderr.String(), box
	}
	code = m.run()
	return code, stdout.String(), stderr.String(), box
}

func TestModprobeRemoves(t *testing.T) {
	box := moduleBox{users: map[string]int{"disk": 0, "bus": 1, "loop": 2}}
	code, out, tells, box := modprobe(t, box, "-rv", "disk", "ext5", "loop")
	if code != 1 || !slices.Equal(box.log, []string{"-disk"}) || out != "rmmod disk\n" {
		t.Errorf("%d, did %q, says %q", code, box.log, out)
	}
	for _, want := range []string{"Module ext5 not found", "modprobe: loop: remove loop: /etc/modprobe.d/a.conf:7 has a command for it"} {
		if !strings.Contains(tells, want) {
			t.Errorf("no %q in %q", want, tells)
		}
	}
	if _, _, tells, box := modprobe(t, box, "-ri", "loop"); !strings.Contains(tells, "remove loop: in use") || len(box.log) != 1 {
		t.Errorf("-i: did %q, says %q", box.log, tells)
	}
}

func TestModprobeQuotes(t *testing.T) {
	code, _, tells, box := modprobe(t, moduleBox{users: map[string]int{}}, "loop", "name=a b", `x="c d"`)
	if want := []string{`+loop name="a b" x="c d"`}; code != 0 || !slices.Equal(box.log, want) {
		t.Errorf("%d, did %q, says %q", code, box.log, tells)
	}
}
