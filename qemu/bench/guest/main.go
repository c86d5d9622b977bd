// Command guest is PID 1 of the machine in which device managers are measured
// (package peer): it makes devices, starts one manager after the other, each in
// a control group of its own, and prints what it has measured, a line each.
//
//	bench=PHASE:RUNS[:SIZE,SIZE...] on the kernel's command line; see phases
//
// A line is "bench: key=value ..."; the last is "bench: done".
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// plan is what the command line asks for.
type plan struct {
	phase string
	runs  int
	sizes []int
}

type phase struct {
	name string
	run  func(plan) error
}

func phases() []phase {
	return []phase{{"loops", loops}, {"disks", disks}, {"base", base}, {"events", events}, {"loss", loss}}
}

func main() {
	err := bench()
	if err != nil {
		fmt.Printf("\nbench: error=%q\n", err)
	}
	fmt.Printf("\nbench: done\n")
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
}

func bench() error {
	if err := mounts(); err != nil {
		return err
	}
	os.Setenv("PATH", "/sbin:/bin")
	p, err := parsePlan()
	if err != nil {
		return err
	}
	for _, ph := range phases() {
		if ph.name == p.phase {
			return ph.run(p)
		}
	}
	return fmt.Errorf("no phase %q", p.phase)
}

func mounts() error {
	var errs []error
	for _, m := range [][2]string{{"devtmpfs", "/dev"}, {"proc", "/proc"}, {"sysfs", "/sys"}, {"tmpfs", "/run"}, {"cgroup2", "/sys/fs/cgroup"}} {
		if err := unix.Mount(m[0], m[1], m[0], 0, ""); err != nil {
			errs = append(errs, fmt.Errorf("mount %s: %w", m[1], err))
		}
	}
	errs = append(errs, os.WriteFile(groups+"cgroup.subtree_control", []byte("+memory +cpu"), 0))
	return errors.Join(errs...)
}

func parsePlan() (p plan, err error) {
	text, err := os.ReadFile("/proc/cmdline")
	if err != nil {
		return p, err
	}
	for word := range strings.FieldsSeq(string(text)) {
		if value, ok := strings.CutPrefix(word, "bench="); ok {
			return newPlan(strings.Split(value+"::", ":"))
		}
	}
	return p, errors.New("no word bench= on the kernel's command line")
}

func newPlan(words []string) (p plan, err error) {
	p.phase = words[0]
	p.runs, err = strconv.Atoi(words[1])
	for size := range strings.SplitSeq(words[2], ",") {
		if n, err := strconv.Atoi(size); err == nil {
			p.sizes = append(p.sizes, n)
		}
	}
	return p, err
}

// report prints one line.
func report(p plan, pairs ...any) {
	var b strings.Builder
	for i := 0; i+1 < len(pairs); i += 2 {
		fmt.Fprintf(&b, " %v=%v", pairs[i], pairs[i+1])
	}
	fmt.Printf("\nbench: phase=%s%s\n", p.phase, &b)
}

// run runs a program to its end.
func run(name string, args ...string) error {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, out)
	}
	return nil
}
