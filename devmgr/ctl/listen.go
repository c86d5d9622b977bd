package ctl

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"sync"
	"time"
)

// Listen makes a socket of network unix or unixpacket. One that nobody listens
// on any more is replaced; one that somebody answers on is an error.
func Listen(network, path string, mode fs.FileMode) (*net.UnixListener, error) {
	if conn, err := net.DialTimeout(network, path, time.Second); err == nil {
		conn.Close()
		return nil, fmt.Errorf("listen %s: another daemon answers there", path)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("listen %s: %w", path, err)
	}
	l, err := net.ListenUnix(network, &net.UnixAddr{Name: path, Net: network})
	if err != nil {
		return nil, fmt.Errorf("listen %s: %w", path, cause(err))
	}
	if err := os.Chmod(path, mode); err != nil {
		l.Close()
		return nil, fmt.Errorf("listen %s: %w", path, err)
	}
	return l, nil
}

// Clients says what becomes of those who connect. Both functions close the
// connection.
type Clients struct {
	Most  int // served at a time, each on a goroutine; a quarter may be of one user but root
	Serve func(context.Context, *net.UnixConn)
	Full  func(*net.UnixConn) // for those beyond
}

// Accept serves the clients of l until ctx ends, or l is closed, and then waits
// for them.
func (c Clients) Accept(ctx context.Context, l *net.UnixListener) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	places := slots{most: c.Most, perUser: (c.Most + 3) / 4}
	for {
		conn, err := accept(ctx, l)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("accept %s: %w", l.Addr(), cause(err))
		}
		release, ok := places.of(conn)
		if !ok {
			c.Full(conn)
			continue
		}
		wg.Go(func() {
			defer release()
			c.Serve(ctx, conn)
		})
	}
}
