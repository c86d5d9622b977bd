package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"slashdev/init/plan"
	"slashdev/init/userland/tool"
)

// permDir is where the appliance keeps what must outlast a boot.
const permDir = "/perm"

// permTime is how long a disk may take to mount: ext4 may have a journal to
// replay, a broken disk answers never.
const permTime = 60 * time.Second

// perm is step 6 of the boot: it mounts the partition that the plan names on
// /perm. A machine without one, or with one that cannot be used, gets a tmpfs
// and a line that says so: programs find their directories in any case.
func perm(ctx context.Context, e *tool.Env, _ []string) error {
	defer ask(logdSocket, "mounted") // where it does not answer yet, it looks itself when it starts
	mounts, err := readMounts(e.Root)
	if err != nil {
		return err
	}
	p, planErr := readPlan(e.Root)
	for _, m := range mounts {
		if m.Dir == permDir {
			return makePermDirs(e, p)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, permTime)
	defer cancel()
	err = planErr
	if err == nil {
		err = mountPerm(ctx, e.Root, p)
	}
	if err != nil {
		fmt.Fprintf(e.Err, "perm: %s; /perm is in memory and lost at power-off\n", tool.Clean(err.Error()))
		m := mounting{"tmpfs", permDir, "tmpfs", unix.MS_NODEV | unix.MS_NOSUID, "mode=755"}
		if err := m.do(); err != nil {
			return err
		}
	}
	return makePermDirs(e, p)
}

func mountPerm(ctx context.Context, root fs.FS, p *plan.Plan) error {
	if p.Perm == "" {
		return errors.New("this image has no partition for /perm")
	}
	name, err := findPartition(root, p.Perm)
	if err != nil {
		return err
	}
	dev, err := openDevice(name, os.O_RDONLY)
	if err != nil {
		return err
	}
	defer dev.Close()
	if err := checkExt4(dev, name); err != nil {
		return err
	}
	// fsck, mkfs at the first boot and growing come here.
	m := mounting{dev.Name(), permDir, "ext4", unix.MS_NODEV | unix.MS_NOSUID | unix.MS_NOATIME, ""}
	return inTime(ctx, m.do)
}

// inTime runs f and gives up on it when ctx ends: a mount cannot be stopped.
func inTime(ctx context.Context, f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("mount /perm: the disk does not answer: %w", ctx.Err())
	}
}

// readPlan returns an empty plan with its errors.
func readPlan(root fs.FS) (*plan.Plan, error) {
	text, err := fs.ReadFile(root, strings.TrimPrefix(plan.File, "/"))
	if err != nil {
		return &plan.Plan{}, fmt.Errorf("read plan: %w", err)
	}
	p, err := plan.Parse(string(text))
	if err != nil {
		return &plan.Plan{}, fmt.Errorf("read plan: %w", err)
	}
	return p, nil
}

// findPartition finds the node of PARTUUID=... by what the kernel read from
// the partition table.
func findPartition(root fs.FS, spec string) (string, error) {
	want, ok := strings.CutPrefix(spec, "PARTUUID=")
	if !ok {
		return "", fmt.Errorf("perm %s: only PARTUUID= is known", spec)
	}
	const class = "sys/class/block"
	entries, err := fs.ReadDir(root, class)
	if err != nil {
		return "", err
	}
	for _, d := range entries {
		event := readUevent(root, class+"/"+d.Name())
		if name := event["DEVNAME"]; strings.EqualFold(event["PARTUUID"], want) && fs.ValidPath(name) {
			return name, nil
		}
	}
	return "", tool.Errorf(tool.NotFound, "no partition has %s: was the disk changed?", spec)
}

// checkExt4 looks for the superblock's magic number, so that the first boot of
// a new disk says what it is and does not fill the kernel's log.
func checkExt4(r interface {
	ReadAt([]byte, int64) (int, error)
}, name string) error {
	const magicAt = 1024 + 0x38
	var b [2]byte
	if _, err := r.ReadAt(b[:], magicAt); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	if b != [2]byte{0x53, 0xef} {
		return fmt.Errorf("%s has no ext4 file system: make one with mkfs.ext4 on another machine", name)
	}
	return nil
}

// makePermDirs makes what gokrazy's programs expect: /var leads to /perm/var,
// and each program has a home of its own.
func makePermDirs(e *tool.Env, p *plan.Plan) error {
	for _, dir := range []string{permDir + "/home", permDir + "/var"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	err := os.Symlink("/run", permDir+"/var/run")
	if err != nil && !errors.Is(err, fs.ErrExist) {
		e.Complain(err)
	}
	for i := range p.Programs {
		if err := makeHome(permDir+"/home/", &p.Programs[i]); err != nil {
			e.Complain(err)
		}
	}
	return nil
}

// makeHome makes a program's home, its user's only. One that exists keeps its
// mode, and gets the owner that the plan says now.
func makeHome(homes string, p *plan.Program) error {
	home := homes + p.Name
	if err := os.Mkdir(home, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return os.Lchown(home, int(p.UID), int(p.GID))
}
