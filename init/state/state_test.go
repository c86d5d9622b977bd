package state

import (
	"fmt"
	"hash/crc32"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"slashdev/init/children"
	"slashdev/init/linux"
	"slashdev/init/notify"
	"slashdev/init/signals"
)

func sample(now time.Time) *State {
	hello := Unit{Status: "serving \"x\"\n", Failures: 2, Proc: linux.Process{Pid: 103, FD: 12}, Lives: 3,
		Left:   []string{"/sys/fs/cgroup/slashdev/hello/1", "/sys/fs/cgroup/slashdev/hello/2"},
		Stored: notify.Store{{Name: "view", FD: 14}, {Name: "view", FD: 15}}}
	hello.Child = children.Child{Name: "hello", State: children.Up, Wanted: true, Since: now.Add(-time.Hour),
		Deadline: now.Add(time.Second), Born: now.Add(-2 * time.Hour), Starts: 4, Code: 137, Crashes: 1, Fault: "no sign of life"}
	web := Unit{Proc: linux.Process{FD: -1}}
	web.Child = children.Child{Name: "web", State: children.Down, Code: -1, Since: now}
	return &State{
		Started: now.Add(-24 * time.Hour), Stage: 2, Gate: now.Add(time.Minute),
		Level: []string{"INIT_VERSION=slashdev", "RUNLEVEL=3"}, Rescued: true, Switches: signals.Switches{Debug: true},
		Plan:    "slashdev-plan 1\nprogram hello /user/hello \"a b\"\n",
		Files:   []notify.File{{Name: "control", FD: 5}, {Name: "read:hello", FD: 8}, {Name: "write:hello", FD: 9}},
		Devices: map[string]bool{"ttyUSB0": true, "input/by id": true},
		Units:   []Unit{hello, web},
	}
}

func TestRoundTrip(t *testing.T) {
	now := time.Unix(1e9, 0)
	s := sample(now)
	text := string(s.Append(nil, now))
	got, err := Parse(text, now)
	if err != nil || !reflect.DeepEqual(got, s) {
		t.Fatalf("%v\n got %+v\nwant %+v\n%s", err, got, s, text)
	}
	later, err := Parse(text, now.Add(time.Minute))
	if err != nil || !later.Units[0].Deadline.Equal(s.Units[0].Deadline.Add(time.Minute)) {
		t.Errorf("times are not relative to the moment: %v", err)
	}
	fds := got.FDs()
	if slices.Sort(fds); !slices.Equal(fds, []int{5, 8, 9, 12, 14, 15}) {
		t.Errorf("descriptors %v", fds)
	}
}

// seal puts a true header in front of any body.
func seal(body string) string {
	return fmt.Sprintf("slashdev-state 1 %d %d\n%s", len(body), crc32.ChecksumIEEE([]byte(body)), body)
}

// P-09: a text that is not whole is refused, at every length and with any bit
// turned over; one of another version says so.
func TestP09_DamagedStateIsRefused(t *testing.T) {
	now := time.Unix(1e9, 0)
	text := sample(now).Append(nil, now)
	for i := range text {
		if _, err := Parse(string(text[:i]), now); err == nil {
			t.Fatalf("cut at %d: no error", i)
		}
		turned := slices.Clone(text)
		turned[i] ^= 1
		if _, err := Parse(string(turned), now); err == nil {
			t.Fatalf("byte %d changed: no error", i)
		}
	}
	for text, want := range map[string]string{
		"":                            "no header",
		"slashdev-state 2 0 0\n":      `version "2": this init reads version 1`,
		seal("wonder x\n"):            `unknown line "wonder x": made by a newer init`,
		seal("\n"):                    "unknown line",
		seal("unit shape=round\n"):    `unknown word "shape": made by a newer init`,
		seal("unit starts=many\n"):    "starts: ",
		seal("unit stored=\"a b\"\n"): "stored: ",
		seal("unit since=noon\n"):     "since: ",
		seal("machine plan=\"\n"):     "column",
	} {
		if _, err := Parse(text, now); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	now := time.Unix(1e9, 0)
	_, body, _ := strings.Cut(string(sample(now).Append(nil, now)), "\n")
	f.Add(body)
	f.Add("machine stage=1\nunit name=x pid=4 stored=\"a 5\" left=\"/y \\\"\\\"\"\n")
	f.Fuzz(func(t *testing.T, body string) {
		for _, text := range []string{body, seal(body)} {
			s, err := Parse(text, now)
			if err != nil {
				continue
			}
			again, err := Parse(string(s.Append(nil, now)), now)
			if err != nil || !reflect.DeepEqual(s, again) {
				t.Fatalf("%v: %+v is written and read as %+v", err, s, again)
			}
			for _, fd := range s.FDs() {
				if fd < 0 {
					t.Fatalf("descriptor %d", fd)
				}
			}
		}
	})
}
