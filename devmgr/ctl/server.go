package ctl

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"time"

	"slashdev/init/line"
)

// Server answers requests on one socket.
type Server struct {
	Path string
	Mode fs.FileMode // of the socket, such as 0600
	// RootOnly refuses clients of other users, whatever the mode of the socket.
	RootOnly bool
	// Handle answers one request. What it returns is sent as "ok" or "err".
	// It runs on a goroutine of the client; ctx ends with the connection.
	Handle func(ctx context.Context, words []string, w *Writer) error
	Logf   func(format string, args ...any) // nil: silent
}

const (
	maxClients  = 64
	requestTime = 30 * time.Second // for a request to arrive
	writeTime   = 30 * time.Second // for a client to take a piece of an answer
)

// Listen makes the socket.
func (s *Server) Listen() (*net.UnixListener, error) { return Listen("unix", s.Path, s.Mode) }

// Serve answers on l until ctx ends, then waits for the clients' goroutines.
func (s *Server) Serve(ctx context.Context, l *net.UnixListener) error {
	full := func(conn *net.UnixConn) { refuse(conn, Errorf(Failed, "too many clients")) }
	return Clients{maxClients, s.client, full}.Accept(ctx, l)
}

func refuse(conn *net.UnixConn, e *Error) {
	conn.SetWriteDeadline(time.Now().Add(time.Second))
	conn.Write(appendError(nil, e))
	conn.Close()
}

func (s *Server) client(ctx context.Context, conn *net.UnixConn) {
	defer conn.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if s.RootOnly && !FromRoot(conn) {
		refuse(conn, Errorf(Refused, "permission denied: this socket is for root"))
		return
	}
	in := bufio.NewReaderSize(conn, line.Max)
	for s.request(ctx, conn, in) {
	}
}

// request answers one request and says whether another may follow.
func (s *Server) request(ctx context.Context, conn *net.UnixConn, in *bufio.Reader) bool {
	conn.SetReadDeadline(time.Now().Add(requestTime))
	if ctx.Err() != nil { // looked at after the deadline, which its end sets too
		return false
	}
	text, err := in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		refuse(conn, Errorf(Usage, "request is longer than %d bytes", line.Max))
		return false
	}
	if err != nil {
		return false
	}
	w := &Writer{conn: conn}
	words, err := line.Split(string(text[:len(text)-1]))
	if err != nil {
		return w.finish(Errorf(Usage, "request: %s", err)) == nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// While the handler works the client says nothing: a read that ends is
	// the client going away, which a handler that waits must hear of.
	conn.SetReadDeadline(time.Time{})
	done := make(chan struct{})
	go func() { defer close(done); defer cancel(); in.Peek(1) }()
	err = s.handle(ctx, words, w)
	err = w.finish(err)
	conn.SetReadDeadline(time.Unix(1, 0))
	<-done
	return err == nil
}

// handle keeps a request that makes the handler panic from ending the daemon.
func (s *Server) handle(ctx context.Context, words []string, w *Writer) (err error) {
	defer func() {
		if p := recover(); p != nil {
			s.logf("control: request %q: panic: %v", clip(fmt.Sprint(words)), p)
			err = Errorf(Failed, "internal error")
		}
	}()
	if len(words) == 0 {
		return Errorf(Usage, "empty request")
	}
	return s.Handle(ctx, words, w)
}

func (s *Server) logf(format string, args ...any) {
	if s.Logf != nil {
		s.Logf(format, args...)
	}
}

// Writer sends the records of an answer. It is for one goroutine.
type Writer struct {
	conn *net.UnixConn
	buf  []byte
	err  error
}

// flushAt is when records that were collected are sent.
const flushAt = 16 << 10

// Record adds one record: key, value, key, value ...
func (w *Writer) Record(pairs ...string) error {
	w.buf = append(w.buf, '=')
	for i := 0; i+1 < len(pairs); i += 2 {
		w.buf = line.Pair(w.buf, pairs[i], pairs[i+1])
	}
	w.buf = append(w.buf, '\n')
	if len(w.buf) >= flushAt {
		return w.Flush()
	}
	return w.err
}

// Flush sends what was collected. A client that does not read is given up.
func (w *Writer) Flush() error {
	if w.err == nil && len(w.buf) > 0 {
		w.conn.SetWriteDeadline(time.Now().Add(writeTime))
		_, w.err = w.conn.Write(w.buf)
	}
	w.buf = w.buf[:0]
	return w.err
}

func (w *Writer) finish(err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		w.buf = appendError(w.buf, e)
	} else if err != nil {
		w.buf = appendError(w.buf, &Error{Failed, err.Error()})
	} else {
		w.buf = append(w.buf, "ok\n"...)
	}
	return w.Flush()
}
