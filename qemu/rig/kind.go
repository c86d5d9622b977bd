package rig

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"slashdev/qemu/rig/stage"
)

// Kind is which init runs, and how its programs are told to it.
type Kind string

// The kinds: ours, and two to compare with.
const (
	Slashdev Kind = "slashdev"
	Naive    Kind = "naive Go init"
	BusyBox  Kind = "BusyBox init"
)

// Tools are the programs that rigs are made of, as paths of the host.
type Tools struct {
	Init, Userland, Puppet, Naive, BusyBox string
}

// Build copies the device binaries below the repository's root and BusyBox of
// the host into dir, and compiles the rest there. With dir in memory a shutdown
// has no disks to wait for.
func Build(ctx context.Context, root, dir string) (*Tools, error) {
	in := func(name string) string { return filepath.Join(dir, name) }
	t := &Tools{Init: in("init"), Userland: in("userland"), Puppet: in("puppet"), Naive: in("naive"), BusyBox: in("busybox")}
	bin := filepath.Join(root, "bin", runtime.GOARCH)
	for to, from := range map[string]string{t.Init: filepath.Join(bin, "init"), t.Userland: filepath.Join(bin, "userland"), t.BusyBox: "/bin/busybox"} {
		text, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(to, text, 0o755)
		}
		if err != nil {
			return nil, err
		}
	}
	for to, from := range map[string]string{t.Puppet: "./qemu/rig/puppet", t.Naive: "./qemu/testdata/naive"} {
		cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-trimpath", "-ldflags=-s -w", "-o", to, from)
		cmd.Dir = root
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build %s: %w: %s", from, err, out)
		}
	}
	return t, nil
}

// spec is the machine on paper: console tty and socket are the host's.
func (c Config) spec(root, tty, socket string) *stage.Spec {
	s := &stage.Spec{
		Root: root, PidMax: c.PidMax, Closed: c.Closed, Pending: c.Pending, Leak: c.Leak, Without: c.Without,
		Env:      append([]string{"HOME=/", "TERM=linux"}, c.Env...), // as the kernel has it
		Consoles: "ttyS0                -W- (EC p a)    4:64\n",
		Dirs:     []string{"/proc", "/sys/fs/cgroup", "/run", "/tmp", "/perm", "/rig", "/dev", "/devices/pts", "/devices/shm", "/devices/mqueue"},
		Texts: map[string]string{
			"/etc/passwd": "root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n",
			"/etc/group":  "root:x:0:\ntty:x:5:\nnobody:x:65534:\n",
		},
		Binds: map[string]string{
			"/devices/ttyS0": tty, "/devices/console": tty, "/rig/socket": socket, "/devices/kmsg": "/dev/null",
		},
		Links: map[string]string{"/devices/fd": "/proc/self/fd", "/devices/ptmx": "pts/ptmx"},
	}
	for _, node := range []string{"null", "zero", "full", "random", "urandom", "tty"} {
		s.Binds["/devices/"+node] = "/dev/" + node
	}
	if c.Silent {
		s.Consoles = ""
	}
	for _, name := range c.Programs {
		s.Binds["/user/"+name] = c.Tools.Puppet
	}
	switch c.Kind {
	case Slashdev:
		c.slashdev(s)
	case Naive:
		s.Binds["/sbin/init"], s.Args = c.Tools.Naive, []string{"/sbin/init"}
	case BusyBox:
		c.busybox(s)
	}
	maps.Copy(s.Texts, c.Texts)
	for path := range c.Texts {
		delete(s.Binds, path)
		s.Dirs = slices.DeleteFunc(s.Dirs, func(d string) bool { return strings.HasPrefix(d, path+"/") })
	}
	return s
}

func (c Config) slashdev(s *stage.Spec) {
	s.Args = []string{"/sbin/init"}
	s.Binds["/sbin/init"], s.Binds["/sbin/userland"] = c.Tools.Init, c.Tools.Userland
	s.Binds["/sbin/devmgr"] = c.Tools.Puppet
	if c.Texts["/etc/sabotage"] != "" {
		s.Binds["/sbin/init"], s.Binds["/sbin/real"] = c.Tools.Puppet, c.Tools.Init
	}
	var plan strings.Builder
	plan.WriteString("slashdev-plan 1\nhostname rig\nshell open\n")
	for _, name := range c.Programs {
		fmt.Fprintf(&plan, "program %[1]s /user/%[1]s\nrestart %[1]s always\n", name)
	}
	s.Texts["/etc/slashdev/plan"] = plan.String() + c.Plan
}

func (c Config) busybox(s *stage.Spec) {
	s.Args = []string{"/sbin/init"}
	for _, name := range []string{"init", "reboot", "poweroff", "halt"} {
		s.Binds["/sbin/"+name] = c.Tools.BusyBox
	}
	inittab := "::ctrlaltdel:/sbin/reboot\n"
	for _, name := range c.Programs {
		inittab += "::respawn:/user/" + name + "\n"
	}
	s.Texts["/etc/inittab"] = inittab
}
