// Command bench prints the project's figures, each beside its floor or peer of
// the same run. It asserts nothing: people read it, and compare.
//
//	go run ./qemu/bench [-runs 11] [-managers 5] [-quick] [-count] [-only PART] [-phase PHASE]
//
// Boot times are differences of the guest's own clock (/dev/kmsg), from the
// kernel's "Run /sbin/init" on; floor and appliance are booted in turn, so that
// both see the same noise of the host.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"slashdev/image"
	"slashdev/qemu"
)

func main() {
	o := options{}
	flag.IntVar(&o.boots, "runs", 11, "boots of each kind")
	flag.IntVar(&o.managers, "managers", 5, "runs of each device manager; half as many where there are thousands of devices")
	flag.BoolVar(&o.quick, "quick", false, "few devices, and one run of each manager")
	flag.StringVar(&o.only, "only", "", "one part: boots, log, restarts or devices")
	flag.BoolVar(&o.count, "count", false, "devices: let the guest's clock count instructions: slower, and the host's load does not matter")
	flag.StringVar(&o.phase, "phase", "", "one part of devices: loops, disks, base, events or loss")
	flag.Parse()
	if err := bench(context.Background(), o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

type options struct {
	boots, managers int
	quick, count    bool
	only, phase     string
}

func bench(ctx context.Context, o options) error {
	for _, part := range []struct {
		name  string
		print func() error
	}{
		{"boots", func() error { return printBoots(ctx, o.boots) }},
		{"log", func() error { return printLog(ctx) }},
		{"restarts", func() error { return printRestarts(ctx) }},
		{"devices", func() error { return printDevices(ctx, o) }},
	} {
		if o.only != "" && o.only != part.name {
			continue
		}
		if err := part.print(); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return nil
}

// printBoots prints the times and sizes of the default appliance.
func printBoots(ctx context.Context, runs int) error {
	dir, err := os.MkdirTemp("", "slashdev-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &boots{dir: dir}
	if err := b.build(ctx); err != nil {
		return err
	}
	for n := range runs {
		fmt.Fprintf(os.Stderr, "\rboot %d of %d ", n+1, runs)
		if err := b.pair(ctx); err != nil {
			return err
		}
	}
	fmt.Fprintln(os.Stderr)
	b.print()
	return printSizes(b.result)
}

// boots are the paired boots of floor and appliance on the pc.
type boots struct {
	dir             string
	result          *image.Result
	buildTime       time.Duration
	floors, samples []sample
	memory          memory
	faults          int // boots that the emulator spoiled
}

func (b *boots) build(ctx context.Context) error {
	bins := filepath.Join(b.dir, "bin")
	if err := os.CopyFS(filepath.Join(bins, "amd64"), os.DirFS("bin/amd64")); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(bins, "amd64/init"), "./qemu/testdata/floor")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH=amd64", "GOOS=linux")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the floor: %w: %s", err, out)
	}
	var err error
	if _, err = b.image(ctx, bins, "floor.img"); err != nil {
		return err
	}
	if _, err = b.image(ctx, "bin", "warm.img"); err != nil {
		return err
	}
	begun := time.Now()
	b.result, err = b.image(ctx, "bin", "ours.img")
	b.buildTime = time.Since(begun)
	return err
}

func (b *boots) image(ctx context.Context, bins, name string) (*image.Result, error) {
	return image.Build(ctx, image.Options{
		Appliance: "image/default", Target: "pc", Output: filepath.Join(b.dir, name),
		Parts: "bin/parts", Binaries: bins,
	})
}

func (b *boots) pair(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	f, err := b.again(ctx, b.bootFloor)
	if err != nil {
		return fmt.Errorf("floor: %w", err)
	}
	s, err := b.again(ctx, b.bootOurs)
	if err != nil {
		return fmt.Errorf("appliance: %w", err)
	}
	b.floors, b.samples = append(b.floors, f), append(b.samples, s)
	return nil
}

// again boots once more when the emulator has failed, and counts that.
func (b *boots) again(ctx context.Context, boot func(context.Context) (sample, error)) (sample, error) {
	for {
		s, err := boot(ctx)
		if !qemu.EmulationFault(err) {
			return s, err
		}
		b.faults++
	}
}

func (b *boots) start(ctx context.Context, name string) (*qemu.Machine, error) {
	return qemu.Start(ctx, qemu.Config{
		Machine: "pc", Accel: qemu.Parallel, Disk: filepath.Join(b.dir, name), Snapshot: true, Artifacts: b.dir,
	})
}
