package daemon

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"slashdev/devmgr/actions"
	"slashdev/devmgr/devtree"
	"slashdev/devmgr/rules/devd"
	udevrules "slashdev/devmgr/rules/udev"
	"slashdev/devmgr/uevent"
)

// programs runs what rules, devd.conf and the list of known media ask for. It
// is the last to hear of an event.
type programs struct {
	*actions.Runner
	devd      *devd.Set
	known     *actions.Known
	poke      chan struct{}          // says that nothing is left to be run
	cold      []news                 // nothing is run before all that was there has its node
	unclaimed map[string]devd.Device // that a module may still bring a driver for
	limit     time.Duration          // for a job, 0 means the usual
}

const (
	devdConf  = "etc/devd.conf"
	knownFile = "etc/slashdev/known"
	udevConf  = "etc/udev/udev.conf"
)

func openPrograms(cfg Config) *programs {
	p := &programs{poke: make(chan struct{}, 1), unclaimed: map[string]devd.Device{}}
	p.Runner = actions.New(actions.Config{Group: cfg.JobGroup, Logf: cfg.Logf, Idle: func() {
		select {
		case p.poke <- struct{}{}:
		default:
		}
	}})
	p.load(cfg)
	return p
}

// load reads the files that say what is to be run. What is wrong with them is
// told and has no effect.
func (p *programs) load(cfg Config) {
	root := rootFS(cfg.Root)
	var problems []devd.Problem
	if p.devd, problems = devd.Load(root, devdConf); p.devd.Len() > 0 {
		cfg.Logf("devd.conf: %d statements, %d problems", p.devd.Len(), len(problems))
	}
	for _, x := range problems[:min(len(problems), maxTold)] {
		cfg.Logf("devd.conf: %s", x)
	}
	text, _ := fs.ReadFile(root, knownFile)
	var errs []error
	p.known, errs = actions.ParseKnown("/"+knownFile, string(text))
	for _, err := range errs[:min(len(errs), maxTold)] {
		cfg.Logf("%v", err)
	}
	text, _ = fs.ReadFile(root, udevConf)
	var err error
	if p.limit, err = eventTimeout(string(text)); err != nil {
		cfg.Logf("/%s:%v", udevConf, err)
	}
}

// maxLimit bounds what udev.conf may allow.
const maxLimit = 24 * time.Hour

// eventTimeout finds in udev.conf how long a program may run, 0 if it does not
// say. All else in that file is for udevd.
func eventTimeout(conf string) (limit time.Duration, err error) {
	number := 0
	for row := range strings.Lines(conf) {
		number++
		key, value, _ := strings.Cut(row, "=")
		if strings.TrimSpace(key) != "event_timeout" {
			continue
		}
		s, bad := strconv.Atoi(strings.Trim(strings.TrimSpace(value), `"'`))
		if bad != nil || s <= 0 || s > int(maxLimit.Seconds()) {
			err = fmt.Errorf("%d: event_timeout=%q is no number of seconds", number, strings.TrimSpace(value))
			continue
		}
		limit = time.Duration(s) * time.Second
	}
	return limit, err
}

// Add takes jobs as actions.Runner.Add does.
func (p *programs) Add(jobs ...actions.Job) {
	for i := range jobs {
		jobs[i].Timeout = p.limit
	}
	p.Runner.Add(jobs...)
}

// runs makes jobs of what rules want to have run. What is built in is done
// elsewhere.
func (d *daemon) runs(s Step) (jobs []actions.Job) {
	var env []string
	for _, p := range s.Env {
		env = append(env, p.Key+"="+p.Value)
	}
	for _, r := range s.Runs {
		if len(r.Argv) == 0 || r.Builtin {
			continue
		}
		if _, ours := d.pipe.policy.tool(false, r.Argv[0]); !ours {
			jobs = append(jobs, actions.Job{DevPath: s.Change.DevPath(), Argv: r.Argv, Env: env, Line: r.At.String()})
		}
	}
	return jobs
}

// output runs a program whose answer a rule needs.
func (p *programs) output(ctx context.Context, devpath string, c udevrules.Call) (udevrules.Answer, error) {
	j := actions.Job{DevPath: devpath, Argv: c.Argv, Line: c.At.String(), Timeout: p.limit}
	for _, x := range c.Properties {
		j.Env = append(j.Env, x.Key+"="+x.Value)
	}
	out, err := p.Output(ctx, j)
	return udevrules.Answer{Output: out}, err
}

// act starts what an event asks for, when everybody else has heard of it.
func (d *daemon) act(n news) {
	p := d.programs
	switch {
	case len(n.jobs) == 0 && p.devd.Len() == 0 && p.known.Empty():
		return
	case d.telling != nil:
		p.cold = append(p.cold, n)
		return
	}
	p.Add(n.jobs...)
	ev := n.event
	dev := d.pipe.tree.Get(ev.DevPath)
	if dev != nil && ev.Action != uevent.Remove {
		ev.Env = dev.Env + ev.Env
	}
	subject := actions.Subject{Event: ev, Properties: n.record.Properties}
	if ev.Subsystem == "net" {
		subject.Address, _ = d.sys.Attr(ev.DevPath, "address")
	}
	if jobs := p.known.Jobs(subject); len(jobs) > 0 && (ev.Action != uevent.Add || !mounted(ev.Env.Get("DEVNAME"))) {
		p.Add(jobs...)
	}
	if p.devd.Len() > 0 {
		d.actDevd(d.devdDevice(ev, dev, 0))
	}
}

// mounted says whether a disk is in use already: devmgr was started anew.
func mounted(name string) bool {
	mounts, _ := os.ReadFile("/proc/self/mounts")
	return name != "" && strings.Contains("\n"+string(mounts), "\n/dev/"+name+" ")
}

// actDevd asks devd's statements. Whether nobody wants a device is known when
// no module is on its way any more.
func (d *daemon) actDevd(x devd.Device) {
	for _, e := range devd.Events(x) {
		if e.Kind == devd.NoMatch && !d.modules.idle() {
			d.programs.unclaimed[x.Event.DevPath] = x
			continue
		}
		d.statement(x, e)
	}
}

func (d *daemon) statement(x devd.Device, e devd.Event) {
	if found, ok := d.programs.devd.Decide(e); ok {
		for _, argv := range found.Argvs {
			d.programs.Add(actions.Job{DevPath: x.Event.DevPath, Argv: argv, Env: found.Env, Line: found.Place})
		}
	}
}

// claimed looks, when modules have been loaded, at the devices that nobody
// wanted before.
func (d *daemon) claimed() {
	if len(d.programs.unclaimed) == 0 || !d.modules.idle() {
		return
	}
	for devpath, x := range d.programs.unclaimed {
		delete(d.programs.unclaimed, devpath)
		if truth, err := d.sys.Read(devpath); err == nil && truth.Env.Get("DRIVER") == "" {
			d.actDevd(x)
		}
	}
}

const maxAbove = 8

// devdDevice says of a device, and of those above it, what devd asks for.
func (d *daemon) devdDevice(ev uevent.Event, dev *devtree.Device, depth int) devd.Device {
	x := devd.Device{Event: ev, Cold: ev.SeqNum == 0, Driver: ev.Env.Get("DRIVER"), Block: ev.Subsystem == "block", Bus: d.sys.IsBus(ev.Subsystem)}
	x.Attr = func(name string) string {
		value, _ := d.sys.Attr(ev.DevPath, name)
		return value
	}
	for dir := parentPath(ev.DevPath); dir != "" && depth < maxAbove; dir = parentPath(dir) {
		if up := d.pipe.tree.Get(dir); up != nil {
			parent := d.devdDevice(uevent.Event{DevPath: up.DevPath, Subsystem: up.Subsystem, Env: up.Env}, up, depth+1)
			x.Parent = &parent
			break
		}
	}
	return x
}

// jobsDone are the last programs that were run for a device, for people.
func (p *programs) jobsDone(devpath string) (done []actions.Result) {
	for _, r := range p.Status().Last {
		if r.DevPath == devpath {
			done = append(done, r)
		}
	}
	return done
}

// actCold starts what has waited for the end of coldplug.
func (d *daemon) actCold() {
	for _, n := range d.programs.cold {
		d.act(n)
	}
	d.programs.cold = nil
}
