// Package why says in sentences why a child of PID 1 is in the state it is in.
package why

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"time"

	"slashdev/init/children"
	"slashdev/init/line"
	"slashdev/init/plan"
	"slashdev/init/waits"
)

// Facts is what is known of a child.
type Facts struct {
	Child   *children.Child
	Plan    *plan.Program // nil: one of ours
	Pid     int
	Status  string // what it said of itself
	Missing []waits.Condition
	Notes   []string // what the kernel refused, say
	Now     time.Time
}

// Reason is one sentence. Kind is for programs: state, waits, exit, policy or
// note.
type Reason struct{ Kind, Text string }

// Row appends the line of the control socket's list.
func Row(out []byte, f Facts) []byte {
	c := f.Child
	state, exit := c.State, ""
	switch {
	case c.State == children.Making:
		state = children.Starting
	case c.State == children.Waiting && c.Degraded():
		state = "degraded"
	}
	if c.Code >= 0 {
		exit = strconv.Itoa(c.Code)
	}
	out = append(out, '=')
	for _, kv := range [][2]string{
		{"name", c.Name}, {"state", string(state)}, {"pid", strconv.Itoa(f.Pid)},
		{"restarts", strconv.Itoa(max(c.Starts-1, 0))}, {"exit", exit},
		{"since", strconv.Itoa(int(f.Now.Sub(c.Since).Seconds()))}, {"status", f.Status},
	} {
		out = line.Pair(out, kv[0], kv[1])
	}
	return append(out, '\n')
}

// Stage is the control socket's line about the machine.
func Stage(stage string, uptime time.Duration) []byte {
	out := line.Pair([]byte{'='}, "stage", stage)
	return append(line.Pair(out, "uptime", strconv.Itoa(int(uptime.Seconds()))), '\n')
}

// Answer is the reply of the control socket: a reason a line.
func Answer(f Facts) (out []byte) {
	for _, r := range Reasons(f) {
		out = append(line.Pair(line.Pair(append(out, '='), "kind", r.Kind), "text", r.Text), '\n')
	}
	return out
}

// Reasons returns at least one reason, the state first.
func Reasons(f Facts) []Reason {
	c := f.Child
	all := []Reason{{"state", fmt.Sprintf("%s for %s", describe(c), f.Now.Sub(c.Since).Truncate(time.Second))}}
	add := func(kind, format string, args ...any) { all = append(all, Reason{kind, fmt.Sprintf(format, args...)}) }
	if c.State == children.Held {
		for _, w := range f.Missing {
			add("waits", "it waits for %s", w)
		}
	}
	if c.State == children.Starting && f.Plan != nil && f.Plan.Ready != "" {
		add("waits", "it is not ready: that is said by %s", f.Plan.Ready)
	}
	if c.Starts > 0 && c.State != children.Up && c.State != children.Starting || c.Code > 0 {
		add("exit", "it ended last by %s", Cause(c.Code))
	} else if c.Code < 0 && c.Crashes > 0 {
		add("exit", "it %s", Cause(c.Code))
	}
	if c.Code == 111 && f.Plan != nil && f.Plan.NeedsLaunch() {
		add("exit", "it was not launched: svc log %s has the reason", c.Name)
	}
	if c.Fault != "" {
		add("policy", "it was stopped: %s", c.Fault)
	}
	if c.Crashes > 0 {
		add("policy", "it crashed %d times in a row", c.Crashes)
	}
	if text := rule(f); text != "" {
		add("policy", "%s", text)
	}
	for _, n := range f.Notes {
		add("note", "%s", n)
	}
	return all
}

func describe(c *children.Child) string {
	switch c.State {
	case children.Waiting:
		if c.Degraded() {
			return "degraded: it rests before the next start"
		}
		return "it rests before the next start"
	case children.Held:
		return "held"
	case children.Making:
		return "its process is being made"
	}
	return string(c.State)
}

// rule is what the plan has to do with it.
func rule(f Facts) string {
	c := f.Child
	switch {
	case c.State == children.Waiting || c.State == children.Done && !c.Deadline.IsZero():
		return fmt.Sprintf("the next start is in %s", max(c.Deadline.Sub(f.Now), 0).Round(time.Second))
	case c.State == children.Done:
		return "it has done its work"
	case c.State != children.Down:
		return ""
	case c.Starts == 0 && f.Plan != nil && f.Plan.Manual:
		return "the plan does not start it at boot: svc start " + c.Name
	case c.Starts > 0 && c.Finished():
		return fmt.Sprintf("restart policy %s lets it stay down after that", c.Policy.Restart)
	case c.Starts > 0:
		return "somebody stopped it"
	}
	return ""
}

// Ended says in one line for the console how a child ended and what follows.
func Ended(c *children.Child) string {
	switch wait := c.Deadline.Sub(c.Since); {
	case c.State == children.Waiting && wait >= time.Second:
		return fmt.Sprintf("%s: ended (%s): next start in %s", c.Name, Cause(c.Code), wait)
	case c.State == children.Waiting || c.State == children.Held:
		return fmt.Sprintf("%s: ended (%s): started again", c.Name, Cause(c.Code))
	}
	return fmt.Sprintf("%s: ended (%s), stays down", c.Name, Cause(c.Code))
}

// Cause says in words how a process ended.
func Cause(code int) string {
	switch {
	case code < 0:
		return "could not be started"
	case code > 128:
		return fmt.Sprintf("signal %d", code-128)
	}
	return fmt.Sprintf("exit %d", code)
}

// Killer tells who kills: the kernel for want of memory, or somebody else.
type Killer struct{ count string }

// Outside says whether a process that this signal ended was killed by somebody
// else, which is no crash of its own. vmstat is /proc/vmstat of now.
func (k *Killer) Outside(sig syscall.Signal, vmstat string) bool {
	_, text, _ := strings.Cut(vmstat, "\noom_kill ")
	before := k.count
	k.count, _, _ = strings.Cut(text, "\n")
	switch sig {
	case syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP:
		return true
	case syscall.SIGKILL:
		return k.count == before
	}
	return false
}
