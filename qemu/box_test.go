package qemu_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"slashdev/image"
	"slashdev/qemu"
)

// box is a machine that runs an appliance, and somebody at its shell.
type box struct {
	t   *testing.T
	m   *qemu.Machine
	ctx context.Context
}

// bootBox boots the appliance of this config.json from an initramfs and waits
// for its shell. The machine "debian" is a pc with Debian's kernel. more goes
// to QEMU.
func bootBox(t *testing.T, machine, config string, more ...string) *box {
	t.Helper()
	root, kernel := repoRoot(t), ""
	if machine == "debian" {
		machine, kernel = "pc", filepath.Join(root, "bin/parts/debian/vmlinuz")
		if _, err := os.Stat(kernel); err != nil {
			t.Fatalf("%v: run make setup first", err)
		}
	}
	options := image.Options{Board: machine, Parts: filepath.Join(root, "bin/parts")}
	return bootImage(t, options, config, qemu.Config{Machine: machine, Kernel: kernel, Extra: more})
}

// bootImage builds an initramfs with these options and boots it; without a
// kernel in c it is that of the image.
func bootImage(t *testing.T, o image.Options, config string, c qemu.Config) *box {
	t.Helper()
	if testing.Short() {
		t.Skip("boots a machine: left out by -short")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	var err error
	if o.Arch, err = qemu.Arch(c.Machine); err != nil {
		t.Fatal(err)
	}
	serial, err := qemu.ConsoleWord(c.Machine)
	if err != nil {
		t.Fatal(err)
	}
	o.Appliance, o.Target, o.Output = dir, "initramfs", filepath.Join(dir, "box.cpio.gz")
	o.Binaries, o.Logf = filepath.Join(repoRoot(t), "bin"), t.Logf
	result, err := image.Build(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if c.Kernel == "" {
		c.Kernel = result.Kernel
	}
	c.Initrd, c.Cmdline = result.Initrd, "console="+serial+" quiet panic=1"
	c.Artifacts, c.Logf = t.ArtifactDir(), t.Logf
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	t.Cleanup(cancel)
	m, err := qemu.Start(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := m.Login(ctx, ""); err != nil {
		t.Fatal(err)
	}
	return &box{t, m, ctx}
}

// run types a command and returns what it prints.
func (b *box) run(command string) string {
	b.t.Helper()
	var stdout, stderr bytes.Buffer
	status, err := b.m.Run(b.ctx, command, &stdout, &stderr)
	if err != nil || status != 0 {
		b.t.Fatalf("%s: status %d, %v: %s", command, status, err, stderr.String())
	}
	return stdout.String()
}

// until runs a command until it prints what is wanted.
func (b *box) until(command, want string) {
	b.t.Helper()
	for !strings.Contains(b.run(command), want) {
		if b.ctx.Err() != nil {
			b.t.Fatalf("%s never prints %q", command, want)
		}
	}
}
