package runlevel

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"slashdev/init/initreq"
	"slashdev/init/signals"
)

func TestEnvironFollowsTheLevel(t *testing.T) {
	var s State
	s.Enter(signals.Start)
	s.Enter(signals.Start)
	if got, want := s.Environ(), []string{Version, "RUNLEVEL=3", "PREVLEVEL=N"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	s.Enter(signals.PowerOff)
	if got, want := s.Environ(), []string{Version, "RUNLEVEL=0", "PREVLEVEL=3"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSetEnv(t *testing.T) {
	long := "INIT_A=" + strings.Repeat("x", 361)
	tests := []struct{ data, want, wrong string }{
		{"INIT_HALT=HALT\x00\x00", "INIT_HALT=HALT", ""},
		{"INIT_HALT=HALT\x00INIT_HALT=POWERDOWN\x00INIT_B=\x00\x00INIT_C=behind\x00", "INIT_HALT=POWERDOWN INIT_B=", ""},
		{"INIT_HALT=HALT\x00INIT_HALT\x00\x00", "", ""},
		{"INIT_HALTED=1\x00INIT_HALT\x00\x00", "INIT_HALTED=1", ""},
		{"PATH=evil\x00INIT_A=1\x00\x00", "INIT_A=1", `"PATH": only INIT_`},
		{"INIT_=1\x00INIT_a=1\x00INIT_VERSION=x\x00\x00", "INIT_=1", `"INIT_a": only`},
		{long, "", "has no end"},
		{"", "", ""},
	}
	for _, tt := range tests {
		var s State
		err := s.setEnv([]byte(tt.data))
		if got := strings.Join(s.variables, " "); got != tt.want {
			t.Errorf("%.40q: got %q, want %q", tt.data, got, tt.want)
		}
		if (err == nil) != (tt.wrong == "") || err != nil && !strings.Contains(err.Error(), tt.wrong) {
			t.Errorf("%.40q: error %v, want %q", tt.data, err, tt.wrong)
		}
	}
}

func TestSetEnvKeepsSixteen(t *testing.T) {
	var s State
	for n := range 20 {
		err := s.setEnv(fmt.Appendf(nil, "INIT_%d=1\x00\x00", n))
		if (err != nil) != (n >= 16) {
			t.Errorf("variable %d: %v", n+1, err)
		}
	}
	if err := s.setEnv([]byte("INIT_3=again\x00\x00")); err != nil || s.get("INIT_3") != "again" || len(s.variables) != 16 {
		t.Errorf("a known one: %v, %q", err, s.variables)
	}
}

func TestDeedOfEachLevel(t *testing.T) {
	want := map[byte]signals.Deed{
		'0': signals.PowerOff, '6': signals.Reboot, '1': signals.Rescue, 'S': signals.Rescue, 's': signals.Rescue,
		'Q': signals.Reload, 'q': signals.Reload, 'U': signals.Reexec, 'u': signals.Reexec,
	}
	for _, l := range []byte("2345789") {
		want[l] = signals.Start
	}
	for l := range byte(128) {
		var s State
		got, err := s.Act(initreq.Request{Cmd: initreq.RunLevel, RunLevel: l})
		if known := strings.IndexByte("0123456789SsQqAaBbCcUu", l) >= 0; got != want[l] || (err == nil) != known {
			t.Errorf("level %q: got %q, %v; want %q", l, got, err, want[l])
		}
	}
	s := State{variables: []string{"INIT_HALT=HALT"}}
	if got, _ := s.Act(initreq.Request{Cmd: initreq.RunLevel, RunLevel: '0'}); got != signals.Halt {
		t.Errorf("level 0 with INIT_HALT=HALT: %q", got)
	}
}

func TestActOnOtherRequests(t *testing.T) {
	want := map[uint32]signals.Deed{2: signals.PowerFails, 3: signals.BatteryLow, 4: signals.PowerBack}
	for cmd := range uint32(10) {
		var s State
		got, err := s.Act(initreq.Request{Cmd: cmd, RunLevel: '6'})
		if cmd != initreq.RunLevel && (got != want[cmd] || (err != nil) != (cmd == 5 || cmd > 6)) {
			t.Errorf("request %d: got %q, %v; want %q", cmd, got, err, want[cmd])
		}
	}
}

// The files telinit-* are what telinit of sysvinit 3.06 wrote on a little-endian
// machine; the others are made from its struct init_request.
func TestGoldenRequests(t *testing.T) {
	tests := map[string]struct {
		deed  signals.Deed
		grace uint32
		fails bool
	}{
		"telinit-0": {signals.PowerOff, 3, false}, "telinit-6": {signals.Reboot, 7, false},
		"telinit-S": {signals.Rescue, 3, false}, "telinit-q": {signals.Reload, 3, false},
		"telinit-u": {signals.Reexec, 3, false}, "telinit-setenv": {signals.Nothing, 0, false},
		"powerfail": {signals.PowerFails, 5, false}, "powerfailnow": {signals.BatteryLow, 0, false},
		"powerok": {signals.PowerBack, 0, false}, "start": {signals.Nothing, 0, false}, "bsd": {signals.Nothing, 0, true},
	}
	for name, want := range tests {
		b, err := os.ReadFile("testdata/" + name)
		if err != nil || len(b) != initreq.Size {
			t.Fatalf("%s: %d bytes, %v", name, len(b), err)
		}
		s := State{variables: []string{"INIT_UNSET=1"}}
		r, err := initreq.Decode(b)
		if err != nil || !bytes.Equal(r.Append(nil), b) || r.SleepTime != want.grace {
			t.Errorf("%s: decodes to %d %q %d, %v", name, r.Cmd, r.RunLevel, r.SleepTime, err)
		}
		d, err := s.Act(r)
		if d != want.deed || (err != nil) != want.fails {
			t.Errorf("%s: got %q, %v", name, d, err)
		}
		if name == "telinit-setenv" && strings.Join(s.variables, " ") != "INIT_HALT=HALT" {
			t.Errorf("%s: variables %q", name, s.variables)
		}
	}
}

// The offsets are those of struct utmp in glibc's <bits/utmp.h>.
func TestUtmp(t *testing.T) {
	s := State{level: '6', previous: '3'}
	for wide, size := range map[bool]int{false: 384, true: 400} {
		b := s.Utmp(time.Unix(0x01020304, 0), wide)
		if len(b) != size || b[0] != 1 || b[4] != '6' || b[5] != '3' || !bytes.HasPrefix(b[44:], []byte("runlevel\x00")) {
			t.Errorf("wide %v: %d bytes, head % x", wide, len(b), b[:64])
		}
		at := map[bool]int{false: 340, true: 344}[wide]
		if !bytes.Equal(b[at:at+4], []byte{4, 3, 2, 1}) {
			t.Errorf("wide %v: time % x", wide, b[at:at+8])
		}
	}
}

// FuzzRequest covers a request from its bytes to the environment of children.
func FuzzRequest(f *testing.F) {
	for _, r := range []initreq.Request{
		{Cmd: initreq.SetEnv}, {Cmd: initreq.RunLevel, RunLevel: '6', SleepTime: 5}, {Cmd: initreq.PowerFail},
	} {
		copy(r.Data[:], "INIT_HALT=HALT\x00INIT_X\x00PATH=evil\x00\x00")
		f.Add(r.Append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var s State
		r, err := initreq.Decode(b)
		if err != nil {
			return
		}
		d, _ := s.Act(r)
		s.Enter(d)
		_ = s.setEnv(r.Data[:]) // whatever the command was
		for i, v := range s.Environ() {
			name, _, ok := strings.Cut(v, "=")
			if !ok || strings.IndexByte(v, 0) >= 0 || i >= 3 && !strings.HasPrefix(name, "INIT_") || i > 18 {
				t.Fatalf("environment %q", s.Environ())
			}
		}
	})
}
