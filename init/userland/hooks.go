package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"slashdev/init/userland/tool"
)

// Each hook is killed, with all that it has started, after hookTime; PID 1
// waits for all of them 10 s.
const hookTime = 5 * time.Second

// hooks runs the executables that the image has for an event, in the order of
// their names.
func hooks(ctx context.Context, e *tool.Env, args []string) error {
	if len(args) != 1 || args[0] == "" || args[0][0] == '-' || filepath.Base(args[0]) != args[0] {
		return tool.Usagef("hooks needs the name of an event")
	}
	return runHooks(ctx, e, filepath.Join("/etc/slashdev", args[0]+".d"), "/")
}

// runHooks runs those in dir, which must be on the file system of root.
func runHooks(ctx context.Context, e *tool.Env, dir, root string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		err := mayRun(path, root)
		if err == nil {
			err = runHook(ctx, e, path)
		}
		if err != nil {
			fmt.Fprintf(e.Err, "%s: %s\n", tool.Clean(path), tool.Clean(err.Error()))
		}
	}
	return nil
}

// mayRun refuses what is not part of the image, or could have been changed: a
// link, what others than root may write, another file system. All folders up to
// root count; one that is sticky may be writable, as the root of an initramfs is.
func mayRun(path, root string) error {
	var device uint64
	for p := path; ; p = filepath.Dir(p) {
		info, err := os.Lstat(p)
		if err != nil {
			return err
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		sticky := info.IsDir() && info.Mode()&os.ModeSticky != 0
		switch {
		case p == path && (!info.Mode().IsRegular() || info.Mode()&0o111 == 0):
			return errors.New("refused: it is no executable file")
		case !ok || st.Uid != 0 || info.Mode()&0o022 != 0 && !sticky:
			return fmt.Errorf("refused: others than root may write %s", p)
		case p == path:
			device = st.Dev
		case st.Dev != device || !info.IsDir():
			return errors.New("refused: it is on another file system than the image")
		}
		if p == root || p == filepath.Dir(p) {
			return nil
		}
	}
}

func runHook(ctx context.Context, e *tool.Env, path string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, hookTime, fmt.Errorf("no end after %s: killed", hookTime))
	defer cancel()
	c := exec.CommandContext(ctx, path)
	c.Stdout, c.Stderr = e.Out, e.Err
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	c.WaitDelay = time.Second
	err := c.Run()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
