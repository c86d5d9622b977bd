package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"slashdev/init/userland/power"
	"slashdev/init/userland/tool"
)

func TestShutdownWaitsAndIsCancelled(t *testing.T) {
	w := waiting(t.TempDir())
	e := &tool.Env{Root: tree(nil)}
	done := make(chan error, 1)
	go func() {
		done <- w.wait(t.Context(), e, power.Order{Verb: "poweroff", At: time.Now().Add(2 * time.Minute)})
	}()
	await := func(name string) {
		for n := 0; ; n++ {
			if text, err := os.ReadFile(w.path(name)); err == nil && len(text) > 0 {
				return
			}
			select {
			case err := <-done:
				t.Fatalf("it ended: %v", err)
			case <-time.After(10 * time.Millisecond):
			}
			if n > 6000 {
				t.Fatalf("no %s", name)
			}
		}
	}
	await("nologin")
	if err := w.wait(t.Context(), e, power.Order{At: time.Now().Add(time.Hour)}); tool.Code(err) != tool.Refused {
		t.Errorf("a second one: %v", err)
	}
	if err := w.cancel(e, power.Order{}); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err == nil || err.Error() != "cancelled" {
		t.Errorf("the first ends with %v", err)
	}
	if left, _ := filepath.Glob(w.path("*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	if err := w.cancel(e, power.Order{}); tool.Code(err) != tool.NotFound {
		t.Errorf("cancelled twice: %v", err)
	}
}

// The time comes: the files are as sysvinit leaves them.
func TestShutdownGoesOnInTime(t *testing.T) {
	w := waiting(t.TempDir())
	if err := os.WriteFile(w.path("shutdown.pid"), []byte("999999999\n"), 0o644); err != nil { // of one that died
		t.Fatal(err)
	}
	if err := w.wait(t.Context(), &tool.Env{Root: tree(nil)}, power.Order{Verb: "reboot", At: time.Now().Add(20 * time.Millisecond)}); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(w.path("*")); len(left) != 1 || filepath.Base(left[0]) != "nologin" {
		t.Errorf("left behind: %q", left)
	}
}

func TestClaimedByALivingOne(t *testing.T) {
	w := waiting(t.TempDir())
	for text, want := range map[string]int{strconv.Itoa(os.Getpid()) + "\n": os.Getpid(), "1": 0, "-1": 0, "x": 0, "": 0} {
		if err := os.WriteFile(w.path("shutdown.pid"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := w.pid(); got != want {
			t.Errorf("%q: got %d, want %d", text, got, want)
		}
	}
}

func TestTerminalsAreTheConsoles(t *testing.T) {
	e := &tool.Env{Root: tree(map[string]string{"proc/consoles": "ttyS0                -W- (EC p a)    4:64\ntty0 -WU (E  p  )    4:1\n../x -W- (E) 1:1\n"})}
	got := strings.Join(terminals(e), " ")
	if !strings.HasSuffix(got, "/dev/ttyS0 /dev/tty0") {
		t.Errorf("got %s", got)
	}
}
