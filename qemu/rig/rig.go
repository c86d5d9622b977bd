// Package rig runs an init as PID 1 on the kernel of the host, in namespaces of
// its own, where a fault costs milliseconds instead of a boot.
//
// The init is the real program: it mounts, opens its console (a pty), reaps,
// restarts, and ends the machine with reboot(2), which a PID namespace turns
// into a signal that the rig can tell from a crash. Its programs are puppets
// (command puppet): they connect to the test and do what it says, whichever init
// has started them, so that one test judges ours, a naive one and BusyBox's. Of
// the host nothing but a handful of device nodes is to be seen or changed.
//
// It needs root and user namespaces; device manager and mounts of devtmpfs and
// sysfs need a machine (package qemu).
package rig

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"slashdev/qemu/rig/stage"
)

// Config is what to start. Only Tools, Dir and Kind are needed.
type Config struct {
	Tools    *Tools
	Dir      string // an empty folder of the host, for the machine alone
	Kind     Kind
	Programs []string          // names of puppets to be kept running
	Plan     string            // more lines of the plan, of ours only
	Texts    map[string]string // more files in the root, instead of the usual ones
	Without  []string          // what the root lacks
	Env      []string          // of PID 1
	Silent   bool              // the kernel has no console
	PidMax   string            // highest process number; empty: the kernel's
	Closed   bool              // start with descriptors 0 to 2 closed
	Leak     bool              // start with one more open
	Pending  []syscall.Signal  // sent to PID 1 before its first instruction
	Output   *os.File          // descriptors 1 and 2 instead of the console
}

// Machine is a running rig. Its methods may be called from any goroutine.
type Machine struct {
	Pid     int // of PID 1, on the host
	Console *Console

	dir     string
	cgroup  string
	tty     *os.File // keeps the console's other end open
	sockets net.Listener
	puppets *puppets
	ended   chan struct{}
	end     string // valid when ended is closed
}

// The ends that are none of a crash.
const (
	Restarted = "restart"
	Stopped   = "halt or power off"
)

// Start starts the machine and returns when its init has been executed.
func Start(ctx context.Context, c Config) (*Machine, error) {
	m := &Machine{dir: c.Dir, puppets: newPuppets(), ended: make(chan struct{})}
	err := m.start(ctx, c)
	if err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

func (m *Machine) start(ctx context.Context, c Config) error {
	root := filepath.Join(m.dir, "root")
	if err := os.Mkdir(root, 0o755); err != nil {
		return err
	}
	var err error
	if m.sockets, err = net.Listen("unix", m.socket()); err != nil {
		return err
	}
	go m.puppets.receive(m.sockets)
	master, tty, err := openPty()
	if err != nil {
		return err
	}
	m.tty, m.Console = tty, newConsole(master)
	spec := c.spec(root, tty.Name(), m.socket())
	return m.run(ctx, c, spec)
}

func (m *Machine) socket() string { return filepath.Join(m.dir, "socket") }

// run executes the stage in the new namespaces and waits until it has become
// the init.
func (m *Machine) run(ctx context.Context, c Config, spec *stage.Spec) error {
	in, specIn, err := os.Pipe()
	if err != nil {
		return err
	}
	defer in.Close()
	report, errorOut, err := os.Pipe()
	if err != nil {
		return errors.Join(err, specIn.Close())
	}
	defer report.Close()
	cmd := &exec.Cmd{Path: c.Tools.Puppet, Args: []string{"stage"}, ExtraFiles: []*os.File{in, errorOut}}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = m.tty, m.tty, m.tty
	if c.Output != nil {
		cmd.Stdout, cmd.Stderr = c.Output, c.Output
	}
	leave, err := m.isolate(cmd)
	if err != nil {
		return errors.Join(err, specIn.Close(), errorOut.Close())
	}
	err = m.launch(cmd)
	leave()
	err = errors.Join(err, errorOut.Close())
	if err == nil {
		err = json.NewEncoder(specIn).Encode(spec)
	}
	if err = errors.Join(err, specIn.Close()); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { report.Close() })
	defer stop()
	said, err := io.ReadAll(report)
	if err == nil && len(said) > 0 {
		err = errors.New("stage: " + string(said))
	}
	return err
}

// isolate gives the command its namespaces and, where the host has cgroup2, a
// control group of its own.
func (m *Machine) isolate(cmd *exec.Cmd) (leave func(), err error) {
	all := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1 << 16}}
	attr := &syscall.SysProcAttr{
		Setsid: true, Pdeathsig: syscall.SIGKILL, Cloneflags: stage.Namespaces,
		UidMappings: all, GidMappings: all, GidMappingsEnableSetgroups: true,
	}
	cmd.SysProcAttr = attr
	top := cgroupMount()
	if top == "" {
		return func() {}, nil
	}
	if m.cgroup, err = os.MkdirTemp(top, "slashdev-rig-"); err != nil {
		return nil, err
	}
	dir, err := os.Open(m.cgroup)
	if err != nil {
		return nil, err
	}
	attr.UseCgroupFD, attr.CgroupFD = true, int(dir.Fd())
	return func() { dir.Close() }, nil
}

// launch starts the command and collects its end. The thread that starts it
// stays until then: its end would be taken for the test's (Pdeathsig).
func (m *Machine) launch(cmd *exec.Cmd) error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := cmd.Start()
		if err == nil {
			m.Pid = cmd.Process.Pid
		}
		started <- err
		if err != nil {
			return
		}
		m.end = ending(cmd)
		close(m.ended)
		m.puppets.close()
	}()
	return <-started
}

func ending(cmd *exec.Cmd) string {
	_ = cmd.Wait() // the state tells more
	status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	switch {
	case ok && status.Signaled() && status.Signal() == syscall.SIGHUP:
		return Restarted
	case ok && status.Signaled() && status.Signal() == syscall.SIGINT:
		return Stopped
	}
	return "PID 1 died: " + cmd.ProcessState.String()
}

// Ended is closed when PID 1 is gone.
func (m *Machine) Ended() <-chan struct{} { return m.ended }

// Wait waits for the end of the machine and says which it was: Restarted,
// Stopped, or how PID 1 died.
func (m *Machine) Wait(ctx context.Context) (string, error) {
	select {
	case <-m.ended:
		return m.end, nil
	case <-ctx.Done():
		return "", fmt.Errorf("the machine has not ended: %w", context.Cause(ctx))
	}
}

// Signal sends a signal to PID 1 from the host. As from within, the kernel drops
// one that PID 1 does not catch.
func (m *Machine) Signal(sig syscall.Signal) error {
	p, err := os.FindProcess(m.Pid)
	if err != nil {
		return err
	}
	return p.Signal(sig)
}

// Path is where the host finds a file of the machine.
func (m *Machine) Path(path string) string {
	return "/proc/" + strconv.Itoa(m.Pid) + "/root" + path
}

// Close ends the machine with all that is in it.
func (m *Machine) Close() {
	if m.Pid > 0 {
		_ = m.Signal(syscall.SIGKILL) // gone already
		<-m.ended
	}
	if m.sockets != nil {
		m.sockets.Close()
	}
	if m.tty != nil {
		m.tty.Close()
		m.Console.close()
	}
	removeCgroup(m.cgroup)
}

// cgroupMount is where the host has cgroup2, empty when it has none.
func cgroupMount() string {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return ""
	}
	for l := range strings.Lines(string(text)) {
		if f := strings.Fields(l); len(f) > 4 && strings.Contains(l, " - cgroup2 ") {
			return f[4]
		}
	}
	return ""
}

// removeCgroup removes a control group and those below it, deepest first.
func removeCgroup(dir string) {
	if dir == "" {
		return
	}
	list, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range list {
		if e.IsDir() {
			removeCgroup(filepath.Join(dir, e.Name()))
		}
	}
	_ = os.Remove(dir) // a leftover group is harmless
}
