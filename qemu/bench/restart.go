package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"slashdev/qemu/rig"
)

// Restarts are measured on this host's kernel, in namespaces: from the kill to
// the program's first word, which is a Go program's start besides.
const (
	restartRuns = 1000
	soakRuns    = 10_000 // the growth is looked for in so many more
	peerRuns    = 20     // of one second each
	manyUnits   = 50
)

// printRestarts prints how soon a killed program is back, and what PID 1 takes.
func printRestarts(ctx context.Context) error {
	dir, err := os.MkdirTemp("/dev/shm", "slashdev-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	tools, err := rig.Build(ctx, ".", dir)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
	defer w.Flush()
	fmt.Fprintf(w, "\na program is killed and back, ms\tkills\tp50\tp99\tmax\tgoal\n")
	c := rig.Config{Tools: tools, Kind: rig.Slashdev, Programs: []string{"beacon"}}
	var first, last rig.Vitals
	if err := inRig(ctx, dir, c, func(m *rig.Machine) error {
		times, err := restarts(ctx, m, restartRuns)
		if err != nil {
			return err
		}
		restartRow(w, "slashdev", times, "p50 20, p99 100")
		if first, err = m.Vitals(); err != nil {
			return err
		}
		if _, err = restarts(ctx, m, soakRuns); err != nil {
			return err
		}
		last, err = m.Vitals()
		return err
	}); err != nil {
		return err
	}
	c.Kind = rig.BusyBox
	if err := inRig(ctx, dir, c, func(m *rig.Machine) error {
		times, err := restarts(ctx, m, peerRuns)
		restartRow(w, "BusyBox init, respawn", times, "")
		return err
	}); err != nil {
		return err
	}
	fmt.Fprintf(w, "for reference, by their documents\t\tgokrazy 1000, systemd 100 (RestartSec)\n")
	fmt.Fprintf(w, "\nPID 1 on this host's kernel\tRSS kB\tthreads\tgoal\n")
	fmt.Fprintf(w, "after %d restarts\t%d\t%d\t\n", restartRuns, first.RSS, first.Threads)
	fmt.Fprintf(w, "after %d more\t%d\t%d\tno growth\n", soakRuns, last.RSS, last.Threads)
	return printMany(ctx, dir, tools, w)
}

// printMany measures PID 1 with many programs, after each has been killed once.
func printMany(ctx context.Context, dir string, tools *rig.Tools, w *tabwriter.Writer) error {
	c := rig.Config{Tools: tools, Kind: rig.Slashdev}
	for n := range manyUnits {
		c.Programs = append(c.Programs, fmt.Sprintf("program%d", n))
	}
	return inRig(ctx, dir, c, func(m *rig.Machine) error {
		for _, name := range c.Programs {
			p, err := m.Puppet(ctx, name)
			if err == nil {
				err = p.Kill()
			}
			if err == nil {
				_, err = m.Puppet(ctx, name)
			}
			if err != nil {
				return err
			}
		}
		v, err := m.Vitals()
		fmt.Fprintf(w, "with %d programs\t%d\t%d\t5120 kB, 8 threads\n", manyUnits, v.RSS, v.Threads)
		return err
	})
}

// inRig starts a machine for the time of f.
func inRig(ctx context.Context, dir string, c rig.Config, f func(*rig.Machine) error) error {
	c.Dir = filepath.Join(dir, string(c.Kind)+fmt.Sprint(len(c.Programs)))
	if err := os.Mkdir(c.Dir, 0o755); err != nil {
		return err
	}
	m, err := rig.Start(ctx, c)
	if err != nil {
		return err
	}
	defer m.Close()
	return f(m)
}

// restarts kills the program n times and returns how long it was away, sorted.
func restarts(ctx context.Context, m *rig.Machine, n int) (times []time.Duration, err error) {
	p, err := m.Puppet(ctx, "beacon")
	for ; n > 0 && err == nil; n-- {
		begun := time.Now()
		if err = p.Kill(); err != nil {
			break
		}
		if p, err = m.Puppet(ctx, "beacon"); err == nil {
			times = append(times, p.Born.Sub(begun))
		}
	}
	if err == nil {
		err = p.Kill() // the next to ask gets a new one
	}
	slices.Sort(times)
	return times, err
}

func restartRow(w *tabwriter.Writer, name string, times []time.Duration, goal string) {
	if n := len(times); n > 0 {
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\n", name, n, ms(times[n/2]), ms(times[n*99/100]), ms(times[n-1]), goal)
	}
}
