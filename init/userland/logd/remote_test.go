package logd

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// readFrames reads messages with their length in front.
func readFrames(c net.Conn, messages chan<- string) {
	defer c.Close()
	in := bufio.NewReader(c)
	for {
		number, err := in.ReadString(' ')
		n, bad := strconv.Atoi(strings.TrimSpace(number))
		if err != nil || bad != nil {
			return
		}
		b := make([]byte, n)
		if _, err := io.ReadFull(in, b); err != nil {
			return
		}
		messages <- string(b)
	}
}

// serve takes clients and yields their messages.
func serve(t *testing.T, l net.Listener) <-chan string {
	t.Cleanup(func() { l.Close() })
	messages := make(chan string)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go readFrames(c, messages)
		}
	}()
	return messages
}

func next(t *testing.T, messages <-chan string) string {
	t.Helper()
	select {
	case s := <-messages:
		return s
	case <-time.After(deadline):
		t.Fatal("no message came")
		return ""
	}
}

func listen(t *testing.T, addr string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func quiet(r *rig) {
	go io.Copy(io.Discard, r.kmsg)
	go io.Copy(io.Discard, r.console)
}

var message = regexp.MustCompile(`^<(\d+)>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z \S+ (\S+) - - \[meta sequenceId="(\d+)"\] (.*)$`)

func TestRemoteUDP(t *testing.T) {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	r := startWith(t, options(t, "remote=udp://"+c.LocalAddr().String()), "hello")
	quiet(r)
	r.say(t, "hello", "<3>broken \x1b[1m\n"+strings.Repeat("é", 20<<10)+"\n")
	buf := make([]byte, 64<<10)
	c.SetReadDeadline(time.Now().Add(deadline))
	n, _, err := c.ReadFrom(buf)
	if f := message.FindStringSubmatch(string(buf[:n])); err != nil || f == nil || f[1] != "27" || f[2] != "hello" || f[3] != "1" || f[4] != `broken \x1b[1m` {
		t.Errorf("got %q, %v", buf[:n], err)
	}
	if n, _, err = c.ReadFrom(buf); err != nil || n > maxUDP || n < maxUDP-2 {
		t.Errorf("%d bytes of a long line: %v", n, err)
	}
}

// Lines wait for a server that is not there yet, and for one that went away.
func TestRemoteTCPWaitsForTheServer(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	addr := l.Addr().String()
	l.Close()
	r := startWith(t, options(t, "remote=tcp://"+addr), "hello")
	quiet(r)
	for i := range 100 {
		r.say(t, "hello", fmt.Sprintf("line %d\n", i))
	}
	messages := serve(t, listen(t, addr))
	for i := 0; i < 100; {
		s := next(t, messages)
		if strings.Contains(s, " logd - - ") && strings.Contains(s, "send lines to "+addr+": ") {
			continue
		}
		if want := fmt.Sprintf("] line %d", i); !strings.HasSuffix(s, want) {
			t.Fatalf("got %q, want %q", s, want)
		}
		i++
	}
}

func TestRemoteCountsWhatItLost(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	addr := l.Addr().String()
	l.Close()
	r := startWith(t, options(t, "remote=tcp://"+addr, "ring=256K"), "hello")
	quiet(r)
	const lines = 20000
	for i := range lines {
		r.say(t, "hello", fmt.Sprintf("this is line number %d\n", i))
	}
	seen, lost := 0, 0
	for messages := serve(t, listen(t, addr)); seen+lost < lines; {
		s, n := next(t, messages), 0
		_, text, _ := strings.Cut(s, "] ")
		switch _, err := fmt.Sscanf(text, "%d lines lost", &n); {
		case err == nil:
			lost += n
		case strings.HasPrefix(text, "this is line"):
			seen++
		}
	}
	if lost < lines/2 || seen < 1000 {
		t.Errorf("%d lines seen, %d told of as lost", seen, lost)
	}
}

func TestRemoteTLS(t *testing.T) {
	certificate, ca := certificate(t)
	l := tls.NewListener(listen(t, "127.0.0.1:0"), &tls.Config{Certificates: []tls.Certificate{certificate}})
	messages := serve(t, l)
	r := startWith(t, options(t, "remote=tls://"+l.Addr().String(), "ca="+ca), "hello")
	quiet(r)
	r.say(t, "hello", "secret\n")
	if s := next(t, messages); message.FindString(s) == "" || !strings.HasSuffix(s, "] secret") {
		t.Errorf("got %q", s)
	}
	stranger := startWith(t, options(t, "remote=tls://"+l.Addr().String()), "hello")
	quiet(stranger)
	stranger.say(t, "hello", "for nobody\n")
	for rec := range stranger.records(t) {
		if rec.Name == ourName {
			if !strings.Contains(rec.Text, "unknown authority") {
				t.Errorf("got %q", rec.Text)
			}
			break
		}
	}
}

// certificate makes one for 127.0.0.1 that vouches for itself.
func certificate(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}
