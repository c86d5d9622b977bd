package spec

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"slashdev/init/graph"
	"slashdev/init/plan"
)

// entry compiles one program to its part of the plan.
type entry struct {
	*source
	at   string // of the program's object in the file
	run  *Run
	plan *plan.Program
	name func(string) (string, bool) // of the program that a word means
}

// entries compiles all programs.
func (s *Spec) entries(src *source) {
	for i := range s.Programs {
		p := &s.Programs[i]
		p.entry = plan.Program{
			Name: p.Name, Path: p.Path(), Restart: "gokrazy",
			Args: p.Config.CommandLineFlags, Env: p.Config.Environment, Manual: p.Config.DontStart,
		}
		if p.Run != nil {
			e := entry{src, "Slashdev.Programs." + p.key, p.Run, &p.entry, s.nameOf}
			e.compile()
		}
		if p.Config.WaitForClock {
			p.entry.Wait = withClock(p.entry.Wait)
		}
	}
	s.checkOrder(src)
	s.checkListen(src)
	s.warnManual()
}

// withClock adds the clock to what is waited for, by default as listed.
func withClock(wait []string) []string {
	if wait == nil {
		wait = []string{"settled"}
	}
	if !slices.Contains(wait, "clock") {
		wait = append(wait, "clock")
	}
	return wait
}

// warnManual says who may wait for ever: for what is only started by hand.
func (s *Spec) warnManual() {
	manual := map[string]bool{}
	for _, p := range s.Programs {
		manual[p.Name] = p.entry.Manual && len(p.entry.Listen) == 0
	}
	for _, p := range s.Programs {
		for _, name := range graph.Needs(&p.entry) {
			if manual[name] {
				s.Warnings = append(s.Warnings, fmt.Sprintf("%s: %s waits for %s, which is not started at boot (DontStart)", p.Where, p.Name, name))
			}
		}
	}
}

// nameOf finds a program by its name, package or path.
func (s *Spec) nameOf(word string) (string, bool) {
	i := slices.IndexFunc(s.Programs, func(p Program) bool {
		return p.Name == word || p.Package == word || p.Path() == word
	})
	if i < 0 {
		return "", false
	}
	return s.Programs[i].Name, true
}

// checkOrder refuses programs that wait for each other.
func (s *Spec) checkOrder(src *source) {
	var all []plan.Program
	for _, p := range s.Programs {
		all = append(all, p.entry)
	}
	for _, err := range graph.Check(all) {
		wrong, ok := err.(*graph.Error)
		if !ok {
			continue
		}
		i := slices.IndexFunc(s.Programs, func(p Program) bool { return p.Name == wrong.Program })
		key := ".WaitFor"
		if slices.Contains(s.Programs[i].entry.After, wrong.Needs[0]) {
			key = ".After"
		}
		src.failf("Slashdev.Programs."+s.Programs[i].key+key, "%v: remove one", err)
	}
}

func (e *entry) failf(key, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	e.source.failf(e.at+"."+key, "%s.%s: %s", e.plan.Name, key, text)
}

// compile takes over every key.
func (e *entry) compile() {
	r, p := e.run, e.plan
	p.Env = append(slices.Clone(p.Env), e.words("Env", "env", r.Env)...)
	p.Restart = e.word("Restart", cmp.Or(r.Restart, restart(r)))
	p.Ready = e.word("Ready", r.Ready)
	p.Dir = e.word("Dir", r.Dir)
	p.Listen = e.words("Listen", "listen", r.Listen)
	p.OneShot, p.ReadOnly, p.Score = r.OneShot, r.ReadOnly, r.Score
	p.StopTimeout = e.duration("StopTimeout", r.StopTimeout)
	p.ReadyTimeout = e.duration("ReadyTimeout", r.ReadyTimeout)
	p.Watchdog = e.duration("Watchdog", r.Watchdog)
	p.Timer = e.duration("Timer", r.Timer)
	e.order()
	e.rights()
	e.limits()
	e.cgroup()
	e.health()
	e.together()
	e.empty()
}

// empty refuses keys without a value: an empty User must not mean root.
func (e *entry) empty() {
	run := reflect.ValueOf(e.run).Elem()
	for i := range run.NumField() {
		key := run.Type().Field(i).Name
		if _, there := e.source.at[e.at+"."+key]; there && run.Field(i).Kind() == reflect.String && run.Field(i).Len() == 0 {
			e.failf(key, "is empty: write a value, or remove the key")
		}
	}
}

// restart is the policy when the file does not say.
func restart(r *Run) string {
	switch {
	case r.Timer != "":
		return "never" // the timer starts it
	case r.OneShot:
		return "on-failure"
	}
	return "always"
}

// words checks a list, each word where it stands.
func (e *entry) words(key, line string, list []string) []string {
	for i, w := range list {
		if err := plan.Valid(line, w); err != nil {
			e.failf(key+"["+strconv.Itoa(i)+"]", "%v", err)
		}
		if line == "listen" || line == "ready" {
			e.address(key+"["+strconv.Itoa(i)+"]", w)
		}
	}
	return list
}

func (e *entry) word(key, word string) string {
	if word == "" {
		return ""
	}
	if err := plan.Valid(strings.ToLower(key), word); err != nil {
		e.failf(key, "%v", err)
	}
	e.address(key, word)
	return word
}

// address wants numbers: where sockets are opened nobody can look up a name.
func (e *entry) address(key, word string) {
	kind, addr, _ := strings.Cut(word, ":")
	if kind != "tcp" && kind != "udp" || strings.HasPrefix(addr, ":") {
		return
	}
	if _, err := netip.ParseAddrPort(addr); err != nil {
		e.failf(key, "%q: write the host as a number, as in %s:127.0.0.1:80, or none for all: %s::80", word, kind, kind)
	}
}

func (e *entry) duration(key, s string) time.Duration {
	if s == "" {
		return 0
	}
	d, err := duration(s)
	if err != nil {
		e.failf(key, "%v", err)
	}
	return d
}

// order says which programs and conditions come first.
func (e *entry) order() {
	for i, word := range e.run.After {
		if name, ok := e.name(word); ok {
			e.plan.After = append(e.plan.After, name)
		} else {
			e.failf("After["+strconv.Itoa(i)+"]", "no program %q in this appliance", word)
		}
	}
	if e.run.WaitFor != nil {
		e.plan.Wait = []string{}
	}
	for i, word := range e.run.WaitFor {
		at := "WaitFor[" + strconv.Itoa(i) + "]"
		if other, ok := strings.CutPrefix(word, "program:"); ok {
			name, ok := e.name(other)
			if !ok {
				e.failf(at, "no program %q in this appliance", other)
				continue
			}
			word = "program:" + name
		}
		if err := plan.Valid("wait", word); err != nil {
			e.failf(at, "%v", err)
		}
		e.plan.Wait = append(e.plan.Wait, word)
	}
}

// rights resolves user, groups and capabilities.
func (e *entry) rights() {
	r, p := e.run, e.plan
	p.HasUser = r.User != "" || r.Group != ""
	if r.User != "" {
		var err error
		if p.UID, p.GID, err = user(r.User); err != nil {
			e.failf("User", "%v", err)
		}
	}
	if r.Group != "" {
		ids, err := groups(r.Group)
		if err != nil {
			e.failf("Group", "%v", err)
		} else {
			p.GID, p.Groups = ids[0], ids[1:]
		}
	}
	p.HasCapabilities = r.Capabilities != nil
	for i, c := range r.Capabilities {
		name := strings.TrimPrefix(strings.ToLower(c), "cap_")
		if !slices.Contains(strings.Fields(capabilities), name) {
			e.failf("Capabilities["+strconv.Itoa(i)+"]", "%q is no capability: write it as in capabilities(7): cap_net_raw", c)
		}
		p.Capabilities = append(p.Capabilities, "cap_"+name)
	}
}

// capabilities are those of capabilities(7).
const capabilities = `audit_control audit_read audit_write block_suspend bpf
checkpoint_restore chown dac_override dac_read_search fowner fsetid ipc_lock ipc_owner kill lease
linux_immutable mac_admin mac_override mknod net_admin net_bind_service net_broadcast net_raw
perfmon setfcap setgid setpcap setuid sys_admin sys_boot sys_chroot sys_module sys_nice sys_pacct
sys_ptrace sys_rawio sys_resource sys_time sys_tty_config syslog wake_alarm`

// resources are those of setrlimit(2).
const resources = "as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack"

// maxFiles is what the kernel takes for RLIMIT_NOFILE, even of root.
const maxFiles = 1 << 20

func (e *entry) limits() {
	for _, name := range slices.Sorted(maps.Keys(e.run.Limits)) {
		key := "Limits." + name
		soft, hard, err := limit(e.run.Limits[name])
		switch {
		case !slices.Contains(strings.Fields(resources), name):
			e.failf(key, "no such limit: use one of %s", resources)
		case err != nil:
			e.failf(key, "%v", err)
		case name == "nofile" && hard > maxFiles:
			e.failf(key, "a program can have %d files open at most (sysctl fs.nr_open)", maxFiles)
		default:
			e.plan.Limits = append(e.plan.Limits, plan.Limit{Name: name, Soft: soft, Hard: hard})
		}
	}
}

func (e *entry) cgroup() {
	set := func(key string, settings []plan.Setting, err error) {
		if err != nil {
			e.failf(key, "%v", err)
		}
		e.plan.Cgroup = append(e.plan.Cgroup, settings...)
	}
	if e.run.Memory != "" {
		n, err := size(e.run.Memory)
		if err == nil && n < 4096 {
			err = fmt.Errorf("%q: no program lives in less than 4K", e.run.Memory)
		}
		set("Memory", []plan.Setting{{File: "memory.max", Value: strconv.FormatUint(n, 10)}}, err)
	}
	switch n := e.run.Pids; {
	case n < 0:
		e.failf("Pids", "%d is no number of processes", n)
	case n > 0:
		set("Pids", []plan.Setting{{File: "pids.max", Value: strconv.Itoa(n)}}, nil)
	}
	settings, err := cpuShare(e.run.CPU)
	set("CPU", settings, err)
	settings, err = ioShare(e.run.IO)
	set("IO", settings, err)
}

// The probe, when the file does not say.
const (
	probeInterval = 30 * time.Second
	probeTimeout  = 10 * time.Second
	probeFailures = 3
)

func (e *entry) health() {
	h := e.run.Health
	if h == nil {
		return
	}
	p := &plan.Health{
		Command:  h.Command,
		Interval: cmp.Or(e.duration("Health.Interval", h.Interval), probeInterval),
		Timeout:  cmp.Or(e.duration("Health.Timeout", h.Timeout), probeTimeout),
		Failures: cmp.Or(h.Failures, probeFailures),
	}
	switch {
	case (h.URL == "") == (len(h.Command) == 0):
		e.failf("Health", `write "URL" or "Command", one of them`)
	case h.URL != "" && !isProbe(h.URL):
		e.failf("Health", "%q: write http://HOST:PORT/PATH or tcp:HOST:PORT", h.URL)
	case h.URL != "":
		p.Command = []string{"/sbin/userland", "health", h.URL}
	case plan.Valid("dir", h.Command[0]) != nil:
		e.failf("Health.Command", "%q: write the command's absolute path", h.Command[0])
	}
	if h.Failures < 0 || h.Failures > 1000 {
		e.failf("Health.Failures", "%d: write how often in a row, from 1 to 1000", h.Failures)
	}
	e.plan.Health = p
}

func isProbe(s string) bool {
	if strings.HasPrefix(s, "tcp:") {
		return plan.Valid("ready", s) == nil
	}
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "http" && u.Host != ""
}

// together finds keys that contradict each other.
func (e *entry) together() {
	r := e.run
	switch {
	case r.Timer != "" && r.Restart != "" && r.Restart != "never":
		e.failf("Restart", "a program with a Timer is started by it: remove Restart or Timer")
	case r.OneShot && r.Restart == "always":
		e.failf("Restart", "a OneShot that ended well is done: use on-failure or never")
	}
	fd, isFD := strings.CutPrefix(r.Ready, "fd:")
	if n, err := strconv.Atoi(fd); isFD && err == nil && n >= 3 && n < 3+len(r.Listen) {
		e.failf("Ready", "descriptor %d is a socket of Listen: use fd:%d or above", n, 3+len(r.Listen))
	}
	if r.ReadyTimeout != "" && r.Ready == "" {
		e.failf("ReadyTimeout", "the program is ready when it runs: set Ready")
	}
	if r.Score < -1000 || r.Score > 1000 {
		e.failf("Score", "%d: write a number from -1000 (never killed for memory) to 1000", r.Score)
	}
}
