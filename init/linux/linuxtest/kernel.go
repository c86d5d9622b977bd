// Package linuxtest is a kernel for tests: it writes down what it is asked and
// fails where the test wants it to.
package linuxtest

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"

	"slashdev/init/linux"
)

// Kernel records calls as the commands one would type. Use from several
// goroutines is fine.
type Kernel struct {
	FailCall int   // the number, from 1, of the call that fails; 0: none
	Err      error // what it fails with
	Calls    []string

	OnStart   func(pid int)            // called before Start returns
	Files     map[string]string        // what Read finds
	Keys      io.ReadCloser            // what OpenKeys returns
	Started   map[string]linux.Command // the last one by path
	Clients   chan bool                // each value is a client that comes to a socket
	Lines     chan bool                // each value is a line, or the end of a pipe
	State     []byte                   // what Succeed was given
	SyncHangs chan struct{}            // when set, Sync waits until it is closed
	Hangs     string                   // calls that begin so wait for the same
	Lacks     string                   // a folder that is not there
	Busy      string                   // a control group that cannot be removed
	Pidfds    int                      // descriptors of the processes from this one on; 0: none

	mu    sync.Mutex
	next  int // the last pid given out
	exits []linux.Exit
}

func (k *Kernel) call(format string, args ...any) error {
	s := fmt.Sprintf(format, args...)
	if k.Hangs != "" && strings.HasPrefix(s, k.Hangs) {
		<-k.SyncHangs
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.Calls = append(k.Calls, s)
	if k.Lacks != "" && strings.Contains(s, " "+k.Lacks) {
		return fmt.Errorf("%s: %w", short(format, args), syscall.ENOENT)
	}
	if len(k.Calls) == k.FailCall {
		return fmt.Errorf("%s: %w", short(format, args), k.Err)
	}
	return nil
}

// short names a failed call as package linux does: what and to which object.
func short(format string, args []any) string {
	var verb string
	_, _ = fmt.Sscan(format, &verb)
	return fmt.Sprintf("%s %v", verb, args[0])
}

// Log returns the calls so far.
func (k *Kernel) Log() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return append([]string(nil), k.Calls...)
}

// Mount records a mount.
func (k *Kernel) Mount(source, target, fstype string, flags uintptr, data string) error {
	return k.call("mount %[1]s from %[2]s type %[3]s flags %[4]d %[5]s", target, source, fstype, flags, data)
}

// RemountReadOnly records a remount.
func (k *Kernel) RemountReadOnly(target string) error { return k.call("remount %s", target) }

// Mkdir records a new folder.
func (k *Kernel) Mkdir(path string, mode uint32) error { return k.call("mkdir %s %o", path, mode) }

// Symlink records a new link.
func (k *Kernel) Symlink(target, path string) error {
	return k.call("link %[2]s to %[1]s", target, path)
}

// Write records a written value.
func (k *Kernel) Write(path, text string) error { return k.call("write %s %q", path, text) }

// Start gives out pids from 100 on.
func (k *Kernel) Start(c linux.Command) (linux.Process, error) {
	err := k.call("start %s %q", c.Path, c.Args)
	k.mu.Lock()
	if k.Started == nil {
		k.Started = map[string]linux.Command{}
	}
	k.Started[c.Path] = c
	k.next++
	p := linux.Process{Pid: 99 + k.next, FD: -1}
	if k.Pidfds > 0 {
		p.FD = k.Pidfds + k.next
	}
	k.mu.Unlock()
	if k.OnStart != nil {
		k.OnStart(p.Pid)
	}
	return p, err
}

// Pipe gives out no descriptors.
func (k *Kernel) Pipe() (r, w int, err error) { return -1, -1, k.call("pipe %s", "2") }

// Open gives out no descriptor.
func (k *Kernel) Open(path string) (int, error) { return -1, k.call("open %s", path) }

// Bind gives out no socket.
func (k *Kernel) Bind(spec string) (int, error) { return 50, k.call("bind %s", spec) }

// AwaitClient waits until Clients is told.
func (k *Kernel) AwaitClient(fd int) error {
	_ = k.call("await client of %d", fd)
	if _, ok := <-k.Clients; !ok {
		return os.ErrClosed
	}
	return nil
}

// AwaitLine waits until Lines is told.
func (k *Kernel) AwaitLine(int) bool { return <-k.Lines }

// Store records a file.
func (k *Kernel) Store(path string, data []byte) error {
	return k.call("store %s %d bytes", path, len(data))
}

// Remove records the end of a file.
func (k *Kernel) Remove(path string) error { return k.call("remove %s", path) }

// Read returns what Files holds.
func (k *Kernel) Read(path string) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if text, ok := k.Files[path]; ok {
		return text, nil
	}
	return "", fmt.Errorf("read %s: %w", path, syscall.ENOENT)
}

// OpenKeys returns the terminal of Keys.
func (k *Kernel) OpenKeys(path string) (io.ReadCloser, error) {
	if err := k.call("open %s", path); err != nil {
		return nil, err
	}
	return k.Keys, nil
}

// End makes a process end; Reap finds it next.
func (k *Kernel) End(e linux.Exit) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.exits = append(k.exits, e)
}

// Reap returns what End was told.
func (k *Kernel) Reap() (linux.Exit, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.exits) == 0 {
		return linux.Exit{}, false
	}
	e := k.exits[0]
	k.exits = k.exits[1:]
	return e, true
}

// Signal records a signal.
func (k *Kernel) Signal(p linux.Process, sig syscall.Signal) error {
	return k.call("signal %d %s", p.Pid, sig)
}

// KillCgroup records the end of a control group.
func (k *Kernel) KillCgroup(dir string) error { return k.call("kill %s", dir) }

// RemoveCgroup records the removal of a control group.
func (k *Kernel) RemoveCgroup(dir string) error {
	if err := k.call("rmdir %s", dir); err != nil || dir != k.Busy {
		return err
	}
	return syscall.EBUSY
}

// KillAll records a signal to everybody.
func (k *Kernel) KillAll(sig syscall.Signal) error { return k.call("killall %s", sig) }

// IsPipe takes even descriptors for pipes.
func (k *Kernel) IsPipe(fd int) bool { return fd%2 == 0 }

// Close records that a descriptor is closed.
func (k *Kernel) Close(fd int) {
	if fd >= 0 {
		_ = k.call("close %d", fd)
	}
}

// Sync records a sync.
func (k *Kernel) Sync() {
	_ = k.call("sync %s", "all")
	if k.SyncHangs != nil {
		<-k.SyncHangs
	}
}

// Succeed records that PID 1 executes itself anew, and fails.
func (k *Kernel) Succeed(state []byte, keep []int) error {
	k.mu.Lock()
	k.State = state
	k.mu.Unlock()
	_ = k.call("succeed with %v", keep)
	return fmt.Errorf("execute /sbin/init: %w", syscall.ENOEXEC)
}
