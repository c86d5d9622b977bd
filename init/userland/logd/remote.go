package logd

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"slashdev/init/userland/logd/option"
	"slashdev/init/userland/logd/ring"
	"slashdev/init/userland/logd/syslog"
)

const (
	dialTime = 10 * time.Second
	sendTime = 30 * time.Second // for a server to take a piece
	maxUDP   = 8 << 10          // what servers take in one datagram; the rest of a line is cut off
	// Before that the clock is not set: better no time than a wrong one.
	clockSet = 1577836800 // 2020
)

// remote sends lines to a server. While that does not answer they wait in the
// ring, and what the ring forgets meanwhile is counted.
type remote struct {
	*Logger
	server option.Remote
	host   string
	conn   net.Conn // nil: none
	buf    []byte
}

// put sends records until they are sent: what may have been lost on the way is
// sent again.
func (r *remote) put(ctx context.Context, list []ring.Record, lost int) error {
	for wait := time.Second; ; wait = min(2*wait, time.Minute) {
		err := r.try(ctx, list, lost)
		if err == nil {
			return nil
		}
		if wait == time.Second {
			r.complain("send lines to %s: %v", r.server.Addr, err)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (r *remote) try(ctx context.Context, list []ring.Record, lost int) error {
	if r.conn == nil {
		if err := r.dial(ctx); err != nil {
			return err
		}
	}
	err := r.send(list, lost)
	if err != nil {
		r.conn.Close()
		r.conn = nil
	}
	return err
}

func (r *remote) dial(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	r.host, _ = os.Hostname() // dhcp may have changed it
	var d net.Dialer
	switch r.server.Net {
	case "tls":
		var roots *x509.CertPool
		if roots, err = r.roots(); err == nil {
			t := tls.Dialer{NetDialer: &d, Config: &tls.Config{RootCAs: roots}}
			r.conn, err = t.DialContext(ctx, "tcp", r.server.Addr)
		}
	default:
		r.conn, err = d.DialContext(ctx, r.server.Net, r.server.Addr)
	}
	if err != nil {
		r.conn = nil
		return err
	}
	if r.server.Net != "udp" {
		go watch(r.conn)
	}
	return nil
}

// roots are the authorities that a server's certificate is believed for; nil:
// the system's.
func (r *remote) roots() (*x509.CertPool, error) {
	file := r.cfg.Options.CA
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s: no certificate in it", file)
	}
	return pool, nil
}

// watch closes a connection that the server has closed: a write to it would
// seem to work once more.
func watch(c net.Conn) {
	io.Copy(io.Discard, c)
	c.Close()
}

// send writes records with one write on a stream, with one each on UDP.
func (r *remote) send(list []ring.Record, lost int) error {
	if err := r.conn.SetWriteDeadline(time.Now().Add(sendTime)); err != nil {
		return err
	}
	if lost > 0 {
		note := ring.Record{Seq: list[0].Seq - 1, When: list[0].When, Level: warning, Name: ourName, Text: fmt.Sprintf("%d lines lost: the server was too slow", lost)}
		list = append([]ring.Record{note}, list...)
	}
	wall := r.wall()
	r.buf = r.buf[:0]
	for i := range list {
		message := r.line(&list[i], wall)
		if r.server.Net != "udp" {
			r.buf = syslog.Frame(r.buf, message)
		} else if _, err := r.conn.Write(message[:cut(string(message), maxUDP)]); err != nil {
			return err
		}
	}
	if len(r.buf) == 0 {
		return nil
	}
	_, err := r.conn.Write(r.buf)
	return err
}

func (r *remote) line(rec *ring.Record, wall time.Duration) []byte {
	const kern, user, daemon = 0, 1, 3
	l := syslog.Line{Seq: rec.Seq, Facility: daemon, Level: rec.Level, Host: r.host, App: rec.Name, Text: rec.Text}
	switch rec.Name {
	case kernelName:
		l.Facility = kern
	case strangers:
		l.Facility = user
	}
	if at := wall + rec.When; at > clockSet*time.Second {
		l.Time = time.Unix(0, int64(at))
	}
	return l.Append(nil)
}
