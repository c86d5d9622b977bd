package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"slashdev/qemu"
)

// sample is one boot, counted from "Run /sbin/init".
type sample struct{ first, ready time.Duration }

// memory is what the processes took in the last boot, in kB.
type memory struct{ init, threads, devmgr int }

func (b *boots) bootFloor(ctx context.Context) (sample, error) {
	m, err := b.start(ctx, "floor.img")
	if err != nil {
		return sample{}, err
	}
	defer m.Close()
	if _, err := m.Expect(ctx, regexp.MustCompile("floor: done")); err != nil {
		return sample{}, err
	}
	log := strings.Join(m.Console(), "\n")
	first, err := since(log, "floor: up")
	return sample{first: first}, err
}

func (b *boots) bootOurs(ctx context.Context) (sample, error) {
	m, err := b.start(ctx, "ours.img")
	if err != nil {
		return sample{}, err
	}
	defer m.Close()
	if err := m.Login(ctx, ""); err != nil {
		return sample{}, err
	}
	log, err := hasReady(ctx, m)
	if err != nil {
		return sample{}, err
	}
	s := sample{}
	if s.first, err = since(log, "init: slashdev"); err != nil {
		return s, err
	}
	coldplug, err := since(log, "init: devmgr: ")
	if err != nil {
		return s, err
	}
	hello, err := since(log, "hello: ready")
	s.ready = max(coldplug, hello)
	if err == nil {
		err = b.memory.read(ctx, m)
	}
	return s, err
}

// hasReady returns the kernel's log once hello has reported to it.
func hasReady(ctx context.Context, m *qemu.Machine) (string, error) {
	for {
		log, err := output(ctx, m, "dmesg")
		if err != nil || strings.Contains(log, "hello: ready") {
			return log, err
		}
	}
}

func output(ctx context.Context, m *qemu.Machine, command string) (string, error) {
	var stdout, stderr bytes.Buffer
	status, err := m.Run(ctx, command, &stdout, &stderr)
	if err == nil && status != 0 {
		err = fmt.Errorf("%s: exit %d: %s", command, status, &stderr)
	}
	return stdout.String(), err
}

// stamps match a line of /dev/kmsg and one of dmesg.
var stamps = [...]*regexp.Regexp{
	regexp.MustCompile(`(?m)^\d+,\d+,(\d+),[^;]*;(.*)$`),
	regexp.MustCompile(`(?m)^\[ *(\d+)\.(\d{6})\] (.*)$`),
}

// since is the time from "Run /sbin/init" to the first line that begins with
// text.
func since(log, text string) (time.Duration, error) {
	run, err := stampOf(log, "Run /sbin/init")
	if err != nil {
		return 0, err
	}
	at, err := stampOf(log, text)
	return at - run, err
}

func stampOf(log, text string) (time.Duration, error) {
	for _, re := range stamps {
		for _, m := range re.FindAllStringSubmatch(log, -1) {
			if strings.HasPrefix(m[len(m)-1], text) {
				us, err := strconv.ParseInt(strings.Join(m[1:len(m)-1], ""), 10, 64)
				return time.Duration(us) * time.Microsecond, err
			}
		}
	}
	return 0, fmt.Errorf("no line %q in the kernel's log", text)
}

// read asks the machine how much its two daemons take.
func (mem *memory) read(ctx context.Context, m *qemu.Machine) error {
	list, err := output(ctx, m, "svc ls --json")
	if err != nil {
		return err
	}
	devmgr := regexp.MustCompile(`"name": ?"devmgr"[^}]*"pid": ?"?(\d+)`).FindStringSubmatch(list)
	if devmgr == nil {
		return fmt.Errorf("svc ls: no devmgr in %s", list)
	}
	for _, q := range []struct {
		pid, field string
		into       *int
	}{
		{"1", "VmRSS", &mem.init}, {"1", "Threads", &mem.threads}, {devmgr[1], "VmRSS", &mem.devmgr},
	} {
		text, err := output(ctx, m, "cat /proc/"+q.pid+"/status")
		if err != nil {
			return err
		}
		match := regexp.MustCompile(q.field + `:\s+(\d+)`).FindStringSubmatch(text)
		if match == nil {
			return fmt.Errorf("process %s: no %s", q.pid, q.field)
		}
		if *q.into, err = strconv.Atoi(match[1]); err != nil {
			return err
		}
	}
	return nil
}

func (b *boots) print() {
	first := func(s sample) time.Duration { return s.first }
	ready := func(s sample) time.Duration { return s.ready }
	floor := median(b.floors, first)
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
	defer w.Flush()
	fmt.Fprintf(w, "after \"Run /sbin/init\", pc, %d boots each, ms\tmedian\tmin\tmax\tover the floor\tgoal\n", len(b.floors))
	row := func(name string, list []sample, f func(sample) time.Duration, goal string) {
		m := median(list, f)
		lo, hi := slices.MinFunc(list, by(f)), slices.MaxFunc(list, by(f))
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", name, ms(m), ms(f(lo)), ms(f(hi)), ms(m-floor), goal)
	}
	row("floor: a Go init that imports syscall only", b.floors, first, "")
	row("first line of PID 1", b.samples, first, "60")
	row("coldplug done and hello: ready", b.samples, ready, "600")
	fmt.Fprintf(w, "boots repeated for a fault of the emulator\t%d\n", b.faults)
	fmt.Fprintf(w, "\nmemory on pc, after boot\t\t\t\t\tgoal\n")
	fmt.Fprintf(w, "PID 1, RSS kB\t%d\t\t\t\t5120\n", b.memory.init)
	fmt.Fprintf(w, "PID 1, threads\t%d\t\t\t\t8\n", b.memory.threads)
	fmt.Fprintf(w, "devmgr, RSS kB\t%d\t\t\t\t12288\n", b.memory.devmgr)
	fmt.Fprintf(w, "\nimage of the default appliance, built warm, ms\t%s\t\t\t\t2000\n", ms(b.buildTime))
}

func by(f func(sample) time.Duration) func(a, b sample) int {
	return func(a, b sample) int { return int(f(a) - f(b)) }
}

func median(list []sample, f func(sample) time.Duration) time.Duration {
	sorted := slices.SortedFunc(slices.Values(list), by(f))
	return f(sorted[len(sorted)/2])
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f", float64(d.Microseconds())/1000) }
