package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"slashdev/init/userland/tool"
)

// Each hook is killed, with all that it has started, after hookTime; PID 1
// waits for all of them 15 s.
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
		err := mayRun(path, dir, root)
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
// link, a file that others than root may write, another file system.
func mayRun(paths ...string) error {
	var device uint64
	for i := len(paths) - 1; i >= 0; i-- {
		info, err := os.Lstat(paths[i])
		if err != nil {
			return err
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		switch {
		case !ok || st.Uid != 0 || info.Mode()&0o022 != 0 || info.Mode()&os.ModeSymlink != 0:
			return fmt.Errorf("refused: %s is a link, or others than root may write it", paths[i])
		case i < len(paths)-1 && st.Dev != device:
			return fmt.Errorf("refused: %s is on another file system than the image", paths[i])
		case i == 0 && (!info.Mode().IsRegular() || info.Mode()&0o111 == 0):
			return fmt.Errorf("refused: it is no executable file")
		}
		device = st.Dev
	}
	return nil
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
