// Command init is PID 1 of an appliance.
//
// It mounts what everything else stands on, opens the consoles and initctl,
// starts the device manager, the logger, the shell and the appliance's
// programs, keeps them running, and takes the machine down when it is told to.
// It never exits, never panics and never blocks: whatever may wait for a disk,
// a peer or a terminal runs in a goroutine that the loop does not wait for, and
// whatever may fail lives in a child.
//
// The loop (loop.go) owns all state. Other goroutines (spawner, readers of the
// FIFO and the sockets, console writers) reach it by its inbox only. The
// program links the standard library and x/sys; no os/exec (trap G4), no net,
// no JSON. When it is not PID 1 it becomes the userland applet of its name.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"path"
	"runtime/debug"

	"slashdev/init/console"
	"slashdev/init/ipc"
	"slashdev/init/linux"
	"slashdev/init/renew"
	"slashdev/init/signals"
	"slashdev/init/threads"
)

// memoryLimit is where the garbage collector starts to work harder. PID 1
// needs a tenth of it.
const memoryLimit = 32 << 20

// spareThreads is how many may wait for the kernel at the same time, for however short.
const spareThreads = 6

func main() {
	came := make(chan os.Signal, 256)
	signal.Notify(came, signals.Caught()...)
	k := linux.Kernel{}
	if os.Getpid() != 1 {
		os.Exit(becomeApplet(k))
	}
	// Whatever the boot command line said (P-10); entry_amd64.s has taken the rest.
	os.Clearenv()
	k.CloseOnExec()
	debug.SetGCPercent(10)
	debug.SetMemoryLimit(memoryLimit)
	threads.Reserve(spareThreads)
	m := newMachine(host{Kernel: k})
	if !m.resume() {
		bootUp(m, k)
	}
	end := m.loop(came)
	if end.to != restart { // in case the reboot hangs
		m.watch.Disarm()
	}
	console.CloseAll(m.consoles)
	m.consoles = nil
	for {
		err := k.Reboot(end.command(), m.boot)
		m.log("%v", err) // nobody can end this machine: stay for the console
		<-came
	}
}

// host is the machine that PID 1 runs on.
type host struct {
	linux.Kernel
	ipc.Host
	renew.Self
	console.Terminals
}

// becomeApplet runs the tool of our name: telinit, halt, poweroff, reboot or
// shutdown; called as init, telinit (P-13). It returns an exit status.
func becomeApplet(k linux.Kernel) int {
	name := path.Base(os.Args[0])
	if name == "init" {
		name = "telinit"
	}
	err := k.Exec("/sbin/userland", append([]string{name}, os.Args[1:]...))
	fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
	return 1
}
