package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"slashdev/devmgr/watch"
	"slashdev/init/line"
)

// maxListeners bounds the clients of the event socket.
const maxListeners = 64

// listenEvents opens the socket that sends a packet for each event, to anyone.
func listenEvents(cfg Config) (*net.UnixListener, error) {
	path := filepath.Join(cfg.Run, "events")
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("listen %s: %w", path, err)
	}
	l, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: path, Net: "unixpacket"})
	if err != nil {
		return nil, fmt.Errorf("listen %s: %w", path, err)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		l.Close()
		return nil, fmt.Errorf("listen %s: %w", path, err)
	}
	return l, nil
}

// serveEvents serves l until ctx ends.
func (d *daemon) serveEvents(ctx context.Context, l *net.UnixListener) {
	var wg sync.WaitGroup
	defer wg.Wait()
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	slots := make(chan struct{}, maxListeners)
	for {
		conn, err := l.AcceptUnix()
		if err != nil {
			if ctx.Err() == nil {
				d.cfg.Logf("events: %v", err)
			}
			return
		}
		select {
		case slots <- struct{}{}:
			wg.Go(func() {
				defer func() { <-slots }()
				d.sendEvents(ctx, conn)
			})
		default:
			conn.Close()
		}
	}
}

// sendEvents sends a packet a record until the client goes. The first says
// that nothing is missed from now on.
func (d *daemon) sendEvents(ctx context.Context, conn *net.UnixConn) {
	defer conn.Close()
	sub := d.hub.Subscribe(0)
	defer sub.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	go func() { // a client says nothing: what ends this read is its end
		defer cancel()
		_, _ = conn.Read(make([]byte, 1))
	}()
	packet := []byte("listening")
	for {
		if _, err := conn.Write(packet); err != nil {
			return
		}
		rec, err := sub.Next(ctx)
		if err != nil {
			return
		}
		packet = appendEvent(packet[:0], rec)
	}
}

// appendEvent appends a record as words: key=value ..., or missed and a number.
func appendEvent(dst []byte, r watch.Record) []byte {
	if r.Missed > 0 {
		return strconv.AppendInt(append(dst, "missed "...), int64(r.Missed), 10)
	}
	words := eventPairs(r)
	for i := 0; i < len(words); i += 2 {
		dst = line.Pair(dst, words[i], words[i+1])
	}
	return bytes.TrimPrefix(dst, []byte(" "))
}

// eventPairs is how a record looks to clients.
func eventPairs(r watch.Record) []string {
	return []string{"time", strconv.FormatFloat(r.Time.Seconds(), 'f', 3, 64), "action", r.Action,
		"subsystem", r.Subsystem, "name", r.Name, "devpath", r.DevPath, "node", r.Node}
}
