package udevctl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"sync"
	"time"

	"slashdev/devmgr/ctl"
)

const (
	network    = "unixpacket"
	maxClients = 16
	orderTime  = 30 * time.Second // for all orders of a client to arrive
)

// Listen makes the socket. One that another device manager answers on is left
// to it.
func Listen(path string) (*net.UnixListener, error) {
	if conn, err := net.DialTimeout(network, path, time.Second); err == nil {
		conn.Close()
		return nil, fmt.Errorf("listen %s: another device manager answers there", path)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("listen %s: %w", path, err)
	}
	l, err := net.ListenUnix(network, &net.UnixAddr{Name: path, Net: network})
	if err != nil {
		return nil, fmt.Errorf("listen %s: %w", path, err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, fmt.Errorf("listen %s: %w", path, err)
	}
	return l, nil
}

// Serve obeys the orders that come in on l until ctx ends. obey runs on a
// goroutine of the client.
func Serve(ctx context.Context, l *net.UnixListener, obey func(context.Context, Message)) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	slots := make(chan struct{}, maxClients)
	for {
		conn, err := l.AcceptUnix()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("accept udev control: %w", err)
		}
		select {
		case slots <- struct{}{}:
			wg.Go(func() {
				defer func() { <-slots }()
				client(ctx, l, conn, obey)
			})
		default:
			conn.Close()
		}
	}
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
