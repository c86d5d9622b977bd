package linux

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"

	"slashdev/init/ipc"
)

// collect reaps until the process has ended, woken by SIGCHLD as PID 1 is.
func collect(t *testing.T, pid int, wake <-chan os.Signal) Exit {
	t.Helper()
	for {
		for {
			e, ok := Kernel{}.Reap()
			if !ok {
				break
			}
			if e.Pid == pid {
				return e
			}
		}
		select {
		case <-wake:
		case <-t.Context().Done():
			t.Fatalf("process %d did not end", pid)
		}
	}
}

func TestStartSignalReap(t *testing.T) {
	wake := childSignals(t)
	k := Kernel{}
	r, w, err := ipc.Host{}.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	null, err := k.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		script string
		sig    syscall.Signal
		want   Exit
	}{
		{"exit 7", 0, Exit{Code: 7}},
		{"echo up; exec sleep 1000", syscall.SIGTERM, Exit{Code: 143, Signal: syscall.SIGTERM}},
	}
	for _, tt := range tests {
		p, err := k.Start(Command{Path: "/bin/sh", Args: []string{"sh", "-c", tt.script}, Env: []string{"PATH=/bin"}, Dir: "/nosuch", Files: []int{null, w, w}})
		if err != nil {
			t.Fatal(err)
		}
		if tt.sig != 0 {
			_, _ = syscall.Read(r, make([]byte, 3)) // it runs
			if err := k.Signal(p, tt.sig); err != nil {
				t.Error(err)
			}
		}
		tt.want.Pid = p.Pid
		if got := collect(t, p.Pid, wake); got != tt.want {
			t.Errorf("%s: got %+v, want %+v", tt.script, got, tt.want)
		}
		// S-11: the descriptor outlives the number.
		if err := k.Signal(p, syscall.SIGTERM); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("signal to the dead: %v", err)
		}
		k.Close(p.FD)
	}
}

// S-12: a child has its three descriptors and no others.
func TestS12_NoDescriptorLeaks(t *testing.T) {
	wake := childSignals(t)
	k := Kernel{}
	k.CloseOnExec() // what this test was started with
	r, w, err := ipc.Host{}.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p, err := k.Start(Command{Path: "/bin/sh", Args: []string{"sh", "-c", "cd /proc/self/fd && echo *"}, Files: []int{w, w, w}})
	if err != nil {
		t.Fatal(err)
	}
	syscall.Close(w)
	b := make([]byte, 256)
	n, _ := syscall.Read(r, b)
	collect(t, p.Pid, wake)
	k.Close(p.FD)
	// The shell opens one more to read the folder.
	if got := strings.Fields(string(b[:n])); len(got) > 4 || got[0] != "0" || got[2] != "2" {
		t.Errorf("the child has descriptors %q", got)
	}
}

// E-01: a child of a child must not have PID 1's own score.
func TestE01_ScoreAtBirth(t *testing.T) {
	wake := childSignals(t)
	k := Kernel{}
	before, err := k.Read(score)
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := ipc.Host{}.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p, err := k.Start(Command{
		Path: "/bin/sh", Args: []string{"sh", "-c", "(cat " + score + ")"}, Env: []string{"PATH=/bin:/usr/bin"},
		Files: []int{w, w, w}, Score: 123,
	})
	if err != nil {
		t.Fatal(err)
	}
	collect(t, p.Pid, wake)
	b := make([]byte, 100)
	if n, _ := syscall.Read(r, b); string(b[:n]) != "123\n" {
		t.Errorf("the score of a child's child is %q", b[:n])
	}
	if after, _ := k.Read(score); after != before {
		t.Errorf("the parent's own score became %s, it was %s", after, before)
	}
}

func TestStartOfNothing(t *testing.T) {
	_, err := Kernel{}.Start(Command{Path: "/nosuch/program", Args: []string{"x"}})
	if err == nil || err.Error() != "start /nosuch/program: no such file or directory" {
		t.Errorf("got %v", err)
	}
}
