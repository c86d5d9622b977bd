package qemu

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"slashdev/qemu/qmp"
)

// startTimeout is how long QEMU may take until it answers on QMP.
const startTimeout = 30 * time.Second

// Machine is a running QEMU process. Its methods may be called from any
// goroutine, but a conversation with the shell (Login, Run, PowerOff) belongs
// to one at a time.
type Machine struct {
	QMP *qmp.Client

	config  Config
	dir     string // private: flash copy, socket, log; removed by Close
	args    []string
	console *console
	log     *os.File
	stderr  *tailBuffer
	cmd     *exec.Cmd
	tasks   sync.WaitGroup
	exited  chan struct{}
	exit    error // of the process; read after exited

	resetExpected atomic.Bool
	resetSeen     chan position // of the console, at an expected reset
	lastReset     position      // of watchEvents alone
	eventsDone    chan struct{}
	shutdown      atomic.Value

	prompt position // where to look for the shell's next prompt
	close  func() error

	artifacts func() string
}

// Start runs QEMU. The machine boots on its own; ctx bounds only the start.
func Start(ctx context.Context, c Config) (*Machine, error) {
	m := &Machine{config: c, exited: make(chan struct{}), stderr: &tailBuffer{},
		lastReset: -1, resetSeen: make(chan position, 1), eventsDone: make(chan struct{})}
	m.close, m.artifacts = sync.OnceValue(m.cleanUp), sync.OnceValue(m.saveArtifacts)
	if err := m.start(ctx); err != nil {
		err = &HarnessError{Op: "start " + c.Machine, Err: err}
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

func (m *Machine) start(ctx context.Context) error {
	binary, err := m.config.findBinary()
	if err != nil {
		return err
	}
	if err := m.prepare(); err != nil {
		return err
	}
	listener, err := net.Listen("unix", m.config.QMPSocket)
	if err != nil {
		return err
	}
	defer listener.Close()
	if m.args, err = Args(m.config); err != nil {
		return err
	}
	if err := m.launch(binary); err != nil {
		return err
	}
	return m.connect(ctx, listener)
}

// findBinary looks QEMU up before anything is prepared, so that a host without
// it gets the right message.
func (c Config) findBinary() (string, error) {
	b, err := findBoard(c.Machine)
	if err != nil {
		return "", err
	}
	if c.BinaryPath != "" {
		return c.BinaryPath, nil
	}
	path, err := exec.LookPath(b.binary)
	if err != nil {
		debian := map[string]string{"amd64": "qemu-system-x86", "arm64": "qemu-system-arm"}[b.arch]
		return "", fmt.Errorf("%w: %s is not on PATH: install %s (Debian: apt-get install %s) or run `make`, which does",
			ErrNoQEMU, b.binary, b.binary, debian)
	}
	return path, nil
}

// CheckQEMU says whether the emulator for a machine is installed.
func CheckQEMU(machine string) error {
	_, err := Config{Machine: machine}.findBinary()
	return err
}

// prepare makes the machine's folder and what QEMU writes to in it.
func (m *Machine) prepare() (err error) {
	if m.dir, err = tempDir(); err != nil {
		return err
	}
	m.config.QMPSocket = filepath.Join(m.dir, "qmp")
	if m.config.Machine == "pc-uefi" {
		vars := filepath.Join(m.dir, "OVMF_VARS.fd")
		if err := copyFile(vars, m.config.FirmwareVars); err != nil {
			return fmt.Errorf("firmware: %w: run `make`, which installs it", err)
		}
		m.config.FirmwareVars = vars
	}
	m.log, err = os.Create(filepath.Join(m.dir, "console.log"))
	return err
}

// tempDir makes a folder whose path leaves room for a unix socket's name: a
// kernel takes 108 bytes, and $TMPDIR of a test may be longer.
func tempDir() (string, error) {
	parent := os.TempDir()
	if len(parent) > 70 {
		parent = "/tmp"
	}
	return os.MkdirTemp(parent, "slashdev-qemu-")
}

func (m *Machine) launch(binary string) error {
	m.cmd = exec.Command(binary, m.args...)
	m.cmd.Stderr = m.stderr
	m.cmd.SysProcAttr = ownProcess()
	in, err := m.cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := m.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	m.console = newConsole(in, m.crashPattern(), m.log)
	if m.config.Output != nil {
		m.console.copies = append(m.console.copies, m.config.Output)
	}
	if err := m.cmd.Start(); err != nil {
		return err
	}
	m.tasks.Go(func() {
		m.console.read(out)
		m.exit = m.cmd.Wait()
		close(m.exited)
	})
	return nil
}

func (m *Machine) crashPattern() *regexp.Regexp {
	if m.config.Quiet {
		return nil
	}
	return crashPatterns()
}

// connect waits for QEMU on the listener: it is the client, so that there is
// nothing to poll for, and its death ends the wait.
func (m *Machine) connect(ctx context.Context, listener net.Listener) error {
	ctx, cancel := context.WithTimeoutCause(ctx, m.config.Scale(startTimeout), errors.New("no answer on QMP in time"))
	defer cancel()
	stop := context.AfterFunc(ctx, func() { listener.Close() })
	defer stop()
	m.tasks.Go(func() {
		<-m.exited
		cancel()
	})
	conn, err := listener.Accept()
	if err != nil {
		return m.startFailure(ctx, err)
	}
	if m.QMP, err = qmp.Open(ctx, conn); err != nil {
		return m.startFailure(ctx, err)
	}
	m.tasks.Go(m.watchEvents)
	return nil
}

// startFailure prefers QEMU's own words. A QEMU that gives up closes QMP a
// little before it has ended; ctx ends with it.
func (m *Machine) startFailure(ctx context.Context, err error) error {
	if errors.Is(err, qmp.ErrClosed) {
		<-ctx.Done()
	}
	select {
	case <-m.exited:
		return fmt.Errorf("QEMU ended at once (%v): %s", exitText(m.exit), m.stderr)
	default:
	}
	if ctx.Err() != nil {
		return fmt.Errorf("QMP: %w: %s", context.Cause(ctx), m.stderr)
	}
	return fmt.Errorf("QMP: %w", err)
}

// watchEvents notes why the guest stopped, and turns a reset that nobody asked
// for into a failure: such a machine boots again and looks alive.
func (m *Machine) watchEvents() {
	defer close(m.eventsDone)
	var from qmp.Mark
	for {
		event, next, err := m.QMP.WaitEvent(context.Background(), from, func(e qmp.Event) bool {
			return e.Name == "SHUTDOWN" || e.Name == "RESET" || e.Name == "WATCHDOG"
		})
		if err != nil {
			return
		}
		from = next
		m.note(event)
	}
}

func (m *Machine) note(event qmp.Event) {
	switch {
	case event.Name == "SHUTDOWN":
		m.shutdown.Store(event.Text("reason"))
	case m.config.Quiet:
	case event.Name == "WATCHDOG":
		m.console.fail(&crashError{"the watchdog fired: " + event.Text("action")})
	case event.Name == "RESET" && event.Flag("guest"):
		m.noteReset()
	}
}

// noteReset tells the reset that Reboot waits for from all others. SeaBIOS
// answers a soft reset with a hard one: a second reset before the guest has
// printed anything belongs to the first.
func (m *Machine) noteReset() {
	at := m.console.mark()
	switch {
	case m.resetExpected.CompareAndSwap(true, false):
		m.lastReset = at
		m.resetSeen <- at
	case at != m.lastReset:
		m.console.fail(&crashError{"the machine reset itself"})
	}
}

// Write types bytes at the console, for people at the keyboard: what goes wrong
// leaves no artifacts.
func (m *Machine) Write(p []byte) (int, error) { return m.console.in.Write(p) }

// Send types text at the console.
func (m *Machine) Send(text string) error {
	if err := m.console.send(text); err != nil {
		return m.explain("input of the console", m.sendFailure(err))
	}
	return nil
}

// sendFailure says that the console ended when that is why writing failed.
func (m *Machine) sendFailure(err error) error {
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, os.ErrClosed) {
		return errConsoleEnded
	}
	return err
}

// Expect waits until the console prints something that re matches, and
// consumes it.
func (m *Machine) Expect(ctx context.Context, re *regexp.Regexp) (string, error) {
	found, err := m.console.expect(ctx, re)
	if err != nil {
		return "", m.explain(fmt.Sprintf("%q on the console", re), err)
	}
	return found, nil
}

// Console returns the lines that the guest has printed so far.
func (m *Machine) Console() []string { return m.console.text() }

// Wait waits until the QEMU process has ended by itself. That the guest did
// what it should is for PoweredOff to say.
func (m *Machine) Wait(ctx context.Context) error {
	select {
	case <-m.exited:
		<-m.eventsDone
		if m.exit != nil {
			return m.harnessFailed("QEMU ended", fmt.Errorf("%w: %s", m.exit, m.stderr))
		}
		return nil
	case <-ctx.Done():
		return m.explain("end of the machine", context.Cause(ctx))
	}
}

// Exited is closed when the QEMU process has ended.
func (m *Machine) Exited() <-chan struct{} { return m.exited }

// ShutdownReason is QEMU's word for why the guest stopped: guest-shutdown for
// a clean power-off, guest-reset, host-qmp-quit ...; "" while it runs, or when
// it was killed.
func (m *Machine) ShutdownReason() string {
	reason, _ := m.shutdown.Load().(string)
	return reason
}

// Kill cuts the power: the process gets SIGKILL.
func (m *Machine) Kill() error {
	killProcess(m.cmd)
	<-m.exited
	return nil
}

// Close ends the machine, whatever it is doing, and removes its files.
func (m *Machine) Close() error { return m.close() }

func (m *Machine) cleanUp() error {
	var errs []error
	if m.cmd != nil && m.cmd.Process != nil {
		killProcess(m.cmd)
		<-m.exited
	}
	if m.QMP != nil {
		errs = append(errs, m.QMP.Close())
	}
	m.tasks.Wait()
	if m.log != nil {
		errs = append(errs, m.log.Close())
	}
	if m.dir != "" {
		errs = append(errs, os.RemoveAll(m.dir))
	}
	return errors.Join(errs...)
}

// Scale stretches a duration, meant for a machine with KVM, to this machine.
func (c Config) Scale(d time.Duration) time.Duration {
	switch {
	case c.Machine == "rpi3":
		return 5 * d
	case c.Accel == KVM:
		return d
	}
	return 3 * d
}

// Scale stretches a duration, meant for a machine with KVM, to this machine.
func (m *Machine) Scale(d time.Duration) time.Duration { return m.config.Scale(d) }
