package logd

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"slashdev/init/userland/logd/option"
)

func TestMessagesToDevLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	file, err := socket.File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close(); file.Close() })
	raw, _ := file.SyscallConn()
	raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_PASSCRED, 1)
	})
	if err != nil {
		t.Fatal(err)
	}
	l, err := New(Config{Dir: t.TempDir(), DevLog: file, Options: option.Defaults(), Now: func() time.Duration { return time.Second }, Logf: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	client, err := net.Dial("unixgram", path)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	go l.readDevLog(t.Context())
	for _, s := range []string{"<11>Nov 21 15:04:05 app[1]: \x1b[2J gone\n", "", "<14>app: one\ntwo\n"} {
		if _, err := client.Write([]byte(s)); err != nil {
			t.Fatal(err)
		}
	}
	r := rig{Logger: l}
	pid := os.Getpid()
	for i, rec := range r.await(t, 4) {
		want := []string{`3 syslog app[PID]: \x1b[2J gone`, `5 syslog `, `6 syslog app[PID]: one`, `6 syslog app[PID]: two`}[i]
		want = strings.ReplaceAll(want, "PID", strconv.Itoa(pid))
		if got := strconv.Itoa(rec.Level) + " " + rec.Name + " " + rec.Text; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestSenderIsNamedByItsControlGroup(t *testing.T) {
	for in, want := range map[string]string{
		"0::/slashdev/hello/0\n":                 "hello",
		"12:cpu:/x\n0::/slashdev/web/3/deeper\n": "web",
		"0::/\n":                                 strangers,
		"0::/slashdev/-x/0\n":                    strangers,
		"0::/user.slice/slashdev/hello\n":        strangers,
		"":                                       strangers,
	} {
		if got := groupName(in); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
}
