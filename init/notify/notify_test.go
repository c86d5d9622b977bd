package notify

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestDecode(t *testing.T) {
	tests := []struct {
		in   string
		want Message
	}{
		{"READY=1", Message{Ready: true}},
		{"STATUS=412 devices\x1b[2J\nREADY=1\nMAINPID=1", Message{Ready: true, Status: "412 devices?[2J"}},
		{"READY=0\nREADY", Message{}},
		{"", Message{}},
		{"\n\n=\n", Message{}},
		{"STOPPING=1\nWATCHDOG=1", Message{Alive: true, Status: "stopping"}},
		{"RELOADING=1\nSTATUS=half way", Message{Status: "half way"}},
		{"WATCHDOG=trigger", Message{Sick: true}},
		{"FDSTORE=1\nFDNAME=view", Message{Store: true, Name: "view"}},
		{"FDSTOREREMOVE=1\nFDNAME=a:b", Message{Remove: true}},
		{"FDNAME=\x1b\nBARRIER=1", Message{Barrier: true}},
		{"DEVICE=+input/event0\nDEVICE=-sda\nDEVICE=x\nDEVICE=+", Message{Devices: []Device{{"input/event0", true}, {"sda", false}}}},
	}
	for _, tt := range tests {
		if tt.want.Name == "" {
			tt.want.Name = unnamed
		}
		if got := Decode([]byte(tt.in)); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("Decode(%q) = %+v, want %+v", tt.in, got, tt.want)
		}
	}
}

func TestWhose(t *testing.T) {
	tests := []struct {
		cgroup, name string
		life         int
		ok           bool
	}{
		{"0::/slashdev/hello/3\n", "hello", 3, true},
		{"4:memory:/x\n0::/slashdev/hello/3/of its own\n", "hello", 3, true},
		{"0::/slashdev/hello/3 (deleted)\n", "hello", 3, true},
		{"0::/\n", "", 0, false},
		{"0::/slashdev/hello\n", "hello", 0, false},
		{"0::/slashdev/hello/-1\n", "hello", -1, false},
		{"0::/other/slashdev/hello/0\n", "", 0, false},
		{"1:name=slashdev:/slashdev/hello/0\n", "", 0, false},
		{"", "", 0, false},
	}
	for _, tt := range tests {
		if name, life, ok := Whose(tt.cgroup); ok != tt.ok || ok && (name != tt.name || life != tt.life) {
			t.Errorf("Whose(%q) = %q, %d, %v; want %q, %d, %v", tt.cgroup, name, life, ok, tt.name, tt.life, tt.ok)
		}
	}
}

func TestStore(t *testing.T) {
	var s Store
	take := func(text string, fds ...int) []int { return s.Take(Decode([]byte(text)), fds) }
	if got := take("READY=1", 5, 6); !slices.Equal(got, []int{5, 6}) {
		t.Errorf("not to be stored: closes %v", got)
	}
	for _, text := range []string{"FDSTORE=1\nFDNAME=view", "FDSTORE=1"} {
		if got := take(text, 7, 8); got != nil {
			t.Errorf("%q closes %v", text, got)
		}
	}
	fds, env := Pass(append([]File{{"socket", 3}}, s...)...)
	if !slices.Equal(fds, []int{3, 7, 8, 7, 8}) || !slices.Equal(env, []string{"LISTEN_FDS=5", "LISTEN_FDNAMES=socket:view:view:stored:stored"}) {
		t.Errorf("passed %v, %q", fds, env)
	}
	if got := take("FDSTOREREMOVE=1\nFDNAME=view", 9); !slices.Equal(got, []int{7, 8, 9}) || len(s) != 2 {
		t.Errorf("remove closes %v and leaves %v", got, s)
	}
	if got := s.Empty(); !slices.Equal(got, []int{7, 8}) || len(s) != 0 {
		t.Errorf("closes %v and leaves %v", got, s)
	}
}

// S-08: however many descriptors a program sends, PID 1 keeps so many.
func TestS08_StoreIsBounded(t *testing.T) {
	var s Store
	closed := 0
	for range 100 {
		closed += len(s.Take(Message{Store: true}, make([]int, 64)))
	}
	if len(s) != Max || closed != 6400-Max {
		t.Errorf("%d stored, %d closed", len(s), closed)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("READY=1\nSTATUS=\xff\x1b[0m"))
	f.Add([]byte("FDSTORE=1\nFDNAME=a\nBARRIER=1\nDEVICE=+x\nDEVICE=-y"))
	f.Add([]byte("WATCHDOG=trigger\nSTOPPING=1\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m := Decode(b)
		for _, r := range m.Status {
			if r < ' ' || r == 0x7f {
				t.Fatalf("status %q steers a terminal", m.Status)
			}
		}
		if !validName(m.Name) {
			t.Fatalf("name %q", m.Name)
		}
		_, env := Pass(File{m.Name, 3}, File{m.Name, 4})
		if strings.Count(env[1], ":") != 1 {
			t.Fatalf("names %q", env[1])
		}
	})
}

func FuzzWhose(f *testing.F) {
	f.Add("0::/slashdev/hello/3 (deleted)\n")
	f.Fuzz(func(t *testing.T, s string) {
		if name, life, ok := Whose(s); ok && (life < 0 || strings.Contains(name, "/")) {
			t.Fatalf("%q: %q, %d", s, name, life)
		}
	})
}
