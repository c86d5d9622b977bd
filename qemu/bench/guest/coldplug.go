package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// loops measures the start of all managers beside so many loop devices. None
// is ever removed: that takes the kernel 46 ms each.
func loops(p plan) error {
	if err := run("/bin/busybox", "modprobe", "loop"); err != nil {
		return err
	}
	if err := warm(); err != nil {
		return err
	}
	have := 0
	for _, size := range p.sizes {
		if err := addLoops(have, size); err != nil {
			return err
		}
		have = size
		if err := coldplugs(p, size, managers()); err != nil {
			return err
		}
	}
	return nil
}

// disks measures it beside so many SCSI disks, which answer as real ones do.
func disks(p plan) error {
	size := p.sizes[0]
	if err := errors.Join(run("/sbin/modprobe", "sd_mod"),
		run("/sbin/modprobe", "scsi_debug", "max_luns=1", fmt.Sprint("num_tgts=", size), "dev_size_mb=8")); err != nil {
		return err
	}
	if err := errors.Join(awaitDisks(size), warm()); err != nil {
		return err
	}
	return coldplugs(p, size, managers())
}

func awaitDisks(n int) error {
	return until("disks", 100*time.Millisecond, func() bool {
		names, err := filepath.Glob("/dev/sd*")
		return err == nil && len(names) == n
	})
}

// warm loads the modules of the machine's devices, which are measured in the
// phase base only.
func warm() error { return coldplug(plan{phase: "warm"}, 0, some("udevd")[0]) }

// base measures the machine as it is, with the modules of its devices, which
// are taken out before.
func base(p plan) error {
	list := some("udevd", "devmgr")
	if err := warm(); err != nil { // some modules stay
		return err
	}
	for range p.runs {
		for _, m := range list {
			if err := withModules(p, m); err != nil {
				return err
			}
		}
	}
	return nil
}

func withModules(p plan, m manager) error {
	if err := unload(); err != nil {
		return err
	}
	if err := coldplug(p, 0, m); err != nil {
		return err
	}
	modules, err := loaded()
	report(p, "manager", m.name, "modules", len(modules), "list", strings.Join(modules, ","))
	return err
}

// loaded returns the modules that the kernel has.
func loaded() (names []string, err error) {
	text, err := os.ReadFile("/proc/modules")
	for line := range strings.Lines(string(text)) {
		name, _, _ := strings.Cut(line, " ")
		names = append(names, name)
	}
	slices.Sort(names)
	return names, err
}

// unload takes out every module that can be.
func unload() error {
	for {
		names, err := loaded()
		if err != nil {
			return err
		}
		gone := 0
		for _, name := range names {
			if unix.DeleteModule(name, unix.O_NONBLOCK) == nil {
				gone++
			}
		}
		if gone == 0 {
			return nil
		}
	}
}

// coldplugs measures each manager in turn, so often.
func coldplugs(p plan, size int, list []manager) error {
	for range p.runs {
		for _, m := range list {
			if err := coldplug(p, size, m); err != nil {
				return err
			}
		}
	}
	return nil
}

// coldplug measures from the start of the first process until all is settled
// and every node is as it should be.
func coldplug(p plan, size int, m manager) error {
	return m.with(func(g *group) error {
		links, records, err := census()
		report(p, "manager", m.name, "size", size, "seconds", g.took.Seconds(), "cpu", g.cpu().Seconds(),
			"peak", g.number("memory.peak", ""), "links", links, "records", records)
		return err
	})
}
