package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"slashdev/devmgr/ctl"
	"slashdev/devmgr/devtest"
	"slashdev/devmgr/recording"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// ten devices of each machine that somebody may ask about.
var ten = map[string]string{
	"pc":   "vda vda4 eth0 ttyS0 input/event1 sr0 null rtc0 snd/timer bus/usb/001/001",
	"virt": "vda vda1 eth0 ttyAMA0 input/event0 mtd0 gpiochip0 fuse vfio/vfio bus/usb/002/001",
	"rpi3": "mmcblk0 mmcblk0p4 usb0 ttyS0 input/event0 hidraw0 watchdog0 vcio dma_heap/system bus/usb/001/003",
}

// replay is a recorded machine with the rules of these folders.
func replay(t *testing.T, machine string, rules ...string) *devtest.Replay {
	t.Helper()
	text, err := os.ReadFile("devtest/testdata/recorded/" + machine + ".umockdev")
	if err != nil {
		t.Fatal(err)
	}
	r, err := recording.Parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	policy, _, err := devtest.Rules(append(rules, "devtest/testdata/recorded/rules")...)
	if err != nil {
		t.Fatal(err)
	}
	p := devtest.NewReplay(r, policy)
	if err := p.Coldplug(); err != nil {
		t.Fatal(err)
	}
	return p
}

// whyTexts is what dev why prints of each device.
func whyTexts(t *testing.T, p *devtest.Replay, devices string) string {
	t.Helper()
	here, err := filepath.Abs("devtest/testdata/recorded/rules")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for name := range strings.FieldsSeq(devices) {
		var records []ctl.Record
		for _, words := range p.Why(name) {
			for i, w := range words {
				words[i] = strings.ReplaceAll(w, here, "/etc/udev/rules.d")
			}
			records = append(records, words)
		}
		if len(records) == 0 {
			t.Fatalf("no device %s", name)
		}
		b.WriteString("$ dev why " + name + "\n" + output(func(c *command) { c.explain(records) }) + "\n")
	}
	return b.String()
}

// narrow wants lines that fit a terminal; a word that does not is cut in two.
func narrow(t *testing.T, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if len(line) > 81 {
			t.Errorf("%d columns: %s", len(line)-1, line)
		}
	}
}

// What a person reads who asks about ten devices of each machine.
func TestWhyReadsWell(t *testing.T) {
	for machine, devices := range ten {
		t.Run(machine, func(t *testing.T) {
			got, golden := whyTexts(t, replay(t, machine), devices), "testdata/why-"+machine+".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			narrow(t, got)
			if want, _ := os.ReadFile(golden); got != string(want) {
				t.Errorf("%s differs; got:\n%s", golden, got)
			}
		})
	}
}

// With Debian's rules there is more to say.
func TestWhyFitsTheTerminalWithDebiansRules(t *testing.T) {
	rules, err := filepath.Abs("../bin/parts/udev/lib/udev/rules.d")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(rules); err != nil {
		t.Skipf("needs bin/parts: %v", err)
	}
	for machine, devices := range ten {
		text := strings.ReplaceAll(whyTexts(t, replay(t, machine, rules), devices), rules, "/lib/udev/rules.d")
		narrow(t, text)
		if !strings.Contains(text, "50-udev-default.rules:") {
			t.Errorf("%s: %s", machine, text)
		}
		if testing.Verbose() {
			t.Log(text)
		}
	}
}
