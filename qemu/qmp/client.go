// Package qmp speaks the QEMU Machine Protocol: one JSON object per line,
// commands with replies, and events in between.
//
// A Client works on any stream, so that its tests need no QEMU. Its methods
// may be called from any goroutine. Events are kept in a bounded log with
// positions: take Mark before the command whose event you want, and WaitEvent
// cannot miss it however fast it comes.
package qmp

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// maxMessage bounds one line from QEMU; query-qmp-schema is the longest.
const maxMessage = 4 << 20

// maxEvents bounds the event log; the oldest events are forgotten first.
const maxEvents = 512

// ErrClosed is what calls return when the connection has ended.
var ErrClosed = errors.New("qmp connection closed")

// Error is QEMU's refusal of a command.
type Error struct {
	Command string
	Class   string
	Desc    string
}

func (e *Error) Error() string { return fmt.Sprintf("qmp %s: %s: %s", e.Command, e.Class, e.Desc) }

// ProtocolError is a message that is not QMP.
type ProtocolError struct {
	Message string
	Err     error
}

func (e *ProtocolError) Error() string { return fmt.Sprintf("qmp message %.80q: %v", e.Message, e.Err) }

func (e *ProtocolError) Unwrap() error { return e.Err }

// Client is one connection to a QEMU process.
type Client struct {
	conn io.ReadWriteCloser
	done sync.WaitGroup

	writing sync.Mutex // one command line at a time; never held while waiting for a reply

	mu      sync.Mutex
	nextID  uint64
	pending map[uint64]chan message
	log     eventLog
	err     error         // why the reader stopped
	closed  chan struct{} // closed with err
}

type message struct {
	Greeting json.RawMessage `json:"QMP"`
	ID       *uint64         `json:"id"`
	Return   json.RawMessage `json:"return"`
	Error    *struct {
		Class string `json:"class"`
		Desc  string `json:"desc"`
	} `json:"error"`
	Event string          `json:"event"`
	Data  json.RawMessage `json:"data"`
}

// Open waits for the greeting on conn and leaves negotiation mode. The client
// owns conn from then on, also when Open fails.
func Open(ctx context.Context, conn io.ReadWriteCloser) (*Client, error) {
	c := &Client{conn: conn, pending: map[uint64]chan message{}, closed: make(chan struct{})}
	c.log.changed = make(chan struct{})
	greeted := make(chan struct{})
	c.done.Go(func() { c.read(greeted) })
	select {
	case <-greeted:
	case <-c.closed:
		return nil, errors.Join(fmt.Errorf("qmp greeting: %w", c.reason()), c.Close())
	case <-ctx.Done():
		return nil, errors.Join(fmt.Errorf("qmp greeting: %w", context.Cause(ctx)), c.Close())
	}
	if err := c.Execute(ctx, "qmp_capabilities", nil, nil); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// Close ends the connection and waits for the reader.
func (c *Client) Close() error {
	err := c.conn.Close()
	c.done.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// Closed is closed when the connection has ended.
func (c *Client) Closed() <-chan struct{} { return c.closed }

// Execute runs a command and decodes what it returns into result, if not nil.
func (c *Client) Execute(ctx context.Context, command string, args, result any) error {
	id, reply := c.register()
	defer c.forget(id)
	if err := c.send(id, command, args); err != nil {
		return fmt.Errorf("qmp %s: %w", command, err)
	}
	select {
	case m := <-reply:
		return m.decode(command, result)
	case <-c.closed:
		return c.lateReply(reply, command, result)
	case <-ctx.Done():
		return fmt.Errorf("qmp %s: %w", command, context.Cause(ctx))
	}
}

// lateReply prefers a reply that came just before the end, as quit's does.
func (c *Client) lateReply(reply <-chan message, command string, result any) error {
	select {
	case m := <-reply:
		return m.decode(command, result)
	default:
		return fmt.Errorf("qmp %s: %w", command, c.reason())
	}
}

func (m message) decode(command string, result any) error {
	if m.Error != nil {
		return &Error{Command: command, Class: m.Error.Class, Desc: m.Error.Desc}
	}
	if result == nil {
		return nil
	}
	if err := json.Unmarshal(m.Return, result); err != nil {
		return fmt.Errorf("qmp %s: result: %w", command, err)
	}
	return nil
}

func (c *Client) register() (uint64, chan message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.nextID++
	reply := make(chan message, 1)
	c.pending[c.nextID] = reply
	return c.nextID, reply
}

func (c *Client) forget(id uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.pending, id)
}

func (c *Client) send(id uint64, command string, args any) error {
	request := struct {
		Execute   string `json:"execute"`
		Arguments any    `json:"arguments,omitempty"`
		ID        uint64 `json:"id"`
	}{command, args, id}
	text, err := json.Marshal(request)
	if err != nil {
		return err
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	_, err = c.conn.Write(append(text, '\n'))
	return err
}

func (c *Client) reason() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

func (c *Client) read(greeted chan<- struct{}) {
	err := c.readAll(greeted)
	c.mu.Lock()
	c.err = err
	c.mu.Unlock()
	close(c.closed)
}

func (c *Client) readAll(greeted chan<- struct{}) error {
	lines := bufio.NewScanner(c.conn)
	lines.Buffer(make([]byte, 0, 4096), maxMessage)
	for lines.Scan() {
		m, err := parse(lines.Bytes())
		if err != nil {
			return err
		}
		if m.Greeting != nil && greeted != nil {
			close(greeted)
			greeted = nil
			continue
		}
		c.deliver(m)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%w: %w", ErrClosed, err)
	}
	return ErrClosed
}

// parse decodes one line from QEMU.
func parse(text []byte) (message, error) {
	var m message
	if err := json.Unmarshal(text, &m); err != nil {
		return m, &ProtocolError{Message: string(text), Err: err}
	}
	return m, nil
}

func (c *Client) deliver(m message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if m.Event != "" {
		c.log.add(Event{Name: m.Event, Data: m.Data})
		return
	}
	if m.ID == nil {
		return
	}
	if reply, ok := c.pending[*m.ID]; ok {
		reply <- m
		delete(c.pending, *m.ID)
	}
}
