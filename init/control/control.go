// Package control is how others reach PID 1: it reads their requests, one
// goroutine each, hands them on and writes the answers. It decides nothing and
// keeps nothing.
package control

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"time"

	"slashdev/init/initreq"
	"slashdev/init/ipc"
	"slashdev/init/line"
)

const (
	maxClients    = 16
	clientTimeout = 10 * time.Second // for one request and its reply; who asks may be starved (E-06)
	backOff       = 100 * time.Millisecond
)

// The exit codes that the reply to a refused request carries.
const (
	Failed   = 1
	Usage    = 2
	NotFound = 3
	Refused  = 4
)

// Refusal is an error with its code.
type Refusal struct {
	Code int
	Err  error
}

func (r *Refusal) Error() string { return r.Err.Error() }

// Refuse makes a Refusal.
func Refuse(code int, format string, args ...any) error {
	return &Refusal{code, fmt.Errorf(format, args...)}
}

// Listener accepts clients and says which user each one is.
type Listener interface {
	Accept() (conn *os.File, uid uint32, err error)
}

// Ask answers a request with the lines of the reply.
type Ask func(words []string) ([]byte, error)

// Serve answers clients, at most 16 at once, until the listener is closed or
// interrupted. Then it waits for those whom it has let in.
func Serve(l Listener, ask Ask) {
	slots := make(chan struct{}, maxClients)
	var serving sync.WaitGroup
	defer serving.Wait()
	for {
		slots <- struct{}{}
		conn, uid, err := l.Accept()
		if over(err) {
			return
		}
		if err != nil { // out of descriptors: a client must leave first (E-03)
			<-time.After(backOff)
			<-slots
			continue
		}
		serving.Go(func() {
			defer func() { <-slots }()
			serve(conn, uid, ask)
		})
	}
}

func serve(conn *os.File, uid uint32, ask Ask) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(clientTimeout))
	var out []byte
	words, err := Read(conn)
	if err == nil && uid != 0 {
		err = Refuse(Refused, "only root may ask PID 1")
	}
	if err == nil {
		out, err = ask(words)
	}
	_, _ = conn.Write(Finish(out, err)) // the client may have left
}

// Finish ends a reply with its verdict.
func Finish(out []byte, err error) []byte {
	if err == nil {
		return append(out, "ok\n"...)
	}
	code := Usage
	if r, ok := errors.AsType[*Refusal](err); ok {
		code = r.Code
	}
	return append(line.Append(out, "err", strconv.Itoa(code), err.Error()), '\n')
}

// Read reads a request up to the newline, or the end, but never more than a
// line.
func Read(r io.Reader) ([]string, error) {
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

// ReadInitctl hands on the requests of an initctl FIFO until it is closed or
// interrupted. One write of 384 bytes is atomic; what does not begin with a
// whole request is thrown away with all that is behind it (devfs-semantics D.3).
func ReadInitctl(f io.Reader, act func(initreq.Request), bad func(error)) {
	buf := make([]byte, initreq.Size)
	drain := make([]byte, 64<<10)
	for {
		n, err := f.Read(buf)
		if over(err) {
			return
		}
		r, err := initreq.Decode(buf[:n])
		if err != nil {
			_, _ = f.Read(drain)
			bad(err)
			continue
		}
		act(r)
	}
}

// Receiver receives datagrams.
type Receiver interface {
	Receive(buf []byte) (ipc.Datagram, error)
}

// ReadNotices hands on sd_notify messages until the socket is closed or
// interrupted.
func ReadNotices(d Receiver, act func(ipc.Datagram)) {
	buf := make([]byte, 4096)
	for {
		g, err := d.Receive(buf)
		if over(err) {
			return
		}
		if err == nil {
			act(g)
		}
	}
}
