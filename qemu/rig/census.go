package rig

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"slashdev/init/line"
)

// Ask sends a request to the control socket of our init and returns the reply
// without its last line; a refusal is an error.
func (m *Machine) Ask(ctx context.Context, words ...string) (string, error) {
	var c net.Conn
	var err error
	if e := m.Until(ctx, "room for a client", func() bool {
		c, err = net.Dial("unix", m.Path("/run/slashdev/init.sock"))
		return !errors.Is(err, syscall.EAGAIN)
	}); e != nil || err != nil {
		return "", errors.Join(e, err)
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Now()) })
	defer stop()
	request := line.Append(nil, words...)
	if _, err := c.Write(append(request, '\n')); err != nil {
		return "", err
	}
	reply, err := io.ReadAll(c)
	if err != nil {
		return "", fmt.Errorf("ask %s: %w", request, err)
	}
	body, ok := strings.CutSuffix(string(reply), "ok\n")
	if !ok {
		return "", fmt.Errorf("ask %s: %s", request, reply)
	}
	return body, nil
}

// Process is one process of the machine, from its /proc.
type Process struct {
	Pid, Parent int
	Name, State string
}

// Processes lists the machine's processes, as it counts them.
func (m *Machine) Processes() ([]Process, error) {
	list, err := os.ReadDir(m.Path("/proc"))
	if err != nil {
		return nil, err
	}
	var all []Process
	for _, e := range list {
		if _, err := strconv.Atoi(e.Name()); err != nil {
			continue
		}
		text, err := os.ReadFile(m.Path("/proc/" + e.Name() + "/stat"))
		if err != nil {
			continue // it has ended
		}
		all = append(all, parseStat(string(text)))
	}
	return all, nil
}

// parseStat reads proc_pid_stat(5). The name may hold anything.
func parseStat(text string) (p Process) {
	from, to := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
	if from < 0 || to < from {
		return p
	}
	p.Name = text[from+1 : to]
	_, _ = fmt.Sscan(text, &p.Pid)
	_, _ = fmt.Sscan(text[to+1:], &p.State, &p.Parent)
	return p
}

// Zombies counts those that have ended and whom PID 1 has not collected.
func (m *Machine) Zombies() (n int, err error) {
	all, err := m.Processes()
	for _, p := range all {
		if p.State == "Z" && p.Parent == 1 {
			n++
		}
	}
	return n, err
}

// Vitals are what PID 1 takes of the machine.
type Vitals struct {
	RSS         int // kB
	Threads     int
	Descriptors int
}

// Vitals measures PID 1.
func (m *Machine) Vitals() (v Vitals, err error) {
	text, err := os.ReadFile(m.hostProc("status"))
	for l := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(l, ":")
		switch key {
		case "VmRSS":
			_, _ = fmt.Sscan(value, &v.RSS)
		case "Threads":
			_, _ = fmt.Sscan(value, &v.Threads)
		}
	}
	list, e := os.ReadDir(m.hostProc("fd"))
	v.Descriptors = len(list)
	return v, errors.Join(err, e)
}

func (m *Machine) hostProc(name string) string {
	return "/proc/" + strconv.Itoa(m.Pid) + "/" + name
}

// Until asks found again and again, a hundredth of a second apart, for what
// makes no event. It ends with the machine too.
func (m *Machine) Until(ctx context.Context, what string, found func() bool) error {
	each := time.NewTicker(10 * time.Millisecond)
	defer each.Stop()
	for !found() {
		select {
		case <-each.C:
		case <-m.ended:
			return fmt.Errorf("%s: %s", what, m.end)
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", what, context.Cause(ctx))
		}
	}
	return nil
}
