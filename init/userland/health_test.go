package main

import (
	"bufio"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"slashdev/init/userland/tool"
)

// answering serves each connection with one answer.
func answering(t *testing.T, network, addr, answer string) net.Listener {
	t.Helper()
	l, err := net.Listen(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if answer != "" {
				_, _ = bufio.NewReader(c).ReadString('\n')
				_, _ = io.WriteString(c, answer)
			}
			c.Close()
		}
	}()
	return l
}

func TestHealth(t *testing.T) {
	well := answering(t, "tcp", "127.0.0.1:0", "HTTP/1.0 204 No Content\r\n\r\n").Addr().String()
	sick := answering(t, "tcp", "127.0.0.1:0", "HTTP/1.1 503 Busy\r\n\r\n").Addr().String()
	odd := answering(t, "tcp", "127.0.0.1:0", "SSH-2.0-box\x1b[2J\r\n").Addr().String()
	gone := answering(t, "tcp", "127.0.0.1:0", "")
	gone.Close()
	for _, c := range []struct {
		arg  string
		code int
		said string
	}{
		{"http://" + well + "/healthz?x=1", tool.OK, ""},
		{"tcp:" + well, tool.OK, ""},
		{"http://" + sick, tool.Failed, "status 503"},
		{"http://" + odd, tool.Failed, "no HTTP answer"},
		{"http://" + gone.Addr().String(), tool.Failed, "connection refused"},
		{"tcp:" + gone.Addr().String(), tool.Failed, "connection refused"},
		{"https://" + well, tool.Usage, "http://HOST"},
		{"http:///x", tool.Usage, "http://HOST"},
	} {
		_, complaint, code := call(t, nil, "health", c.arg)
		if code != c.code || !strings.Contains(complaint, c.said) || strings.Contains(complaint, "\x1b") {
			t.Errorf("%s: exit %d, %q", c.arg, code, complaint)
		}
	}
}

func FuzzStatusCode(f *testing.F) {
	for _, s := range []string{"HTTP/1.0 200 OK\r\n", "HTTP/1.1 503\n", "HTTP/1.1  200\n", "HTTP/2 200\n", "", "HTTP/1.0 -12 x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		code, err := statusCode(s)
		if err == nil && (code < 100 || code > 999) || err != nil && code != 0 {
			t.Errorf("statusCode(%q) = %d, %v", s, code, err)
		}
	})
}

func TestAwait(t *testing.T) {
	dir := t.TempDir()
	tcp := answering(t, "tcp", "127.0.0.1:0", "").Addr().String()
	answering(t, "unix", filepath.Join(dir, "socket"), "")
	for _, there := range []string{"clock", "tcp:" + tcp, "unix:" + dir + "/socket", "file:" + dir} {
		if _, complaint, code := call(t, nil, "await", there); code != tool.OK {
			t.Errorf("%s: exit %d, %s", there, code, complaint)
		}
	}
	for _, wrong := range []string{"", "dev", "udp:x"} {
		if _, _, code := call(t, nil, "await", wrong); code != tool.Usage {
			t.Errorf("%q: exit %d", wrong, code)
		}
	}
}

// TestAwaitWaits lets what is waited for come while await looks.
func TestAwaitWaits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	looks := 0
	err := awaitTrue(t.Context(), func() bool {
		if looks++; looks == 2 {
			answering(t, "unix", path, "")
		}
		return answers(t.Context(), "unix", path)
	})
	if err != nil || looks != 2 {
		t.Errorf("%v after %d looks", err, looks)
	}
}

func TestDefaultRoute(t *testing.T) {
	_, everywhere, _ := net.ParseCIDR("0.0.0.0/0")
	_, lan, _ := net.ParseCIDR("10.0.2.0/24")
	for _, c := range []struct {
		route netlink.Route
		want  bool
	}{
		{netlink.Route{Type: unix.RTN_UNICAST}, true},
		{netlink.Route{Dst: everywhere, Type: unix.RTN_UNICAST}, true},
		{netlink.Route{Dst: lan, Type: unix.RTN_UNICAST}, false},
		{netlink.Route{Type: unix.RTN_UNREACHABLE}, false},
	} {
		if got := isDefault(c.route); got != c.want {
			t.Errorf("%v: %v", c.route, got)
		}
	}
}
