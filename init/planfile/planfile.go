// Package planfile writes the plan that package plan reads.
//
// The builder writes it and PID 1 only reads, so this is not linked into PID 1.
package planfile

import (
	"strconv"
	"time"

	"slashdev/init/line"
	"slashdev/init/plan"
)

// Append writes p as text that plan.Parse reads back as the same plan.
func Append(dst []byte, p *plan.Plan) []byte {
	w := writer{dst}
	w.put("slashdev-plan", plan.Version)
	for _, kv := range [][2]string{{"hostname", p.Hostname}, {"shell", p.Shell}, {"devfs", p.Devfs}, {"perm", p.Perm}} {
		if kv[1] != "" {
			w.put(kv[0], kv[1])
		}
	}
	if len(p.Log) > 0 {
		w.put("log", p.Log...)
	}
	for i := range p.Programs {
		w.program(&p.Programs[i])
	}
	return w.out
}

type writer struct{ out []byte }

func (w *writer) put(key string, words ...string) {
	w.out = append(line.Append(w.out, append([]string{key}, words...)...), '\n')
}

func (w *writer) program(p *plan.Program) {
	say := func(key string, said bool, words ...string) {
		if said {
			w.put(key, append([]string{p.Name}, words...)...)
		}
	}
	say("program", true, append([]string{p.Path}, p.Args...)...)
	say("env", p.Env != nil, p.Env...)
	say("restart", p.Restart != "", p.Restart)
	say("manual", p.Manual)
	say("oneshot", p.OneShot)
	say("after", p.After != nil, p.After...)
	say("wait", p.Wait != nil, p.Wait...) // an empty list says something
	say("ready", p.Ready != "", p.Ready)
	say("ready-timeout", p.ReadyTimeout != 0, millis(p.ReadyTimeout))
	say("stop-timeout", p.StopTimeout != 0, millis(p.StopTimeout))
	say("watchdog", p.Watchdog != 0, millis(p.Watchdog))
	say("timer", p.Timer != 0, millis(p.Timer))
	say("listen", p.Listen != nil, p.Listen...)
	say("dir", p.Dir != "", p.Dir)
	say("readonly", p.ReadOnly)
	if h := p.Health; h != nil {
		say("health", true, append([]string{millis(h.Interval), millis(h.Timeout), strconv.Itoa(h.Failures)}, h.Command...)...)
	}
	say("user", p.HasUser, ids(append([]uint32{p.UID, p.GID}, p.Groups...))...)
	say("capabilities", p.HasCapabilities, p.Capabilities...)
	for _, l := range p.Limits {
		say("limit", true, l.Name, limit(l.Soft), limit(l.Hard))
	}
	for _, s := range p.Cgroup {
		say("cgroup", true, s.File, s.Value)
	}
	say("score", p.Score != 0, strconv.Itoa(p.Score))
}

func millis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

func ids(numbers []uint32) (words []string) {
	for _, n := range numbers {
		words = append(words, strconv.FormatUint(uint64(n), 10))
	}
	return words
}

func limit(n uint64) string {
	if n == plan.Unlimited {
		return "unlimited"
	}
	return strconv.FormatUint(n, 10)
}
