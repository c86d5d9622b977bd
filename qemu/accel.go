package qemu

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"
)

// probeTimeout is how long the probe's guest may take. A kernel on working KVM
// needs about a second to find that it has no root.
const probeTimeout = 15 * time.Second

// Probe finds the accelerator for a machine. /dev/kvm may open, report an API
// version and still kill every kernel, with QEMU hanging on: only a guest that
// has really run is proof.
type Probe struct {
	Machine  string
	Kernel   string // of the pc; without it nothing can be tried, and TCG is used
	CacheDir string // where the answer is kept; os.UserCacheDir()/slashdev if empty
	Logf     func(format string, args ...any)
}

// Choose returns $SLASHDEV_ACCEL if set, else what the probe finds or found
// earlier on this boot of the host with this QEMU.
func (p Probe) Choose(ctx context.Context) (Accel, error) {
	switch word := os.Getenv("SLASHDEV_ACCEL"); word {
	case "tcg", "kvm":
		return Accel(word), nil
	case "":
	default:
		return "", fmt.Errorf("SLASHDEV_ACCEL=%s: use tcg or kvm", word)
	}
	if !p.possible() {
		return TCG, nil
	}
	binary, err := Config{Machine: p.Machine}.findBinary()
	if err != nil {
		return "", err
	}
	file, key := p.cacheFile(), probeKey(ctx, binary)
	if accel, ok := readAnswer(file, key); ok {
		return accel, nil
	}
	accel := p.ask(ctx, binary)
	if err := ctx.Err(); err != nil {
		return "", context.Cause(ctx)
	}
	if err := writeAnswer(file, key, accel); err != nil {
		p.logf("accelerator: %v", err)
	}
	return accel, nil
}

// possible answers without running anything: the guest's architecture must be
// the host's, and the kernel and the device must be there.
func (p Probe) possible() bool {
	if arch, err := Arch(p.Machine); err != nil || arch != "amd64" || runtime.GOARCH != "amd64" || p.Kernel == "" {
		return false
	}
	f, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if err != nil {
		return false
	}
	f.Close()
	return true
}

func (p Probe) ask(ctx context.Context, binary string) Accel {
	if err := tryGuest(ctx, binary, p.Kernel, KVM); err != nil {
		p.logf("KVM does not work here (%v): using TCG, which is slower", err)
		return TCG
	}
	p.logf("KVM works: using it")
	return KVM
}

// tryGuest boots the kernel without a root and waits until it complains about
// that: then decompression, paging, timers and interrupts have worked.
func tryGuest(ctx context.Context, binary, kernel string, accel Accel) error {
	ctx, cancel := context.WithTimeoutCause(ctx, probeTimeout, errors.New("its guest hangs"))
	defer cancel()
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	cmd := exec.Command(binary, "-M", "q35", "-accel", string(accel), "-cpu", "max", "-smp", "2", "-m", "256",
		"-display", "none", "-monitor", "none", "-nodefaults", "-no-reboot", "-serial", "stdio",
		"-kernel", kernel, "-append", "console=ttyS0 panic=-1")
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = w, w, ownProcess()
	err = cmd.Start()
	w.Close()
	if err != nil {
		return err
	}
	console, ended := newConsole(nil, nil), make(chan struct{})
	go func() {
		console.read(r)
		close(ended)
	}()
	err = verdict(ctx, console)
	killProcess(cmd)
	cmd.Wait()
	<-ended
	return err
}

func verdict(ctx context.Context, console *console) error {
	line, err := console.expect(ctx, regexp.MustCompile(`KVM internal error[^\r\n]*|Unable to mount root fs`))
	switch {
	case errors.Is(err, errConsoleEnded):
		return fmt.Errorf("QEMU ended: %s", strings.TrimSpace(console.unmatched()))
	case err != nil:
		return err
	case strings.HasPrefix(line, "KVM"):
		return errors.New(line)
	}
	return nil
}

func (p Probe) cacheFile() string {
	dir := p.CacheDir
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return ""
		}
		dir = filepath.Join(cache, "slashdev")
	}
	return filepath.Join(dir, "accel")
}

// probeKey names what the answer depends on: this boot of the host and this
// QEMU.
func probeKey(ctx context.Context, binary string) string {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		boot = []byte("unknown boot")
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	version, err := exec.CommandContext(ctx, binary, "--version").Output()
	if err != nil {
		version = []byte(err.Error())
	}
	first, _, _ := strings.Cut(string(version), "\n")
	return strings.TrimSpace(string(boot)) + " " + first
}

func readAnswer(file, key string) (Accel, bool) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", false
	}
	answer, found := strings.CutPrefix(strings.TrimSuffix(string(text), "\n"), key+"\n")
	accel := Accel(answer)
	return accel, found && (accel == TCG || accel == KVM)
}

func writeAnswer(file, key string, accel Accel) error {
	if file == "" {
		return errors.New("no cache folder")
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	// The probe may run twice at the same time: rename keeps the file whole.
	temp, err := os.CreateTemp(filepath.Dir(file), "accel-")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(temp, "%s\n%s\n", key, accel)
	if err = errors.Join(err, temp.Close()); err == nil {
		err = os.Rename(temp.Name(), file)
	}
	if err != nil {
		os.Remove(temp.Name())
	}
	return err
}

func (p Probe) logf(format string, args ...any) {
	if p.Logf != nil {
		p.Logf(format, args...)
	}
}
