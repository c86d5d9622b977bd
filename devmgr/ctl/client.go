package ctl

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"os"
	"syscall"
	"time"

	"slashdev/init/line"
)

// answerTime is how long a client waits for the first line of an answer that
// should come at once.
const answerTime = 60 * time.Second

// Client is a connection to a daemon. It is for one goroutine.
type Client struct {
	conn net.Conn
	in   *bufio.Reader
	path string
}

// A daemon that is being started again, or has as many clients as it takes, is
// asked again for so long.
const (
	patience = 2 * time.Second
	pause    = 20 * time.Millisecond
)

// Dial connects to the socket at path.
func Dial(path string) (*Client, error) {
	conn, err := persist(func() (net.Conn, error) { return net.DialTimeout("unix", path, 5*time.Second) })
	if err != nil {
		return nil, Errorf(Unreachable, "connect %s: %s", path, cause(err))
	}
	return &Client{conn: conn, in: bufio.NewReaderSize(conn, maxReply), path: path}, nil
}

func persist(connect func() (net.Conn, error)) (net.Conn, error) {
	again := time.NewTicker(pause) // nothing tells when a daemon listens
	defer again.Stop()
	for end := time.Now().Add(patience); ; <-again.C {
		conn, err := connect()
		busy := errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.EAGAIN)
		if !busy || time.Now().After(end) {
			return conn, err
		}
	}
}

// cause takes the layers off that repeat the path.
func cause(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err
	}
	if sys, ok := errors.AsType[*os.SyscallError](err); ok {
		err = sys.Err
	}
	return err
}

// Close closes the connection.
func (c *Client) Close() error { return c.conn.Close() }

// Do sends a request and returns the records of the answer. An answer that is
// not "ok" is an *Error.
func (c *Client) Do(words ...string) ([]Record, error) {
	var records []Record
	for r, err := range c.stream(answerTime, words) {
		if err != nil {
			return records, err
		}
		records = append(records, r)
	}
	return records, nil
}

// Stream sends a request and yields its records as they come, without a limit
// in time. An error ends it.
func (c *Client) Stream(words ...string) iter.Seq2[Record, error] { return c.stream(0, words) }

func (c *Client) stream(limit time.Duration, words []string) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		if err := c.send(words); err != nil {
			yield(nil, err)
			return
		}
		for {
			r, done, err := c.receive(limit)
			if err != nil || done {
				if err != nil {
					yield(nil, err)
				}
				return
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (c *Client) send(words []string) error {
	request := append(line.Append(nil, words...), '\n')
	if len(request) > line.Max {
		return Errorf(Usage, "request is longer than %d bytes", line.Max)
	}
	if _, err := c.conn.Write(request); err != nil {
		// The daemon may have said why before it closed.
		if _, _, rerr := c.receive(time.Second); rerr != nil {
			return rerr
		}
		return Errorf(Unreachable, "write %s: %s", c.path, cause(err))
	}
	return nil
}

func (c *Client) receive(limit time.Duration) (Record, bool, error) {
	var deadline time.Time
	if limit > 0 {
		deadline = time.Now().Add(limit)
	}
	c.conn.SetReadDeadline(deadline)
	text, err := c.in.ReadSlice('\n')
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, false, Errorf(Timeout, "%s: no answer", c.path)
	case errors.Is(err, io.EOF):
		return nil, false, Errorf(Unreachable, "%s: connection closed by the daemon", c.path)
	case err != nil:
		return nil, false, Errorf(Unreachable, "read %s: %s", c.path, cause(err))
	}
	r, done, err := parseReply(string(text[:len(text)-1]))
	if _, ok := errors.AsType[*Error](err); err != nil && !ok {
		err = fmt.Errorf("%s: %w", c.path, err)
	}
	return r, done, err
}

// ExitCode returns the exit code that stands for err.
func ExitCode(err error) int {
	if err == nil {
		return 0
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return Failed
}
