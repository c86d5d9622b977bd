package daemon

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"slices"
	"strings"

	"slashdev/devmgr/ctl"
	"slashdev/devmgr/udevctl"
)

// listen opens the sockets and returns what serves them. Clients that connect
// during coldplug wait for its end.
func (d *daemon) listen() (serve []func(context.Context), err error) {
	servers := []*ctl.Server{
		{Path: filepath.Join(d.cfg.Run, "devmgr.sock"), Mode: 0o600, RootOnly: true, Handle: d.answer(true), Logf: d.cfg.Logf},
		{Path: filepath.Join(d.cfg.Run, "devmgr-ro.sock"), Mode: 0o666, Handle: d.answer(false), Logf: d.cfg.Logf},
	}
	var open []*net.UnixListener
	defer func() {
		for _, l := range open {
			if err != nil {
				l.Close()
			}
		}
	}()
	for _, s := range servers {
		l, err := s.Listen()
		if err != nil {
			return nil, err
		}
		open = append(open, l)
		serve = append(serve, func(ctx context.Context) { d.complain("control", s.Serve(ctx, l)) })
	}
	l, err := listenEvents(d.cfg)
	if err != nil {
		return nil, err
	}
	serve = append(serve, func(ctx context.Context) { d.serveEvents(ctx, l) })
	if l := d.listenUdev(); l != nil {
		serve = append(serve, func(ctx context.Context) { d.complain("udev control", udevctl.Serve(ctx, l, d.obey)) })
	}
	return serve, nil
}

func (d *daemon) complain(what string, err error) {
	if err != nil {
		d.cfg.Logf("%s: %v", what, err)
	}
}

// request is a request taken apart: options start with "--".
type request struct {
	ctx     context.Context
	w       *ctl.Writer
	args    []string
	options map[string][]string
	root    bool // it came by the socket that only root can use
}

type verb struct {
	name   string
	writes bool // needs the socket of root
	usage  string
	run    func(d *daemon, r *request) error
}

func verbs() []verb {
	return []verb{
		{"info", false, "info NAME|DEVPATH", (*daemon).info},
		{"ls", false, "ls", (*daemon).ls},
		{"name", false, "name NAME|DEVPATH", (*daemon).nameVerb},
		{"resolve", false, "resolve NAME", (*daemon).resolveVerb},
		{"module", false, "module", (*daemon).module},
		{"monitor", false, "monitor", (*daemon).monitor},
		{"settle", false, "settle [NAME] [--gone] [--timeout=SECONDS]", (*daemon).settleVerb},
		{"status", false, "status", (*daemon).status},
		{"test", true, "test NAME|DEVPATH [--action=ACTION]", (*daemon).test},
		{"trigger", true, "trigger [ACTION] [DEVPATH...] [--subsystem=NAME]...", (*daemon).trigger},
		{"view-add", true, "view-add NAME PATH [OPTION]...", (*daemon).addView},
		{"view-ls", false, "view-ls", (*daemon).listViews},
		{"view-refresh", true, "view-refresh NAME", (*daemon).refreshView},
		{"view-rm", true, "view-rm NAME", (*daemon).removeView},
		{"view-show", false, "view-show NAME", (*daemon).showView},
		{"why", true, "why NAME|DEVPATH", (*daemon).why},
	}
}

// answer returns the handler of a socket; writes says whether it takes verbs
// that change something.
func (d *daemon) answer(writes bool) func(context.Context, []string, *ctl.Writer) error {
	all := verbs()
	return func(ctx context.Context, words []string, w *ctl.Writer) error {
		i := slices.IndexFunc(all, func(v verb) bool { return v.name == words[0] })
		if i < 0 {
			return ctl.Errorf(ctl.Usage, "unknown verb %q: use info, ls, module, monitor, name, resolve, settle, status, test, trigger, view-... or why", words[0])
		}
		if all[i].writes && !writes {
			return ctl.Errorf(ctl.Refused, "%s: not on this socket, root uses devmgr.sock", words[0])
		}
		r := parseRequest(words[1:])
		r.ctx, r.w, r.root = ctx, w, writes
		err := all[i].run(d, r)
		if errors.Is(err, errUsage) {
			return ctl.Errorf(ctl.Usage, "usage: %s", all[i].usage)
		}
		return err
	}
}

var errUsage = errors.New("usage")

func parseRequest(words []string) *request {
	r := &request{options: map[string][]string{}}
	for _, word := range words {
		option, ok := strings.CutPrefix(word, "--")
		if !ok {
			r.args = append(r.args, word)
			continue
		}
		key, value, _ := strings.Cut(option, "=")
		r.options[key] = append(r.options[key], value)
	}
	return r
}

// only refuses options that the verb does not have.
func (r *request) only(names ...string) error {
	for key := range r.options {
		if !slices.Contains(names, key) {
			return errUsage
		}
	}
	return nil
}

func (r *request) option(name string) (value string, ok bool) {
	values, ok := r.options[name]
	if !ok {
		return "", false
	}
	return values[len(values)-1], true
}
