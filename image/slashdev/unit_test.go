package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestKeys(t *testing.T) {
	cases := []struct {
		in     []string
		want   string
		action keyAction
	}{
		{[]string{"plain\x03\x1b[A"}, "plain\x03\x1b[A", keyNone},
		{[]string{"a\x01xb"}, "a", keyQuit},
		{[]string{"\x01", "x"}, "", keyQuit},
		{[]string{"\x01\x18"}, "", keyQuit}, // Ctrl still held
		{[]string{"\x01h"}, "", keyHelp},
		{[]string{"\x01\x01b"}, "\x01b", keyNone},
		{[]string{"\x01a"}, "\x01", keyNone},
		{[]string{"\x01e"}, "\x01e", keyNone},
	}
	for _, c := range cases {
		var k keys
		var got []byte
		action := keyNone
		for _, in := range c.in {
			var text []byte
			text, action = k.feed([]byte(in))
			got = append(got, text...)
		}
		if string(got) != c.want || action != c.action {
			t.Errorf("%q: %q, action %d; want %q, %d", c.in, got, action, c.want, c.action)
		}
	}
}

func TestCopyKeysEndsQuietly(t *testing.T) {
	var machine, out bytes.Buffer
	if err := copyKeys(strings.NewReader("ls\r\x01x"), &out, &machine, true); err != errQuit {
		t.Errorf("Ctrl-A x: %v", err)
	}
	if err := copyKeys(strings.NewReader("\x01x\x01h"), &out, &machine, false); err != nil {
		t.Errorf("without a terminal: %v", err)
	}
	if machine.String() != "ls\r\x01x\x01h" {
		t.Errorf("the machine got %q", machine.String())
	}
}

// Whoever reads our output may go first, as head does: that ends the machine,
// and its image must not stay behind.
func TestNobodyReads(t *testing.T) {
	for _, args := range [][]string{{"run"}, {"run", "--exec", "echo hello"}} {
		dir := t.TempDir()
		if err := makeBin(dir); err != nil {
			t.Fatal(err)
		}
		disk := filepath.Join(dir, "disk.img")
		if err := os.WriteFile(disk, []byte(strings.Repeat("\x00", 510)+"\x55\xaa"), 0o644); err != nil {
			t.Fatal(err)
		}
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		cmd := exec.CommandContext(t.Context(), "slashdev", append(args, disk)...)
		cmd.Env = append(os.Environ(), "PATH="+filepath.Join(dir, "bin")+":"+os.Getenv("PATH"),
			"XDG_CACHE_HOME="+dir, "SLASHDEV_ACCEL=tcg", "FAKE=shell", "SLASHDEV_ARTIFACTS="+dir)
		var stderr strings.Builder
		cmd.Stdout, cmd.Stderr = w, &stderr
		err = cmd.Run()
		w.Close()
		left, _ := filepath.Glob(filepath.Join(dir, "slashdev", "run-*"))
		if err == nil || !strings.Contains(stderr.String(), "broken pipe") || len(left) > 0 {
			t.Errorf("%q: %v, said %q, left %q", args, err, stderr.String(), left)
		}
	}
}

func TestMachineWords(t *testing.T) {
	pi := "console=tty1 console=serial0,115200 quiet"
	want := "console=tty1 console=ttyS0,115200 quiet init.watchdog=off dwc_otg.fiq_enable=0 dwc_otg.fiq_fsm_enable=0 dwc_otg.nak_holdoff=0"
	if got := machineWords("rpi3", pi); got != want {
		t.Errorf("rpi3: %s", got)
	}
	if got := machineWords("rpi3", want); got != want {
		t.Errorf("twice: %s", got)
	}
	if got := machineWords("pc", pi); got != pi {
		t.Errorf("pc: %s", got)
	}
}

func TestDetect(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	gpt := file("gpt", strings.Repeat("\x00", 512)+"EFI PART"+strings.Repeat("\x00", 504))
	mbr := file("mbr", strings.Repeat("\x00", 510)+"\x55\xaa")
	broken := file("broken.json", "\n  {\"Hostname\": ")
	for source, want := range map[string]bootPlan{
		"":     {},
		dir:    {appliance: dir},
		gpt:    {image: gpt},
		mbr:    {image: mbr},
		broken: {appliance: broken}, // its reader says where it is broken
	} {
		var got bootPlan
		if err := got.detect(source); err != nil || got.appliance != want.appliance || got.image != want.image {
			t.Errorf("%q: %+v, %v", source, got, err)
		}
	}
	for _, source := range []string{file("empty", ""), file("text", "hello"), filepath.Join(dir, "none")} {
		if err := new(bootPlan).detect(source); err == nil {
			t.Errorf("%s was taken", source)
		}
	}
}

func TestCopySparse(t *testing.T) {
	dir := t.TempDir()
	data := bytes.Repeat([]byte("x"), 1000)
	from := filepath.Join(dir, "from")
	f, err := os.Create(from)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteAt(data, 5<<20)
	f.Truncate(6<<20 + 7)
	f.Close()
	for power, size := range map[bool]int64{false: 6<<20 + 7, true: 8 << 20} {
		to := filepath.Join(dir, "to")
		if err := copySparse(to, from, power); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(to)
		if err != nil || info.Size() != size {
			t.Fatalf("size %d, %v; want %d", info.Size(), err, size)
		}
		got := readAll(t, to)
		if !bytes.Equal(got[5<<20:5<<20+1000], data) || bytes.Count(got, []byte("x")) != 1000 {
			t.Error("the copy differs")
		}
	}
}

func readAll(t *testing.T, name string) []byte {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return all
}
