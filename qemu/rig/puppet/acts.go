package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// act does what the test says: a verb and one argument.
func act(verb, arg string) (string, error) {
	switch verb {
	case "exit":
		code, err := strconv.Atoi(arg)
		if err == nil {
			os.Exit(code)
		}
		return "", err
	case "ignore":
		signal.Ignore(syscall.SIGTERM)
		return "", nil
	case "nothing":
		return "", nil
	case "memory":
		return "", hoard()
	case "env":
		return strings.Join(os.Environ(), "\n"), nil
	case "run":
		return run(strings.Fields(arg))
	case "limit":
		return "", limit(arg)
	case "print":
		_, err := fmt.Println(arg)
		return "", err
	case "count":
		return "", count(arg)
	case "store":
		return "", store(arg)
	case "flood":
		return "", flood(arg)
	case "notify":
		return notify(strings.ReplaceAll(arg, `\n`, "\n"))
	case "spawn":
		return spawn(arg)
	case "kill":
		return "", kill(arg)
	case "orphans":
		n, err := strconv.Atoi(arg)
		if err == nil {
			err = orphans(n)
		}
		return "", err
	case "zombies":
		n, err := strconv.Atoi(arg)
		if err == nil {
			err = zombies(n)
		}
		return "", err
	case "fill":
		return fill(arg)
	case "remove":
		return "", os.Remove(arg)
	case "cgroup":
		text, err := os.ReadFile("/proc/self/cgroup")
		return string(text), err
	}
	return "", errors.New("unknown act " + verb)
}

// descriptors lists what is open, but for the folder that is being read. It is
// called first in main, before we open anything ourselves.
func descriptors() string {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err.Error()
	}
	var all []string
	for _, e := range list {
		if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil {
			all = append(all, e.Name()+" "+to)
		}
	}
	return strings.Join(all, "\n")
}

// run runs a program to its end, or for five seconds, and returns how it ended
// and what it said.
func run(words []string) (string, error) {
	if len(words) == 0 {
		return "", errors.New("run what?")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, words[0], words[1:]...).CombinedOutput()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		return failed.String() + ": " + string(out), nil
	}
	return "exit status 0: " + string(out), err
}

// count prints the numbers "FROM TO" aside, a line each.
func count(arg string) error {
	var from, to int
	if _, err := fmt.Sscan(arg, &from, &to); err != nil {
		return err
	}
	go func() {
		for n := from; n < to; n++ {
			fmt.Println(n)
		}
	}()
	return nil
}

// store gives our init an open file without a name to keep, and waits until it
// has taken it (BARRIER=1 of sd_notify(3)).
func store(name string) error {
	f, err := os.CreateTemp("/tmp", name)
	if err != nil {
		return err
	}
	defer f.Close()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	to := &unix.SockaddrUnix{Name: os.Getenv("NOTIFY_SOCKET")}
	err = errors.Join(
		os.Remove(f.Name()),
		unix.Sendmsg(fd, []byte("FDSTORE=1\nFDNAME="+name), unix.UnixRights(int(f.Fd())), to, 0),
		unix.Sendmsg(fd, []byte("BARRIER=1"), unix.UnixRights(int(w.Fd())), to, 0),
		w.Close(),
		r.SetReadDeadline(time.Now().Add(time.Minute)),
	)
	if err == nil {
		_, err = r.Read(make([]byte, 1))
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// flood writes so many bytes without a newline. It may block for as long as
// nobody reads them, therefore aside.
func flood(arg string) error {
	n, err := strconv.Atoi(arg)
	if err != nil {
		return err
	}
	go func() {
		chunk := bytes.Repeat([]byte("x"), 64<<10)
		for n > 0 {
			written, err := os.Stdout.Write(chunk[:min(n, len(chunk))])
			if err != nil {
				return
			}
			n -= written
		}
	}()
	return nil
}

// notify sends one message to the init that we have been told of.
func notify(text string) (string, error) {
	c, err := net.Dial("unixgram", os.Getenv("NOTIFY_SOCKET"))
	if err != nil {
		return "", err
	}
	defer c.Close()
	if _, err = c.Write([]byte(text)); errors.Is(err, syscall.EAGAIN) {
		return "the queue is full", nil
	}
	return "", err
}

// spawn starts another puppet in a session of its own and returns its pid.
// Nobody here waits for it.
func spawn(name string) (string, error) {
	p, err := os.StartProcess("/proc/self/exe", []string{name}, &os.ProcAttr{
		Env: os.Environ(), Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}, Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return "", err
	}
	return strconv.Itoa(p.Pid), p.Release()
}

// kill sends "PID SIGNAL TIMES".
func kill(arg string) error {
	var pid, sig, times int
	if _, err := fmt.Sscan(arg, &pid, &sig, &times); err != nil {
		return err
	}
	for range times {
		if err := unix.Kill(pid, syscall.Signal(sig)); err != nil {
			return err
		}
	}
	return nil
}

// limit leaves a tmpfs little more room than it uses.
func limit(path string) error {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return err
	}
	size := (st.Blocks-st.Bfree)*uint64(st.Bsize) + 128<<10
	return unix.Mount("", path, "", unix.MS_REMOUNT, fmt.Sprintf("size=%d", size))
}

// hoard takes all the memory that there is, and dies of it.
func hoard() error {
	for all := [][]byte{}; ; {
		all = append(all, bytes.Repeat([]byte("m"), 1<<20))
		if len(all) > 1<<12 {
			return errors.New("4 GiB and no end: not limited")
		}
	}
}

// fill writes into a file until there is no room, and returns the error.
func fill(path string) (string, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return "", err
	}
	defer f.Close()
	for _, size := range []int{1 << 20, 4096} { // the last pages too
		chunk := make([]byte, size)
		err = nil
		for n := 0; err == nil && n < 64; n++ {
			_, err = f.Write(chunk)
		}
	}
	if err == nil {
		return "", errors.New("64 MiB and no end: not limited")
	}
	return err.Error(), nil
}
