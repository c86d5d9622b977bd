package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"slashdev/init/children"
	"slashdev/init/initreq"
	"slashdev/init/line"
	"slashdev/init/linux"
)

// Where others reach PID 1.
const (
	fifoPath    = "/run/initctl"
	controlPath = "/run/slashdev/init.sock"
	notifyPath  = "/run/slashdev/notify"
)

const (
	maxClients    = 16
	clientTimeout = 10 * time.Second // for one request and its reply
)

// The exit codes that the reply to a refused request carries (design 7).
const (
	codeFailed   = 1
	codeUsage    = 2
	codeNotFound = 3
	codeRefused  = 4
)

// refusal is an error with its code.
type refusal struct {
	code int
	err  error
}

func (r *refusal) Error() string { return r.err.Error() }

func refuse(code int, format string, args ...any) error {
	return &refusal{code, fmt.Errorf(format, args...)}
}

// serveControl answers clients, a goroutine each, at most maxClients at once.
func (m *machine) serveControl(l *linux.Listener) {
	slots := make(chan struct{}, maxClients)
	for {
		conn, uid, err := l.Accept()
		if errors.Is(err, os.ErrClosed) {
			return
		}
		if err != nil { // out of descriptors: a client must leave first
			slots <- struct{}{}
			<-slots
			continue
		}
		slots <- struct{}{}
		go func() {
			defer func() { <-slots }()
			m.serveClient(conn, uid)
		}()
	}
}

func (m *machine) serveClient(conn *os.File, uid uint32) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(clientTimeout))
	var out []byte
	words, err := readRequest(conn)
	if err == nil && uid != 0 {
		err = refuse(codeRefused, "only root may ask PID 1")
	}
	if err == nil {
		out, err = m.ask(words)
	}
	_, _ = conn.Write(finish(out, err)) // the client may have left
}

// finish ends a reply with its verdict.
func finish(out []byte, err error) []byte {
	if err == nil {
		return append(out, "ok\n"...)
	}
	code := codeUsage
	if r, ok := errors.AsType[*refusal](err); ok {
		code = r.code
	}
	return append(line.Append(out, "err", strconv.Itoa(code), err.Error()), '\n')
}

// readRequest reads up to the newline, or the end, but never more than a line.
func readRequest(r io.Reader) ([]string, error) {
	buf := make([]byte, 0, line.Max+1)
	for len(buf) < cap(buf) {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if n > 0 && buf[len(buf)-1] == '\n' || errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	return initreq.Line(buf)
}

// ask brings a request to the loop and waits for the reply.
func (m *machine) ask(words []string) (out []byte, err error) {
	done := make(chan struct{})
	err = refuse(codeFailed, "internal error: see the console")
	m.post(func() {
		defer close(done)
		out, err = m.request(words)
	})
	<-done
	return out, err
}

// request acts on one request. The loop calls it.
func (m *machine) request(words []string) ([]byte, error) {
	verb, args := words[0], words[1:]
	switch verb {
	case "ls", "status", "halt", "poweroff", "reboot":
		if len(args) > 0 {
			return nil, refuse(codeUsage, "%s takes no argument", verb)
		}
		return m.whole(verb), nil
	case "start", "stop", "restart":
		if len(args) != 1 {
			return nil, refuse(codeUsage, "%s needs one NAME", verb)
		}
		return nil, m.single(verb, args[0])
	}
	return nil, refuse(codeUsage, "unknown request %q: use ls, status, start, stop, restart, halt, poweroff or reboot", verb)
}

func (m *machine) whole(verb string) []byte {
	switch verb {
	case "ls":
		return m.list()
	case "status":
		return m.state()
	case "halt":
		m.shutdown(halted, "asked for")
	case "poweroff":
		m.shutdown(off, "asked for")
	case "reboot":
		m.shutdown(restart, "asked for")
	}
	return nil
}

func (m *machine) single(verb, name string) error {
	u := m.unit(name)
	if u == nil {
		return refuse(codeNotFound, "no program %s: try ls", name)
	}
	if m.ending != nil {
		return refuse(codeRefused, "the machine is going down")
	}
	if m.stage == settling && u.role >= program {
		return refuse(codeRefused, "%s: the machine is still booting", name)
	}
	kinds := map[string]children.Kind{"start": children.Start, "stop": children.Stop, "restart": children.Restart}
	m.tell(u, children.Event{Kind: kinds[verb]})
	return nil
}

func (m *machine) list() []byte {
	var out []byte
	for _, u := range m.units {
		out = append(m.describe(append(out, '='), u), '\n')
	}
	return out
}

func (m *machine) describe(out []byte, u *unit) []byte {
	state := string(u.State)
	if u.State == children.Up && u.notifies && !u.ready {
		state = "starting"
	}
	out = line.Pair(out, "name", u.Name)
	out = line.Pair(out, "state", state)
	out = line.Pair(out, "pid", strconv.Itoa(u.proc.Pid))
	out = line.Pair(out, "restarts", strconv.Itoa(max(u.Starts-1, 0)))
	out = line.Pair(out, "exit", exitText(u.Code))
	out = line.Pair(out, "since", strconv.Itoa(int(time.Since(u.Since).Seconds())))
	return line.Pair(out, "status", u.status)
}

func exitText(code int) string {
	if code < 0 {
		return ""
	}
	return strconv.Itoa(code)
}

func (m *machine) state() []byte {
	stage := [...]string{settling: "booting", starting: "starting", ready: "ready"}[m.stage]
	if m.ending != nil {
		stage = "ending"
	}
	out := line.Pair([]byte{'='}, "stage", stage)
	out = line.Pair(out, "uptime", strconv.Itoa(int(time.Since(m.started).Seconds())))
	return append(out, '\n')
}
