package kmod

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Kernel is where modules go. Linux is the real one.
type Kernel interface {
	// Insert inserts a module. One that is there already is no error.
	Insert(l Load) error
	// Loaded says whether a module is there.
	Loaded(module string) bool
}

// Loader performs plans. It may be used by several goroutines: each module is
// inserted once, and who else needs it waits.
type Loader struct {
	index  *Index
	kernel Kernel

	mu      sync.Mutex
	names   map[string]Outcome
	inserts map[string]*insert
}

// Outcome is what came of asking for a name. It is remembered.
type Outcome struct {
	Name    string
	Modules []string // that were asked for by it; they are loaded unless there is an error
	Err     error    // why not
}

// insert is one module being inserted, or what came of it if that was an error.
type insert struct {
	done chan struct{}
	err  error
}

// maxNames bounds what is remembered: names come from devices.
const maxNames = 16384

// NewLoader returns a Loader that has loaded nothing yet.
func NewLoader(x *Index, k Kernel) *Loader {
	return &Loader{index: x, kernel: k, names: map[string]Outcome{}, inserts: map[string]*insert{}}
}

// Load loads what a name needs, or says what came of it the last time.
func (l *Loader) Load(name string) Outcome {
	if o, known := l.Known(name); known {
		return o
	}
	o := l.try(name)
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.names) >= maxNames {
		clear(l.names)
	}
	l.names[name] = o
	return o
}

// Known returns what came of asking for a name.
func (l *Loader) Known(name string) (o Outcome, known bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	o, known = l.names[name]
	return o, known
}

// All returns what is remembered, sorted by name.
func (l *Loader) All() []Outcome {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := slices.Collect(maps.Values(l.names))
	slices.SortFunc(all, func(a, b Outcome) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Forget lets those names be asked for again that led to a module: it has been
// removed from the kernel.
func (l *Loader) Forget(module string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, o := range l.names {
		if slices.Contains(o.Modules, normal(module)) {
			delete(l.names, name)
		}
	}
}

func (l *Loader) try(name string) Outcome {
	o := Outcome{Name: name}
	loads, err := l.index.Plan(name)
	if err != nil {
		o.Err = err
		return o
	}
	for _, step := range loads {
		if step.Target {
			o.Modules = append(o.Modules, step.Module)
		}
	}
	o.Err = Perform(loads, l.step)
	return o
}

// Perform does the steps of a plan in order. What an error of a dependency makes
// impossible is not tried; an error of an optional module is none.
func Perform(loads []Load, step func(Load) error) error {
	var errs []error
	broken := false // a dependency of the next target is missing
	for _, l := range loads {
		var err error
		if !broken || l.Soft {
			err = step(l)
		}
		if err != nil && !l.Soft {
			errs = append(errs, fmt.Errorf("load %s: %w", l.Module, err))
			broken = true
		}
		broken = broken && !l.Target
	}
	return errors.Join(errs...)
}

// step inserts one module, or waits until another goroutine has.
func (l *Loader) step(step Load) error {
	switch {
	case step.Refused != "":
		return errors.New(step.Refused)
	case step.File == "" || step.Command != "":
		return nil
	}
	l.mu.Lock()
	running, ok := l.inserts[step.Module]
	if !ok {
		running = &insert{done: make(chan struct{})}
		l.inserts[step.Module] = running
	}
	l.mu.Unlock()
	if ok {
		<-running.done
		return running.err
	}
	if !l.kernel.Loaded(step.Module) {
		running.err = l.kernel.Insert(step)
	}
	close(running.done)
	if running.err == nil { // whether it is still there, the kernel knows
		l.mu.Lock()
		delete(l.inserts, step.Module)
		l.mu.Unlock()
	}
	return running.err
}

// Text says an outcome in one line.
func (o Outcome) Text() string {
	modules := strings.Join(o.Modules, " ")
	switch {
	case o.Err != nil:
		return strings.ReplaceAll(o.Err.Error(), "\n", "; ")
	case modules == "":
		return "switched off by an alias"
	}
	return modules
}
