package udevadm

import (
	"bufio"
	"regexp"
	"strings"
	"testing"

	"slashdev/devmgr/monitor"
	"slashdev/devmgr/uevent"
)

const event uevent.Env = "ACTION=change\x00DEVPATH=/devices/virtual/mem/null\x00SUBSYSTEM=mem\x00DEVNAME=null\x00DEVTYPE=t\x00TAGS=:a:b:\x00"

func TestMonitorOutput(t *testing.T) {
	tests := []struct {
		group uint32
		words string
		want  string
	}{
		{monitor.Kernel, "-k", "KERNEL[T] change   /devices/virtual/mem/null (mem)\n"},
		{monitor.Udev, "-p", "UDEV  [T] change   /devices/virtual/mem/null (mem)\nACTION=change\nDEVPATH=/devices/virtual/mem/null\n" +
			"SUBSYSTEM=mem\nDEVNAME=/dev/null\nDEVTYPE=t\nTAGS=:a:b:\n\n"},
	}
	clock := regexp.MustCompile(`\[[0-9]+\.[0-9]{6}\]`)
	for _, tt := range tests {
		var out strings.Builder
		o, err := parse(monitorOptions, strings.Fields(tt.words), false)
		if err != nil {
			t.Fatal(err)
		}
		s := &System{out: bufio.NewWriter(&out)}
		s.printEvent(event, tt.group, o)
		s.out.Flush()
		if got := clock.ReplaceAllString(out.String(), "[T]"); got != tt.want {
			t.Errorf("%s: got\n%s\nwant\n%s", tt.words, got, tt.want)
		}
	}
}

func TestMonitorFilter(t *testing.T) {
	for words, want := range map[string]bool{"": true, "-s mem": true, "-s net": false, "-s net -s mem": true, "-s mem/t": true,
		"-s mem/u": false, "-t b": true, "-t c": false, "-t c -t a": true, "-s mem -t c": false} {
		o, err := parse(monitorOptions, strings.Fields(words), false)
		if got := wantedEvent(event, o); got != want || err != nil {
			t.Errorf("%q: %v, %v", words, got, err)
		}
	}
}
