package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"slashdev/init/userland/power"
	"slashdev/init/userland/tool"
)

// waiting is the folder in which a shutdown that waits for its time says so:
// shutdown.pid and, near the end, nologin. sysvinit's tools use the same.
type waiting string

const runDir waiting = "/run"

// nologinTime is when no more people are let in.
const nologinTime = 5 * time.Minute

func (w waiting) path(name string) string { return filepath.Join(string(w), name) }

// wait warns people until it is time. SIGINT and SIGTERM cancel it.
func (w waiting) wait(ctx context.Context, e *tool.Env, o power.Order) error {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	defer signal.Stop(stop)
	if o.At.IsZero() {
		wall(e, power.Warning(o.Verb, 0, o.Message))
		return nil
	}
	if err := w.claim(); err != nil {
		return err
	}
	defer os.Remove(w.path("shutdown.pid"))
	for _, next := range append(power.Warnings(o.At, time.Now())[1:], o.At) {
		left := time.Until(o.At)
		if left <= nologinTime {
			_ = os.WriteFile(w.path("nologin"), []byte("The machine is going down.\n"), 0o644)
		}
		wall(e, power.Warning(o.Verb, left, o.Message))
		select {
		case <-time.After(time.Until(next)):
		case <-stop:
			_ = os.Remove(w.path("nologin"))
			wall(e, "The shutdown is cancelled.")
			return tool.Errorf(tool.Failed, "cancelled")
		case <-ctx.Done():
			_ = os.Remove(w.path("nologin"))
			return ctx.Err()
		}
	}
	wall(e, power.Warning(o.Verb, 0, o.Message))
	return nil
}

// claim writes our number to shutdown.pid, unless another shutdown is waiting.
func (w waiting) claim() error {
	if pid := w.pid(); pid > 0 {
		return tool.Errorf(tool.Refused, "shutdown %d is waiting already: shutdown -c cancels it", pid)
	}
	return os.WriteFile(w.path("shutdown.pid"), []byte(strconv.Itoa(os.Getpid())+"\n"), 0o644)
}

// pid is the shutdown that waits, 0 when there is none.
func (w waiting) pid() int {
	text, _ := os.ReadFile(w.path("shutdown.pid"))
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid <= 1 || errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return 0
	}
	return pid
}

func (w waiting) cancel(e *tool.Env, o power.Order) error {
	pid := w.pid()
	if pid == 0 {
		return tool.Errorf(tool.NotFound, "there is no shutdown to cancel")
	}
	if o.Message != "" {
		wall(e, o.Message)
	}
	return syscall.Kill(pid, syscall.SIGINT)
}

// wall writes to every console and terminal; one that is stopped is passed over.
func wall(e *tool.Env, message string) {
	host, _ := os.Hostname()
	text := fmt.Sprintf("\r\n\aBroadcast message from root@%s (%s):\r\n\r\n", host, time.Now().Format(time.ANSIC))
	for line := range strings.SplitSeq(message, "\n") {
		text += tool.Clean(line) + "\r\n"
	}
	for _, path := range terminals(e) {
		f, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NOCTTY|syscall.O_NONBLOCK, 0)
		if err != nil {
			continue
		}
		_ = f.SetWriteDeadline(time.Now().Add(time.Second))
		_, _ = f.WriteString(text)
		f.Close()
	}
}

// terminals are the kernel's consoles and the pseudo-terminals.
func terminals(e *tool.Env) []string {
	all, _ := fs.Glob(e.Root, "dev/pts/[0-9]*")
	for i := range all {
		all[i] = "/" + all[i]
	}
	for _, name := range consoleNames(e) {
		all = append(all, "/dev/"+name)
	}
	return all
}
