package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"slashdev/devmgr/ctl"
	"slashdev/init/cmdline"
	"slashdev/init/console"
	"slashdev/init/plan"
	"slashdev/init/userland/logd"
	"slashdev/init/userland/logd/option"
	"slashdev/init/userland/tool"
)

// Where the ring is, and where when it cannot be there.
const (
	logDir   = "/run/log/slashdev"
	otherDir = "/tmp/log-slashdev"
)

// memoryLimit is what the logger keeps to under a flood, with its garbage.
const memoryLimit = 12 << 20

// logger is the applet logd: package logd on this machine's files, or on those
// below --root.
func logger(ctx context.Context, e *tool.Env, args []string) error {
	flags, words, err := tool.Parse("root=", args)
	if err != nil {
		return err
	}
	root := flags["root"]
	sources, socket, err := listenFiles(e.Getenv("LISTEN_FDS"), e.Getenv("LISTEN_FDNAMES"))
	if err != nil {
		return err
	}
	options, err := option.Parse(words)
	if err != nil {
		e.Complain(err)
	}
	debug.SetMemoryLimit(memoryLimit)
	ctx, stop := signal.NotifyContext(ctx, unix.SIGTERM)
	defer stop()
	log := func(f string, a ...any) { fmt.Fprintf(e.Err, f+"\n", a...) }
	cfg := logd.Config{Dir: root + logDir, Sources: sources, DevLog: socket, Options: options, Now: sinceBoot, Logf: log}
	cfg.Disk = logd.Disk{Dir: root + permDir + "/log", BootID: bootID(root)}
	if root == "" {
		cfg.Disk.Usable = permUsable
		cfg.Consoles = openConsoles(e)
		cfg.Kernel, cfg.Kmsg = openKmsg()
	}
	l, err := logd.New(cfg)
	if err != nil { // programs that nobody reads would hang
		e.Complain(err)
		cfg.Dir = root + otherDir
		if l, err = logd.New(cfg); err != nil {
			return err
		}
	}
	var running sync.WaitGroup
	running.Go(func() { serveLog(ctx, root+logdSocket, l, log) })
	if err := notify(e.Getenv("NOTIFY_SOCKET"), "READY=1\n"); err != nil {
		e.Complain(err)
	}
	l.Run(ctx)
	running.Wait()
	return nil
}

// bootID is the kernel's name for this boot.
func bootID(root string) string {
	id, _ := os.ReadFile(root + "/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(id))
}

// permUsable says whether /perm is a disk: before it is mounted it is a folder
// of the root, and without a partition it is in memory.
func permUsable() bool {
	var root, perm unix.Stat_t
	var kind unix.Statfs_t
	err := errors.Join(unix.Stat("/", &root), unix.Stat(permDir, &perm), unix.Statfs(permDir, &kind))
	return err == nil && root.Dev != perm.Dev && kind.Type != unix.TMPFS_MAGIC
}

// serveLog answers on the control socket. Without it the logger still logs.
func serveLog(ctx context.Context, socket string, l *logd.Logger, log func(string, ...any)) {
	s := ctl.Server{Path: socket, Mode: 0o600, RootOnly: true, Handle: l.Handle, Logf: log}
	err := os.MkdirAll(filepath.Dir(s.Path), 0o755)
	if err == nil {
		var listener *net.UnixListener
		if listener, err = s.Listen(); err == nil {
			err = s.Serve(ctx, listener)
		}
	}
	if err != nil && ctx.Err() == nil {
		log("logd: %v", err)
	}
}

// firstListenFD is where handed-over descriptors start (sd_listen_fds(3)).
const firstListenFD = 3

// devLog is what PID 1 calls the socket that /dev/log leads to.
const devLog = "unixgram-/run/slashdev/log"

// listenFiles sorts what PID 1 hands over: the read ends of the programs' pipes
// and the socket of /dev/log. They are made non-blocking, so that a hundred
// quiet programs do not cost a hundred threads.
func listenFiles(count, names string) (sources []logd.Source, socket *os.File, err error) {
	n, err := strconv.Atoi(count)
	if count != "" && (err != nil || n < 0 || n > 4096) {
		return nil, nil, fmt.Errorf("LISTEN_FDS=%q: not a count of descriptors", tool.Clean(count))
	}
	list := append(strings.Split(names, ":"), make([]string, n)...)
	for i := range n {
		fd, name := firstListenFD+i, list[i]
		unix.CloseOnExec(fd)
		if err := unix.SetNonblock(fd, true); err != nil {
			return nil, nil, fmt.Errorf("descriptor %d (%s): %w", fd, tool.Clean(name), err)
		}
		file := os.NewFile(uintptr(fd), name)
		switch {
		case name == devLog:
			socket = file
		case plan.ValidName(name):
			sources = append(sources, logd.Source{Name: name, Pipe: file})
		default:
			sources = append(sources, logd.Source{Name: "fd" + strconv.Itoa(fd), Pipe: file})
		}
	}
	return sources, socket, nil
}

// openKmsg lifts the kernel's limit of ten lines in five seconds, for which
// package logd has one of its own, and opens the kernel's log twice: a reader
// has a place in it.
func openKmsg() (r *os.File, w io.Writer) {
	os.WriteFile("/proc/sys/kernel/printk_devkmsg", []byte("on\n"), 0)
	if f, err := openDevice("kmsg", os.O_WRONLY); err == nil {
		w = f
	}
	r, _ = openDevice("kmsg", os.O_RDONLY)
	return r, w
}

// openDevice opens a node of the kernel's own tree, or of /dev where the
// machine was not booted by us. It never waits and never takes a terminal.
func openDevice(name string, flags int) (*os.File, error) {
	flags |= unix.O_NONBLOCK | unix.O_NOCTTY
	f, err := os.OpenFile("/devices/"+name, flags, 0)
	if errors.Is(err, fs.ErrNotExist) {
		f, err = os.OpenFile("/dev/"+name, flags, 0)
	}
	return f, err
}

func consoleNames(e *tool.Env) []string {
	text, _ := fs.ReadFile(e.Root, "proc/consoles")
	words, _ := fs.ReadFile(e.Root, "proc/cmdline")
	return console.Names(string(text), cmdline.Parse(string(words)))
}

func openConsoles(e *tool.Env) (list []*console.Console) {
	for _, name := range consoleNames(e) {
		c, err := console.Open(name, func() (io.WriteCloser, error) { return openDevice(name, os.O_WRONLY) })
		if err != nil {
			continue // a console without a terminal, such as netconsole
		}
		list = append(list, c)
	}
	return list
}

func sinceBoot() time.Duration {
	var ts unix.Timespec
	unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts)
	return time.Duration(ts.Nano())
}

// notify sends a message to whoever started us and wants to hear (sd_notify(3)).
func notify(socket, message string) error {
	if socket == "" {
		return nil
	}
	c, err := net.Dial("unixgram", socket)
	if err != nil {
		return fmt.Errorf("notify: %w", err)
	}
	defer c.Close()
	_, err = io.WriteString(c, message)
	return err
}
