package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

const (
	rounds  = 5   // of one event per device
	singles = 200 // events one at a time
)

// events measures a manager that has settled: how many events a second it deals
// with, and how soon a new device has its link.
func events(p plan) error {
	if err := run("/bin/busybox", "modprobe", "loop"); err != nil {
		return err
	}
	if err := warm(); err != nil {
		return err
	}
	if err := addLoops(0, p.sizes[0]); err != nil {
		return err
	}
	for range p.runs {
		for _, m := range some("udevd", "udevd-small", "mdev-d", "devmgr", "devmgr-small") {
			err := m.with(func(g *group) error { return watchEvents(p, m, g) })
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func watchEvents(p plan, m manager, g *group) error {
	nodes, err := blocks()
	if err != nil {
		return err
	}
	some := nodes[:p.sizes[0]]
	cpu := g.cpu()
	rate, err := m.throughput(some)
	report(p, "manager", m.name, "rate", rate, "cpu", (g.cpu()-cpu).Seconds()*1e6/float64(rounds*len(some)))
	if err != nil || m.rules != stock {
		return err
	}
	times, err := latency(len(nodes), singles)
	slices.Sort(times)
	if n := len(times); n > 0 {
		report(p, "manager", m.name, "p50", ms(times[n/2]), "p90", ms(times[n*9/10]), "p99", ms(times[n*99/100]))
	}
	return err
}

func ms(d time.Duration) float64 { return d.Seconds() * 1000 }

// throughput sends an event for each device and waits until all have been dealt
// with, several times.
func (m manager) throughput(nodes []string) (rate float64, err error) {
	var took time.Duration
	for range rounds {
		if err := closeNodes(); err != nil {
			return 0, err
		}
		begun := time.Now()
		for _, node := range nodes {
			if err := trigger(node); err != nil {
				return 0, err
			}
		}
		if err := waitOpen(nodes, time.Millisecond); err != nil {
			return 0, err
		}
		if m.settle != nil {
			err = noQueue() // of both: udevd has the file too
		}
		took += time.Since(begun)
	}
	return float64(rounds*len(nodes)) / took.Seconds(), err
}

func trigger(node string) error {
	return os.WriteFile("/sys/class/block/"+filepath.Base(node)+"/uevent", []byte("add"), 0)
}

// latency makes loop devices one at a time and measures from before that is
// asked of the kernel until the link that the rules give each is there.
func latency(first, n int) (times []time.Duration, err error) {
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer control.Close()
	watch, err := unix.InotifyInit1(unix.IN_CLOEXEC)
	if err != nil {
		return nil, err
	}
	defer unix.Close(watch)
	const dir = "/dev/disk/by-diskseq"
	if _, err := unix.InotifyAddWatch(watch, dir, unix.IN_CREATE|unix.IN_MOVED_TO); err != nil {
		return nil, fmt.Errorf("watch %s: %w", dir, err)
	}
	for i := first; i < first+n; i++ {
		begun := time.Now()
		if err := unix.IoctlSetInt(int(control.Fd()), unix.LOOP_CTL_ADD, i); err != nil {
			return nil, fmt.Errorf("add loop%d: %w", i, err)
		}
		if err := awaitLink(watch, dir, fmt.Sprint("loop", i)); err != nil {
			return nil, err
		}
		times = append(times, time.Since(begun))
		if err := noQueue(); err != nil {
			return nil, err
		}
	}
	return times, nil
}

func awaitLink(watch int, dir, node string) error {
	buf := make([]byte, 4096)
	for !linked(dir, node) {
		if _, err := unix.Read(watch, buf); err != nil && err != unix.EINTR {
			return err
		}
	}
	return nil
}

// linked says whether the link of a disk is there.
func linked(dir, node string) bool {
	seq, err := os.ReadFile("/sys/class/block/" + node + "/diskseq")
	if err != nil {
		return false
	}
	target, err := os.Readlink(filepath.Join(dir, string(seq[:max(len(seq)-1, 0)])))
	return err == nil && filepath.Base(target) == node
}
