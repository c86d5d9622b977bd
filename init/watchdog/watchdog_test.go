package watchdog

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"slashdev/init/cmdline"
)

// fake is a device that counts.
type fake struct {
	seconds, meals int
	disarmed       bool
}

func (f *fake) Took() (int, string) { return f.seconds, "armed" }
func (f *fake) Feed() error         { f.meals++; return nil }
func (f *fake) Disarm()             { f.disarmed = true }

// Without the magic close the machine would be reset after an orderly end.
func TestDisarmSaysTheMagicWord(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	fd, err := unix.Dup(int(w.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	dev, err := Kept(fd)("", 60)
	if err != nil {
		t.Fatal(err)
	}
	if err := dev.Feed(); err != nil {
		t.Fatal(err)
	}
	dev.Disarm()
	w.Close()
	_ = r.SetReadDeadline(time.Now().Add(time.Minute))
	got, err := io.ReadAll(r) // ends only if both are closed
	if err != nil || string(got) != "\x00V" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestArm(t *testing.T) {
	for _, c := range []struct {
		words string
		there bool
		asked int
	}{
		{"", true, 60},
		{"init.watchdog=10", true, 10},
		{"init.watchdog=junk", true, 60},
		{"init.watchdog=-1", false, 60},
		{"init.watchdog=off", true, 0},
	} {
		asked := 0
		var k Keeper
		said := k.Arm(cmdline.Parse(c.words), func(path string, seconds int) (Device, error) {
			if asked = seconds; !c.there {
				return nil, errors.New("no such device")
			}
			return &fake{seconds: 15}, nil
		})
		if asked != c.asked || (said == "armed") != (c.there && c.asked > 0) {
			t.Errorf("%q: asked for %d, said %q", c.words, asked, said)
		}
	}
}

// A driver that devmgr loads later is found at its first sign of life.
func TestArmLater(t *testing.T) {
	var k Keeper
	var dev Device
	k.Arm(nil, func(string, int) (Device, error) {
		if dev == nil {
			return nil, errors.New("no such device")
		}
		return dev, nil
	})
	if said := k.Proof(time.Now()); said != "" {
		t.Errorf("armed nothing: %q", said)
	}
	dev = &fake{seconds: 15}
	if said := k.Proof(time.Now()); said != "armed" {
		t.Errorf("not armed: %q", said)
	}
}

// story lets time go by for a Keeper; PID 1's loop wakes at its deadlines.
type story struct {
	k   Keeper
	dev fake
	now time.Time
	log []string
}

func newStory() *story {
	s := &story{dev: fake{seconds: 60}, now: time.Unix(1000, 0)}
	s.k.Arm(nil, func(string, int) (Device, error) { return &s.dev, nil })
	return s
}

func (s *story) pass(d time.Duration) {
	for end := s.now.Add(d); !s.now.After(end); s.now = s.k.Deadline() {
		if said := s.k.Tick(s.now); said != "" {
			s.log = append(s.log, said)
		}
	}
}

// proofs lets devmgr's loop go round for some time.
func (s *story) proofs(n int) {
	for range n {
		s.k.Proof(s.now)
		s.pass(5 * time.Second)
	}
}

// M13: what hangs for good leads to a reset, and nothing else does.
func TestM13_SilentDevmgr(t *testing.T) {
	const over = "devmgr: no sign of life for 1m30s: the watchdog is fed no more and resets the machine"
	for _, c := range []struct {
		name  string
		story func(s *story)
		fed   bool // during the hour that follows
		log   string
	}{
		{"healthy", func(s *story) { s.proofs(1000) }, true, ""},
		{"never up", func(*story) {}, true, ""},
		{"silent for ever", func(s *story) { s.proofs(10); s.pass(2 * time.Minute) }, false, over},
		{"started again", func(s *story) { s.proofs(10); s.pass(time.Minute); s.proofs(1); s.k.Excuse() }, true, ""},
		{"back in the last second", func(s *story) { s.proofs(1); s.pass(2 * time.Minute); s.proofs(1); s.k.Excuse() }, true, over},
		{"not wanted", func(s *story) { s.proofs(3); s.k.Excuse() }, true, ""},
	} {
		s := newStory()
		c.story(s)
		before := s.dev.meals
		if c.name == "healthy" {
			s.proofs(720)
		}
		s.pass(time.Hour)
		if fed := s.dev.meals > before+100; fed != c.fed {
			t.Errorf("%s: fed %d times in the hour", c.name, s.dev.meals-before)
		}
		if got := strings.Join(s.log, "; "); c.name != "healthy" && got != c.log {
			t.Errorf("%s: said %q, want %q", c.name, got, c.log)
		}
	}
}

func TestDisarm(t *testing.T) {
	s := newStory()
	if s.k.Disarm(); !s.dev.disarmed {
		t.Error("not disarmed")
	}
	new(Keeper).Disarm() // without a device
}
