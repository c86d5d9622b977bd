package power

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func now() time.Time { return time.Date(2026, 11, 21, 17, 0, 30, 0, time.UTC) }

// The left side is what scripts for sysvinit and BusyBox say.
func TestRead(t *testing.T) {
	tests := []struct{ line, want string }{
		{"halt", "[[halt]]"},
		{"halt -p", "[[poweroff]]"},
		{"halt -d -f -i -h -n", "force nosync [[halt]]"},
		{"halt -d -f -i -p", "force [[poweroff]]"},
		{"halt -w", "[]"},
		{"poweroff -d 5", "+5s [[poweroff]]"},
		{"poweroff -d 5 -n -f", "+5s force nosync [[poweroff]]"},
		{"reboot -f", "force [[reboot]]"},
		{"reboot tryboot", "[[reboot boot=tryboot]]"},
		{"reboot --kexec", "[[kexec]]"},
		{"shutdown", "[[poweroff]]"},
		{"shutdown -h now", "[[poweroff]]"},
		{"shutdown -h -H +0", "[[halt]]"},
		{"shutdown -hP 0", "[[poweroff]]"},
		{"shutdown -r now", "[[reboot]]"},
		{"shutdown -r -f -t 7 now", "[[reboot grace=7]]"},
		{"shutdown -t7 -rF now", "[[reboot grace=7]]"},
		{"shutdown -n -r now", "force [[reboot]]"},
		{"shutdown -r +5 new kernel", `+5m0s "new kernel" [[reboot]]`},
		{"shutdown 17:01", "+30s [[poweroff]]"},
		{"shutdown -h 16:59 night", `+23h58m30s "night" [[poweroff]]`},
		{"shutdown -k +1 soon", `+1m0s "soon" [[wall]]`},
		{"shutdown -c", "[[cancel]]"},
		{"shutdown -c never mind", `"never mind" [[cancel]]`},
		{"shutdown -a -r now", "[[reboot]]"},
		{"shutdown reboot now", "[[reboot]]"},
		{"shutdown halt +2 bye", `+2m0s "bye" [[poweroff]]`},
		{"shutdown -r 2026-11-21T18:00:30+01:00", "+0s [[reboot]]"},
		{"shutdown --dry-run", "plan [[poweroff]]"},
		{"telinit 6", "[[telinit 6]]"},
		{"telinit -t 5 0", "[[telinit 0 grace=5]]"},
		{"init -t5 S", "[[telinit S grace=5]]"},
		{"telinit -e INIT_HALT=HALT -e INIT_X 0", "[[setenv INIT_HALT=HALT INIT_X] [telinit 0]]"},
		{"telinit -eINIT_HALT", "[[setenv INIT_HALT]]"},
		{"telinit --plan", "plan []"},
		{"telinit", "error: telinit needs one run level of " + levels},
		{"telinit 66", "error: telinit needs one run level of " + levels},
		{"telinit x", "error: telinit needs one run level of " + levels},
		{"telinit -z 6", "error: unknown option -z"},
		{"telinit -t", "error: -t : want seconds"},
		{"telinit -e", "error: -e needs INIT_NAME=VALUE"},
		{"halt now", "error: unexpected argument now"},
		{"halt -d x", "error: -d x: want seconds"},
		{"reboot a b", "error: unexpected argument a b"},
		{"shutdown noon", "error: time noon: want now, +MINUTES or HH:MM"},
		{"shutdown 24:00", "error: time 24:00: want now, +MINUTES or HH:MM"},
		{"shutdown 1:5", "error: time 1:5: want now, +MINUTES or HH:MM"},
		{"shutdown +-1", "error: time +-1: want now, +MINUTES or HH:MM"},
		{"shutdown -t x now", "error: -t x: want seconds"},
	}
	for _, tt := range tests {
		words := strings.Fields(tt.line)
		o, err := Read(words[0], words[1:], now())
		if got := text(o, err); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.line, got, tt.want)
		}
	}
}

func text(o Order, err error) string {
	if err != nil {
		return "error: " + err.Error()
	}
	var s string
	if !o.At.IsZero() {
		s += "+" + o.At.Sub(now()).String() + " "
	}
	for _, f := range []struct {
		on   bool
		name string
	}{{o.Plan, "plan "}, {o.Force, "force "}, {o.NoSync, "nosync "}, {o.Message != "", fmt.Sprintf("%q ", o.Message)}} {
		if f.on {
			s += f.name
		}
	}
	return s + fmt.Sprint(o.Words())
}

func TestWarnings(t *testing.T) {
	var got []string
	for _, w := range Warnings(now().Add(6*time.Minute), now()) {
		got = append(got, Warning("reboot", now().Add(6*time.Minute).Sub(w), ""))
	}
	want := "The machine will be rebooted in 6 minutes.|The machine will be rebooted in 5 minutes.|The machine will be rebooted in 4 minutes.|" +
		"The machine will be rebooted in 3 minutes.|The machine will be rebooted in 2 minutes.|The machine will be rebooted in a minute."
	if s := strings.Join(got, "|"); s != want {
		t.Errorf("got %s", s)
	}
	if s := Warning("poweroff", 0, "bye"); s != "bye\nThe machine will be powered off now!" {
		t.Errorf("got %q", s)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("shutdown", "-r +5 new kernel")
	f.Add("telinit", "-t 5 -e INIT_A=1 6")
	f.Add("halt", "-d 5 -f")
	f.Fuzz(func(t *testing.T, name, line string) {
		o, err := Read(name, strings.Fields(line), now())
		if err == nil && o.Grace != "" && strings.Trim(o.Grace, "0123456789+") != "" {
			t.Fatalf("grace %q", o.Grace)
		}
	})
}
