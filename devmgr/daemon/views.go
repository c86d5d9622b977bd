package daemon

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"slashdev/devmgr/ctl"
	"slashdev/devmgr/devfuse"
	"slashdev/devmgr/view"
)

// views are the views that are mounted. Clients change them from goroutines of
// their own; the loop does not wait for that.
type views struct {
	server   devfuse.Server
	mu       sync.Mutex
	checked  bool // that modes count
	all      map[string]*mountedView
	unfollow func() // ends what looks for remounts; nil: there was no view yet
	wg       sync.WaitGroup
}

type mountedView struct {
	name  string
	view  *view.View
	tree  *devfuse.Tree
	mount *devfuse.Mount
}

// maxViews bounds the mounts.
const maxViews = 4096

// viewName is what a view may be called.
var viewName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$`)

// addView mounts a view: NAME PATH [OPTION...].
func (d *daemon) addView(r *request) error {
	if len(r.args) < 2 || r.only() != nil {
		return errUsage
	}
	name, path := r.args[0], r.args[1]
	opt, err := view.ParseOptions(r.args[2:])
	switch {
	case !viewName.MatchString(name):
		return ctl.Errorf(ctl.Usage, "%q is no name for a view: use letters, digits, _ . -", name)
	case !filepath.IsAbs(path) || filepath.Clean(path) != path || path == "/":
		return ctl.Errorf(ctl.Usage, "%q is no absolute path of a directory", path)
	case err != nil:
		return ctl.Errorf(ctl.Usage, "%v", err)
	}
	opt.Devices = d.cfg.Dev
	return d.views.add(name, path, view.New(d.back.layer, opt), d.cfg)
}

func (s *views) add(name, path string, v *view.View, cfg Config) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.all == nil:
		return errStopped
	case s.all[name] != nil:
		return ctl.Errorf(ctl.Refused, "there is a view %q already", name)
	case len(s.all) >= maxViews:
		return ctl.Errorf(ctl.Refused, "there are %d views already", maxViews)
	}
	if err := s.check(cfg); err != nil {
		return err
	}
	tree := devfuse.New(v, devfuse.Config{Host: fromHost})
	mount, err := s.server.Attach(tree, path)
	if err != nil {
		return err
	}
	s.all[name] = &mountedView{name, v, tree, mount}
	if s.unfollow == nil {
		var ctx context.Context
		ctx, s.unfollow = context.WithCancel(context.Background())
		s.wg.Go(func() { devfuse.Remounts(ctx, s.mounts) })
	}
	s.wg.Go(func() { s.watch(name, mount) })
	return nil
}

// check proves once that a mount refuses who must be refused.
func (s *views) check(cfg Config) error {
	if s.checked {
		return nil
	}
	if err := s.server.Check(cfg.Run); err != nil {
		cfg.Logf("no views on this machine: %v", err)
		return err
	}
	s.checked = true
	return nil
}

// watch forgets a view when its mount has gone, whoever unmounted it.
func (s *views) watch(name string, mount *devfuse.Mount) {
	<-mount.Done()
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.all[name]; m != nil && m.mount == mount {
		delete(s.all, name)
	}
}

// close ends all views.
func (s *views) close() {
	s.mu.Lock()
	all := s.all
	s.all = nil
	if s.unfollow != nil {
		s.unfollow()
	}
	s.mu.Unlock()
	for _, m := range all {
		m.mount.Close()
	}
	s.wg.Wait()
}

func (s *views) mounts() (all []*devfuse.Mount) {
	for _, m := range s.sorted() {
		all = append(all, m.mount)
	}
	return all
}

func (s *views) find(name string) (*mountedView, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.all[name]; m != nil {
		return m, nil
	}
	return nil, ctl.Errorf(ctl.NotFound, "there is no view %q", name)
}

func (s *views) sorted() []*mountedView {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Values(s.all), func(a, b *mountedView) int { return strings.Compare(a.name, b.name) })
}

// removeView unmounts a view; what is open in it stays open.
func (d *daemon) removeView(r *request) error {
	if len(r.args) != 1 || r.only() != nil {
		return errUsage
	}
	m, err := d.views.find(r.args[0])
	if err != nil {
		return err
	}
	if err := m.mount.Detach(); err != nil {
		return err
	}
	d.views.mu.Lock()
	defer d.views.mu.Unlock()
	if d.views.all[m.name] == m {
		delete(d.views.all, m.name)
	}
	return nil
}

// refreshView shows again what was deleted in a view.
func (d *daemon) refreshView(r *request) error {
	if len(r.args) != 1 || r.only() != nil {
		return errUsage
	}
	m, err := d.views.find(r.args[0])
	if err != nil {
		return err
	}
	if err := m.view.Refresh(); err != nil {
		return ctl.Errorf(ctl.Refused, "refresh %s: %v", m.name, err)
	}
	return nil
}

// listViews says which views there are.
func (d *daemon) listViews(r *request) error {
	if len(r.args) > 0 || r.only() != nil {
		return errUsage
	}
	for _, m := range d.views.sorted() {
		pairs := []string{"name", m.name, "path", m.mount.Path(), "known", strconv.Itoa(m.tree.Known())}
		for _, word := range m.view.Options().Words() {
			pairs = append(pairs, "option", word)
		}
		if err := r.w.Record(pairs...); err != nil {
			return err
		}
	}
	return nil
}

// showView lists everything that is to be seen in a view.
func (d *daemon) showView(r *request) error {
	if len(r.args) != 1 || r.only() != nil {
		return errUsage
	}
	m, err := d.views.find(r.args[0])
	if err != nil {
		return err
	}
	w := walker{m.view, func(name string, e view.Entry) error { return r.w.Record(entryPairs(name, e)...) }}
	return w.walk(r.ctx, "", view.Root)
}

// walker visits everything in a view.
type walker struct {
	view  *view.View
	visit func(string, view.Entry) error
}

// maxPrefix bounds how deep a view is listed: paths are no longer than that.
const maxPrefix = 4096

func (w walker) walk(ctx context.Context, prefix string, dir view.ID) error {
	list, err := w.view.List(dir)
	if err != nil || len(prefix) > maxPrefix {
		return nil // it went meanwhile
	}
	for _, l := range list {
		e, err := w.view.Lookup(dir, l.Name)
		if err != nil {
			continue
		}
		if err := w.visit(prefix+l.Name, e); err != nil {
			return err
		}
		if e.Kind != view.Dir {
			continue
		}
		if err := w.walk(ctx, prefix+l.Name+"/", e.ID); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func entryPairs(name string, e view.Entry) []string {
	kinds := map[view.Kind]string{view.Dir: "directory", view.Char: "char", view.Block: "block", view.Link: "link", view.Fifo: "fifo", view.Socket: "socket"}
	n := func(v uint32) string { return strconv.FormatUint(uint64(v), 10) }
	pairs := []string{"name", name, "type", kinds[e.Kind], "mode", fmt.Sprintf("%04o", e.Attr.Mode), "uid", n(e.Attr.UID), "gid", n(e.Attr.GID)}
	switch e.Kind {
	case view.Char, view.Block:
		pairs = append(pairs, "major", n(e.Major), "minor", n(e.Minor))
	case view.Link:
		pairs = append(pairs, "target", e.Target)
	}
	return append(pairs, "behind", e.From)
}

// fromHost says that a process is in our namespaces of processes and users, so
// that what is hidden from containers is not from it.
func fromHost(pid uint32) bool {
	for _, ns := range []string{"pid", "user"} {
		ours, err := os.Readlink("/proc/self/ns/" + ns)
		theirs, err2 := os.Readlink(fmt.Sprintf("/proc/%d/ns/%s", pid, ns))
		if err != nil || err2 != nil || ours != theirs {
			return false
		}
	}
	return true
}
