package udevctl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"slashdev/devmgr/ctl"
)

const (
	network    = "unixpacket"
	maxClients = 16
	orderTime  = 30 * time.Second // for all orders of a client to arrive
)

// Listen makes the socket.
func Listen(path string) (*net.UnixListener, error) { return ctl.Listen(network, path, 0o600) }

// Serve obeys the orders that come in on l until ctx ends. obey runs on a
// goroutine of the client.
func Serve(ctx context.Context, l *net.UnixListener, obey func(context.Context, Message)) error {
	serve := func(ctx context.Context, conn *net.UnixConn) { client(ctx, l, conn, obey) }
	full := func(conn *net.UnixConn) { conn.Close() }
	return ctl.Clients{Most: maxClients, Serve: serve, Full: full}.Accept(ctx, l)
}

// client reads orders until End. Exit is the last thing that is done, and who
// ordered it waits until we are gone.
func client(ctx context.Context, l *net.UnixListener, conn *net.UnixConn, obey func(context.Context, Message)) {
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	conn.SetReadDeadline(time.Now().Add(orderTime))
	if !ctl.FromRoot(conn) {
		return
	}
	exit := false
	var buf [size + 1]byte
	for {
		n, err := conn.Read(buf[:])
		if err != nil || n == 0 {
			return
		}
		m, err := Parse(buf[:n])
		if err != nil {
			return
		}
		switch {
		case m.Kind == Exit:
			exit = true
		case m.Kind != End:
			obey(ctx, m)
		case exit:
			obey(ctx, Message{Kind: Exit})
			<-ctx.Done()
			l.Close() // the socket is gone before the client hears so
			return
		default:
			return
		}
	}
}

// Send gives orders to the device manager behind path and waits until it has
// obeyed.
func Send(path string, limit time.Duration, orders ...Message) error {
	conn, err := net.DialTimeout(network, path, limit)
	if err != nil {
		return ctl.Errorf(ctl.Unreachable, "connect %s: %s", path, err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(limit))
	for _, m := range append(orders, Message{Kind: End}) {
		b, err := m.Append(nil)
		if err != nil {
			return err
		}
		if _, err := conn.Write(b); err != nil {
			return fmt.Errorf("write %s: %w", path, err)
		}
	}
	var buf [1]byte
	switch _, err := conn.Read(buf[:]); {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return ctl.Errorf(ctl.Timeout, "%s: no answer in %s", path, limit)
	case err != nil && !errors.Is(err, io.EOF):
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}
