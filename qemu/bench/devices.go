package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"slashdev/qemu"
	"slashdev/qemu/peer"
)

// deviceBench measures device managers beside each other in one machine (see
// command guest): the same kernel and devices, one after the other.
type deviceBench struct {
	dir string
	options
	config  qemu.Config
	results []result
}

// result is one line of the guest.
type result map[string]string

func (r result) number(key string) (n float64, ok bool) {
	n, err := strconv.ParseFloat(r[key], 64)
	return n, err == nil
}

// machine is one boot: a phase of the guest, and what is plugged in for it.
type machine struct {
	phase string
	sizes string
	runs  int
	extra []string
}

func (b *deviceBench) machines() []machine {
	base := []string{"-device", "virtio-net-pci", "-device", "virtio-rng-pci", "-device", "virtio-balloon-pci", "-device", "virtio-scsi-pci",
		"-device", "virtio-serial-pci", "-device", "virtio-keyboard-pci"}
	if b.quick {
		return []machine{{"loops", "200", 1, nil}, {"disks", "32", 1, nil}, {"base", "", 1, base}, {"events", "100", 1, nil}, {"loss", "200", 1, nil}}
	}
	few := max(1, b.managers/2)
	return []machine{{"loops", "1000", b.managers, nil}, {"loops", "5000,10000", few, nil}, {"disks", "256", b.managers, nil},
		{"base", "", b.managers, base}, {"events", "500", b.managers, nil}, {"loss", "1000", few, nil}}
}

// printDevices measures and prints.
func printDevices(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "slashdev-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &deviceBench{dir: dir, options: o}
	if err := b.build(ctx); err != nil {
		return err
	}
	for _, m := range b.machines() {
		if o.phase != "" && o.phase != m.phase {
			continue
		}
		if err := b.measure(ctx, m); err != nil {
			return fmt.Errorf("%s: %w", m.phase, err)
		}
	}
	return b.print()
}

func (b *deviceBench) build(ctx context.Context) error {
	guest := filepath.Join(b.dir, "guest")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", guest, "./qemu/bench/guest")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH=amd64", "GOOS=linux")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the guest: %w: %s", err, out)
	}
	var err error
	b.config, err = peer.Build(peer.Options{Parts: "bin/parts", Binaries: "bin", Init: guest, Output: filepath.Join(b.dir, "machine.cpio.gz")})
	return err
}

// measure boots a machine and takes what it prints; one that the emulator has
// spoiled is booted again.
func (b *deviceBench) measure(ctx context.Context, m machine) error {
	for {
		results, err := b.boot(ctx, m)
		if err == nil {
			b.results = append(b.results, results...)
		}
		if !qemu.EmulationFault(err) {
			return err
		}
	}
}

func (b *deviceBench) boot(ctx context.Context, m machine) (results []result, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Hour)
	defer cancel()
	config := b.config
	config.Accel, config.Extra, config.Artifacts, config.Output = qemu.Parallel, m.extra, b.dir, os.Stderr
	if b.count {
		config.Accel, config.Extra = qemu.TCG, append(config.Extra, "-icount", "shift=1,sleep=off")
	}
	config.Cmdline += fmt.Sprintf(" bench=%s:%d:%s", m.phase, m.runs, m.sizes)
	vm, err := qemu.Start(ctx, config)
	if err != nil {
		return nil, err
	}
	defer vm.Close()
	if _, err := vm.Expect(ctx, regexp.MustCompile("bench: done")); err != nil {
		return nil, err
	}
	for _, line := range vm.Console() {
		text, ok := strings.CutPrefix(strings.TrimSpace(line), "bench: ")
		if text, failed := strings.CutPrefix(text, "error="); failed {
			return nil, fmt.Errorf("in the machine: %s", text)
		}
		r := result{}
		for word := range strings.FieldsSeq(text) {
			if key, value, pair := strings.Cut(word, "="); ok && pair {
				r[key] = value
			}
		}
		if len(r) > 0 {
			results = append(results, r)
		}
	}
	return results, nil
}
