// Package script gives testscript the verbs that drive a virtual machine.
//
// A script is rogpeppe/go-internal's testscript language plus:
//
//	boot [--machine M] [--direct] [--append WORD]... [--add FILE:PATH]... [APPLIANCE|IMAGE]
//	                   start a machine; without arguments after halt or
//	                   powercut, start the same disk again
//	expect PATTERN     wait until the console prints it
//	send [-n] TEXT     type TEXT at the console, and Enter unless -n
//	[!] run CMD...     run CMD in the machine's shell; stdout and stderr are
//	                   then for the commands stdout, stderr and cmp
//	plug ID DRIVER [SIZE] [label=L] [file=F] [KEY=VALUE]...
//	                   plug in a usb-storage, scsi-hd, usb-kbd ... device
//	unplug ID          pull it out and wait until the guest has let go
//	[!] console PATTERN
//	                   the console has (not) printed a line like it so far
//	qmp CMD [JSON]     a QMP command; its result is stdout
//	freeze on|off|TIME stop the machine's clock and processors
//	powercut           SIGKILL
//	halt               power off through the shell; anything but a clean
//	                   shutdown fails
//	reboot             reboot through the shell; run waits for the new shell
//
// Every wait has a deadline, longer without KVM. A machine that panics, resets
// by itself or dies fails the script at the next verb, whatever it waits for.
package script

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"slashdev/qemu"
)

// Durations for a machine with KVM; qemu.Config.Scale stretches them.
const (
	bootTimeout   = time.Minute
	expectTimeout = 30 * time.Second
	runTimeout    = 30 * time.Second
	plugTimeout   = 10 * time.Second
)

// Request is what boot asks for.
type Request struct {
	Machine string
	Direct  bool
	Append  []string
	Add     []string // FILE:PATH
	Source  string   // APPLIANCE or IMAGE; "" is the default appliance
	Dir     string   // the script's folder for files of this machine
}

// Options connect scripts with what makes images.
type Options struct {
	// Prepare makes what the machine boots from. The machine may write to the
	// disk in it, and boots it again after a power cut.
	Prepare  func(context.Context, Request) (qemu.Config, error)
	Machine  string // default of boot --machine
	Password string // of the appliance's shell
}

type machineKey struct{}

// host is one script's machine.
type host struct {
	options Options
	ctx     context.Context
	cancel  context.CancelFunc
	work    string
	boots   int

	config   qemu.Config
	machine  *qemu.Machine
	loggedIn bool
	disks    map[string]bool // plugged ids that have a block node
	past     []string        // console of machines that have ended
}

// Setup prepares a script's environment; it goes into testscript.Params.
func Setup(ctx context.Context, o Options) func(*testscript.Env) error {
	return func(env *testscript.Env) error {
		h := &host{options: o, work: env.WorkDir, disks: map[string]bool{}}
		h.ctx, h.cancel = context.WithCancel(ctx)
		env.Values[machineKey{}] = h
		env.Setenv("MACHINE", o.Machine)
		env.Defer(func() {
			h.cancel()
			h.report(env.T())
			h.stop()
		})
		return nil
	}
}

// report keeps what is left of the machine when the script has failed for a
// reason that the machine does not know of.
func (h *host) report(t testscript.T) {
	if f, ok := t.(interface{ Failed() bool }); ok && f.Failed() && h.machine != nil {
		t.Log("console, command line and QMP state: " + h.machine.Artifacts())
	}
}

// Condition answers [machine:M], for Params.Condition.
func Condition(o Options) func(string) (bool, error) {
	return func(cond string) (bool, error) {
		name, ok := strings.CutPrefix(cond, "machine:")
		if !ok || !slices.Contains(qemu.Machines(), name) {
			return false, fmt.Errorf("condition %q: unknown: use machine:%s", cond, strings.Join(qemu.Machines(), ", machine:"))
		}
		return name == o.Machine, nil
	}
}

// verb is a command that fails with an error.
type verb func(h *host, ts *testscript.TestScript, args []string) error

// Cmds returns the verbs, for Params.Cmds.
func Cmds() map[string]func(*testscript.TestScript, bool, []string) {
	cmds := map[string]func(*testscript.TestScript, bool, []string){
		"run":     runVerb,
		"console": consoleVerb,
	}
	for name, do := range map[string]verb{
		"boot": boot, "expect": expect, "send": send, "plug": plug, "unplug": unplug, "qmp": qmpCommand,
		"freeze": freeze, "powercut": powercut, "halt": halt, "reboot": reboot,
	} {
		cmds[name] = func(ts *testscript.TestScript, neg bool, args []string) {
			if neg {
				ts.Fatalf("%s cannot be negated", name)
			}
			ts.Check(do(hostOf(ts), ts, args))
		}
	}
	return cmds
}

func hostOf(ts *testscript.TestScript) *host {
	h, ok := ts.Value(machineKey{}).(*host)
	if !ok {
		ts.Fatalf("no machine: the script's Setup is missing")
	}
	return h
}

// running returns the machine, or what is wrong with the script.
func (h *host) running() (*qemu.Machine, error) {
	if h.machine == nil {
		return nil, fmt.Errorf("no machine is running: boot comes first")
	}
	return h.machine, nil
}

func (h *host) stop() {
	if h.machine == nil {
		return
	}
	h.past = append(h.past, h.machine.Console()...)
	h.machine.Close()
	h.machine, h.loggedIn = nil, false
	clear(h.disks) // what was plugged in went with the machine
}

// within bounds a wait on the machine.
func (h *host) within(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(h.ctx, h.config.Scale(d))
}

// shell returns the machine once its shell has answered.
func (h *host) shell() (*qemu.Machine, error) {
	m, err := h.running()
	if err != nil || h.loggedIn {
		return m, err
	}
	ctx, cancel := h.within(bootTimeout)
	defer cancel()
	if err := m.Login(ctx, h.options.Password); err != nil {
		return nil, err
	}
	h.loggedIn = true
	return m, nil
}

func boot(h *host, ts *testscript.TestScript, args []string) error {
	if h.machine != nil {
		return fmt.Errorf("a machine is running already: halt or powercut it first")
	}
	if len(args) > 0 || h.boots == 0 {
		if err := h.prepare(ts, args); err != nil {
			return err
		}
	}
	h.boots++
	m, err := qemu.Start(h.ctx, h.config)
	h.machine = m
	return err
}

func (h *host) prepare(ts *testscript.TestScript, args []string) error {
	r, err := parseBoot(args)
	if err != nil {
		return err
	}
	if r.Machine == "" {
		r.Machine = h.options.Machine
	}
	if r.Source != "" {
		r.Source = ts.MkAbs(r.Source)
	}
	for i, add := range r.Add {
		r.Add[i] = ts.MkAbs(add)
	}
	// Not in WorkDir itself, where scripts list their own files.
	if r.Dir, err = os.MkdirTemp(h.work, ".machine-"); err != nil {
		return err
	}
	if h.config, err = h.options.Prepare(h.ctx, r); err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	h.config.Reboot, h.config.Logf = true, ts.Logf
	return nil
}

func parseBoot(args []string) (r Request, err error) {
	for len(args) > 0 {
		word := args[0]
		args = args[1:]
		if !strings.HasPrefix(word, "-") {
			if r.Source != "" {
				return r, fmt.Errorf("usage: boot takes one APPLIANCE or IMAGE, not %s and %s", r.Source, word)
			}
			r.Source = word
			continue
		}
		if word == "--direct" {
			r.Direct = true
			continue
		}
		if len(args) == 0 {
			return r, fmt.Errorf("usage: boot %s needs a value", word)
		}
		switch word {
		case "--machine":
			r.Machine = args[0]
		case "--append":
			r.Append = append(r.Append, strings.Fields(args[0])...)
		case "--add":
			r.Add = append(r.Add, args[0])
		default:
			return r, fmt.Errorf("usage: boot has no %s", word)
		}
		args = args[1:]
	}
	return r, nil
}
