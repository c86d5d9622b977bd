package daemon

import (
	"bytes"
	"context"
	"net"
	"path/filepath"
	"strconv"

	"slashdev/devmgr/ctl"
	"slashdev/devmgr/watch"
	"slashdev/init/line"
)

// maxListeners bounds the clients of the event socket.
const maxListeners = 64

// listenEvents opens the socket that sends a packet for each event, to anyone.
func listenEvents(cfg Config) (*net.UnixListener, error) {
	return ctl.Listen("unixpacket", filepath.Join(cfg.Run, "events"), 0o666)
}

// serveEvents serves l until ctx ends.
func (d *daemon) serveEvents(ctx context.Context, l *net.UnixListener) {
	full := func(conn *net.UnixConn) { conn.Close() }
	d.complain("events", ctl.Clients{Most: maxListeners, Serve: d.sendEvents, Full: full}.Accept(ctx, l))
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
