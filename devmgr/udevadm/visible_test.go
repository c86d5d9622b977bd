package udevadm

import (
	"bufio"
	"strings"
	"testing"

	"slashdev/devmgr/monitor"
	"slashdev/devmgr/uevent"
)

func TestD02_PropertiesSteerNeitherTerminalNorShell(t *testing.T) {
	m := newMachine()
	m.System.out = bufio.NewWriter(&m.out)
	value := "\x1b[2J\xff\u009b5m\n'; reboot; 'é"
	const shown = `\x1b[2J\xff\xc2\x9b5m\x0a'; reboot; 'é`
	d := &device{ev: uevent.Event{DevPath: disk, Subsystem: "block", Env: uevent.Env("ID_X=" + value + "\x00")}}
	m.printRecord(d, "")
	m.printEvent(d.ev.Env, monitor.Udev, options{given: []given{{name: "property"}}})
	m.printProperties(options{}, d)
	m.printProperties(options{given: []given{{name: "value"}}}, d)
	m.printProperties(options{given: []given{{name: "export"}}}, d)
	m.System.out.Flush()
	got := m.out.String()
	if n := strings.Count(got, shown); n != 4 {
		t.Errorf("shown %d times, want 4: %s", n, got)
	}
	if !strings.Contains(got, `ID_X='\x1b[2J\xff\xc2\x9b5m\x0a'\''; reboot; '\''é'`) {
		t.Errorf("no shell reads this: %s", got)
	}
}
