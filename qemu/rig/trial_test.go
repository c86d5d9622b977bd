package rig

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestMain(m *testing.M) { os.Exit(withTools(m)) }

// tools are compiled once for all tests.
var tools *Tools

func withTools(m *testing.M) int {
	if os.Getuid() == 0 {
		dir, err := os.MkdirTemp("/dev/shm", "rig-tools-")
		if err == nil {
			defer os.RemoveAll(dir)
			tools, err = Build(context.Background(), filepath.Join("..", ".."), dir)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "%v: run make build first\n", err)
			return 1
		}
	}
	return m.Run()
}

// trial is a fault that an init is put to, whichever it is. It returns when the
// init has passed, and fails by fail or must.
type trial struct {
	id   string
	run  func(*stand)
	ours bool // only ours has what is tried
}

// stand is where one trial takes place.
type stand struct {
	*Machine
	t    *testing.T
	ctx  context.Context
	kind Kind
}

// patience bounds the waiting in one trial. What ours is given is for machines
// that are slow, the others need not wait so long to fail.
var patience = map[Kind]time.Duration{Slashdev: 2 * time.Minute, Naive: 20 * time.Second, BusyBox: 20 * time.Second}

type failure struct{ error }

// must ends the trial with an error.
func (s *stand) must(err error) {
	if err != nil {
		panic(failure{err})
	}
}

func (s *stand) fail(format string, args ...any) { s.must(fmt.Errorf(format, args...)) }

// up starts a machine with two programs and waits until the first runs.
func (s *stand) up(change func(*Config)) *Puppet {
	s.start(change)
	return s.puppet("beacon")
}

func (s *stand) start(change func(*Config)) {
	c := Config{Tools: tools, Dir: s.t.TempDir(), Kind: s.kind, Programs: []string{"beacon", "other"}}
	if change != nil {
		change(&c)
	}
	m, err := Start(s.ctx, c)
	s.must(err)
	s.t.Cleanup(m.Close)
	s.Machine = m
}

func (s *stand) puppet(name string) *Puppet {
	p, err := s.Machine.Puppet(s.ctx, name)
	s.must(err)
	return p
}

func (s *stand) do(p *Puppet, act string) string {
	said, err := p.Do(s.ctx, act)
	s.must(err)
	return said
}

func (s *stand) ask(words ...string) string {
	said, err := s.Ask(s.ctx, words...)
	s.must(err)
	return said
}

func (s *stand) until(what string, found func() bool) { s.must(s.Until(s.ctx, what, found)) }

// restarts kills the program and waits until it is back: PID 1 is alive and does
// its work.
func (s *stand) restarts(p *Puppet) *Puppet {
	s.must(p.Kill())
	return s.puppet(p.Name)
}

// verdict is what came of a trial; empty is passed.
func (tr trial) verdict(t *testing.T, k Kind) (said string) {
	ctx, cancel := context.WithTimeout(t.Context(), patience[k])
	defer cancel()
	s := &stand{t: t, ctx: ctx, kind: k}
	defer func() {
		v := recover()
		f, ok := v.(failure)
		if v != nil && !ok {
			panic(v)
		}
		if ok {
			said = f.Error()
			if s.Machine != nil {
				t.Logf("the console says:\n%s", s.Console.Text())
			}
		}
	}()
	tr.run(s)
	return ""
}

// results are those of ours, so that the scores need not try again.
var results sync.Map

// ours puts our init to a trial.
func ours(t *testing.T, id string) {
	t.Helper()
	needRoot(t)
	tr, err := find(id)
	if err != nil {
		t.Fatal(err)
	}
	said := tr.verdict(t, Slashdev)
	results.Store(id, said)
	if said != "" {
		t.Error(said)
	}
}

func find(id string) (trial, error) {
	for _, tr := range trials {
		if tr.id == id {
			return tr, nil
		}
	}
	return trial{}, errors.New("no trial " + id)
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
}

// TestScores prints how many trials each init passes. Those of the naive one
// and BusyBox's show that the trials can be failed.
func TestScores(t *testing.T) {
	needRoot(t)
	scores := map[Kind]*score{Slashdev: {}, Naive: {}, BusyBox: {}}
	t.Run("trials", func(t *testing.T) {
		for _, tr := range trials {
			for k, sc := range scores {
				if tr.ours && k != Slashdev {
					continue
				}
				t.Run(tr.id+" "+string(k), func(t *testing.T) {
					t.Parallel()
					sc.count(t, tr, k)
				})
			}
		}
	})
	for k, sc := range scores {
		t.Logf("%-14s passes %2d of %2d; fails %s", k, sc.passed, sc.tried, strings.Join(sc.failed, " "))
	}
	if len(scores[Slashdev].failed) > 0 {
		t.Error("ours must pass all")
	}
	if naive := scores[Naive]; naive.passed*2 > naive.tried {
		t.Error("the naive init passes most of what should be hard")
	}
}

// score is how one init has fared.
type score struct {
	mu            sync.Mutex
	passed, tried int
	failed        []string
}

func (sc *score) count(t *testing.T, tr trial, k Kind) {
	said, known := results.Load(tr.id)
	if !known || k != Slashdev {
		said = tr.verdict(t, k)
	}
	sc.mu.Lock()
	defer sc.mu.Unlock()
	sc.tried++
	if said == "" {
		sc.passed++
		return
	}
	sc.failed = append(sc.failed, tr.id)
	t.Logf("%.300s", said)
}
