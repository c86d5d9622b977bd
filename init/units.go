package main

import (
	"strconv"
	"strings"

	"slashdev/init/children"
	"slashdev/init/cmdline"
	"slashdev/init/console"
	"slashdev/init/linux"
	"slashdev/init/plan"
)

const userland = "/sbin/userland"

// Ours must outlive a shortage of memory, programs need not.
const scoreOfOurs = -900

// addUnits makes the table of all children from the plan and the consoles.
func (m *machine) addUnits(k linux.Kernel, p *plan.Plan, words cmdline.Words) {
	null, err := k.Open("/dev/null")
	if err != nil {
		m.log("%v", err)
	}
	pipes := &pipes{k: k, null: null}
	ours := environment("/")
	m.add("devmgr", &unit{role: manager, notifies: true, command: linux.Command{
		Path: "/sbin/devmgr", Args: []string{"devmgr", "daemon"}, Env: ours,
		Files: pipes.files("devmgr"), Score: scoreOfOurs,
	}}, children.Always)
	m.add("perm", &unit{role: chore, command: linux.Command{
		Path: userland, Args: []string{"perm"}, Env: ours, Files: pipes.files("perm"),
	}}, children.Never)
	for _, prog := range p.Programs {
		m.addProgram(prog, pipes)
	}
	m.addLogger(pipes)
	m.addShells(p, words)
	m.report(pipes.errs)
}

func (m *machine) addProgram(prog plan.Program, pipes *pipes) {
	if m.unit(prog.Name) != nil || prog.Name == "logd" {
		m.log("%s: this name is ours: the program is not started", prog.Name)
		return
	}
	files := pipes.files(prog.Name)
	m.add(prog.Name, &unit{role: program, command: programCommand(prog, files)}, children.Policy(prog.Restart))
}

// pipes makes the pipes between children and the logger. PID 1 keeps both ends
// of each, so that neither a restarted program nor a restarted logger loses a
// line (S-05).
type pipes struct {
	k     linux.Kernel
	null  int
	names []string
	reads []int
	errs  []error
}

// files are the descriptors of a child called name: no input, all output into
// its pipe.
func (p *pipes) files(name string) []int {
	r, w, err := p.k.Pipe()
	if err != nil {
		p.errs = append(p.errs, err)
		return []int{p.null, p.null, p.null}
	}
	p.names, p.reads = append(p.names, name), append(p.reads, r)
	return []int{p.null, w, w}
}

// addLogger gives the logger the other ends, as sd_listen_fds(3) has it. What
// it has to say itself goes to the kernel's log.
func (m *machine) addLogger(p *pipes) {
	out := p.null
	if fd, err := p.k.Open("/devices/kmsg"); err == nil {
		out = fd
	}
	m.add("logd", &unit{role: manager, command: linux.Command{
		Path: userland, Args: []string{"logd"},
		Env: environment("/",
			"LISTEN_FDS="+strconv.Itoa(len(p.reads)),
			"LISTEN_FDNAMES="+strings.Join(p.names, ":")),
		Files: append([]int{p.null, out, out}, p.reads...), Score: scoreOfOurs,
	}}, children.Always)
}

// addShells puts a shell on every console that a person can type at: on the
// preferred one at once, on the others when somebody presses Enter there.
func (m *machine) addShells(p *plan.Plan, words cmdline.Words) {
	if w, _ := words.Get("init.shell"); p.Shell == "off" || w == "off" {
		return
	}
	policy := children.Always
	for _, c := range m.consoles {
		if c.Name == kernelLog {
			continue
		}
		tty, term := console.Terminal(c.Name)
		m.add("sh-"+tty, &unit{role: shell, onKey: policy == children.Never, command: linux.Command{
			Path: userland, Args: []string{"sh", "--console", tty},
			Env: environment("/", "TERM="+term), Tty: "/dev/" + tty,
		}}, policy)
		policy = children.Never
	}
}

// awaitKey starts a shell at the next Enter on its terminal.
func (m *machine) awaitKey(u *unit) {
	keys, err := m.k.OpenKeys(u.command.Tty)
	if err != nil {
		m.log("%s: %v", u.Name, err)
		return
	}
	go func() {
		defer keys.Close()
		if n, _ := keys.Read(make([]byte, 64)); n > 0 {
			m.post(func() { m.tell(u, children.Event{Kind: children.Start}) })
		}
	}()
}
