package main

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"slashdev/devmgr/ctl"
	"slashdev/init/userland/logd/ring"
	"slashdev/init/userland/tool"
)

// keeper plays PID 1: it owns both ends of the programs' pipes and starts the
// logger, again and again.
type keeper struct {
	t     *testing.T
	root  string
	names []string
	reads []*os.File
	outs  []*os.File
	words []string
	cmd   *exec.Cmd
	said  bytes.Buffer
}

func newKeeper(t *testing.T, words string, names ...string) *keeper {
	t.Helper()
	root, err := os.MkdirTemp("/dev/shm", "logd") // a tmpfs, as /run is
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(root) })
	k := &keeper{t: t, root: root, names: names, words: strings.Fields(words)}
	k.boot("this one")
	for range names {
		r, w := pipe(t)
		k.reads, k.outs = append(k.reads, r), append(k.outs, w)
	}
	return k
}

// boot makes an empty /run and names the boot.
func (k *keeper) boot(id string) {
	k.t.Helper()
	proc := k.root + "/proc/sys/kernel/random"
	for _, err := range []error{
		os.RemoveAll(k.root + "/run"), os.MkdirAll(filepath.Dir(k.root+logdSocket), 0o755),
		os.MkdirAll(proc, 0o755), os.WriteFile(proc+"/boot_id", []byte(id+"\n"), 0o600),
	} {
		if err != nil {
			k.t.Fatal(err)
		}
	}
}

// ask asks the logger, once it answers.
func (k *keeper) ask(words ...string) (text []string) {
	k.t.Helper()
	eventually(k.t, func() bool {
		c, err := ctl.Dial(k.root + logdSocket)
		if err != nil {
			return false
		}
		defer c.Close()
		list, err := c.Do(words...)
		if err != nil {
			k.t.Fatal(err)
		}
		text = text[:0]
		for _, r := range list {
			text = append(text, r.Get("text"))
		}
		return true
	})
	return text
}

// pipe makes a pipe as PID 1 does: blocking for the program.
func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	r, w = os.NewFile(uintptr(p[0]), "r"), os.NewFile(uintptr(p[1]), "w")
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

// start starts the real logger and waits until it says that it is ready.
func (k *keeper) start() {
	k.t.Helper()
	k.cmd = exec.Command(os.Args[0], append([]string{"logd", "--root", k.root}, k.words...)...)
	k.cmd.Env = append(os.Environ(), rootVariable+"=/", fmt.Sprint("LISTEN_FDS=", len(k.names)), "LISTEN_FDNAMES="+strings.Join(k.names, ":"))
	k.cmd.ExtraFiles, k.cmd.Stderr = k.reads, &k.said
	if err := k.cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	process := k.cmd.Process
	k.t.Cleanup(func() { process.Kill() }) // a test that failed leaves none behind
}

// end ends the logger, and says whether it went as it should.
func (k *keeper) end(sig os.Signal) error {
	k.cmd.Process.Signal(sig)
	return k.cmd.Wait()
}

// stop ends the logger in peace.
func (k *keeper) stop() {
	k.t.Helper()
	k.ask("console", "on") // it catches the signal before it answers
	if err := k.end(unix.SIGTERM); err != nil || k.said.Len() > 0 {
		k.t.Errorf("logd: %v %s", err, &k.said)
	}
}

// lines yields what the ring holds.
func (k *keeper) lines(yield func(ring.Record) bool) {
	f, err := os.Open(k.root + logDir + "/ring")
	if err != nil {
		k.t.Fatal(err)
	}
	defer f.Close()
	r, err := ring.View(f)
	if err != nil {
		k.t.Fatal(err)
	}
	r.Now(yield)
}

const (
	numbered = "line %d of this program, which has something to say"
	kills    = 20
)

// scribble writes lines 1 to n in pieces that know nothing of lines, and counts
// them in written.
func scribble(w io.Writer, n int, written *atomic.Int64) error {
	var buf []byte
	for i := 1; i <= n; i++ {
		buf = fmt.Appendf(buf, numbered+"\n", i)
		if len(buf) < 3000 && i < n {
			continue
		}
		size := min(len(buf), 1+rand.IntN(5000))
		if i == n {
			size = len(buf)
		}
		if _, err := w.Write(buf[:size]); err != nil {
			return err
		}
		buf = append(buf[:0], buf[size:]...)
		written.Store(int64(i))
	}
	return nil
}

func TestS05_KilledLoggerLosesNothing(t *testing.T) {
	lossless(t, 1_000_000, kills)
}

// lossless writes total lines while the logger is killed, and wants each of
// them in the ring, whole, in order, and once.
func lossless(t *testing.T, total, kills int) {
	names := []string{"alpha", "beta", "gamma", "delta"}
	k := newKeeper(t, "ring=1G", names...)
	k.start()
	progress := make([]atomic.Int64, len(names))
	var writers sync.WaitGroup
	for i, w := range k.outs {
		writers.Go(func() {
			if err := scribble(w, total/len(names), &progress[i]); err != nil {
				t.Error(err)
			}
		})
	}
	for i := range kills {
		eventually(t, func() bool { return sum(progress) >= int64(total*(i+1)/(kills+1)) })
		k.end(unix.SIGKILL)
		k.start()
	}
	writers.Wait()
	k.stop()
	next := map[string]int{}
	for r := range k.lines {
		next[r.Name]++
		if want := fmt.Sprintf(numbered, next[r.Name]); r.Text != want {
			t.Fatalf("%s: got %q, want %q", r.Name, r.Text, want)
		}
	}
	for _, n := range names {
		if next[n] != total/len(names) {
			t.Errorf("%s: %d lines of %d arrived", n, next[n], total/len(names))
		}
	}
}

// A flood without end of line is split, and neither the logger nor its files
// grow with it.
func TestS06_FloodIsBounded(t *testing.T) { flood(t, 500<<20) }

func flood(t *testing.T, size int64) {
	k := newKeeper(t, "", "flood")
	k.start()
	junk := bytes.Repeat([]byte("0123456789abcde\x1b"), 64<<10)
	for left := size; left > 0; left -= int64(len(junk)) {
		if _, err := k.outs[0].Write(junk); err != nil {
			t.Fatal(err)
		}
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", k.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	k.stop()
	// Pages of files, of this big test binary above all, are no memory that the
	// flood takes. On a busy machine garbage piles up before it is collected: 18
	// to 26 MiB were seen; without a bound it would be the size of the flood.
	field := func(name string) (kib int) {
		_, text, _ := strings.Cut(string(status), name+":")
		if _, err := fmt.Sscan(text, &kib); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		return kib
	}
	took := field("VmHWM") - field("RssFile")
	if took > 48<<10 {
		t.Errorf("logd took %d KiB:\n%s", took, status)
	}
	t.Logf("logd took %d KiB at most, %d with what it had mapped", took, field("VmHWM"))
	used := int64(0)
	for _, name := range []string{"ring", "flood.spool"} {
		var st unix.Stat_t
		if err := unix.Stat(k.root+logDir+"/"+name, &st); err != nil {
			t.Fatal(err)
		}
		used += st.Blocks * 512
		t.Logf("%s: %d of %d bytes are there", name, st.Blocks*512, st.Size)
	}
	if used > 6<<20 {
		t.Errorf("the files hold %d bytes", used)
	}
	for r := range k.lines {
		if len(r.Text) > 4*64<<10 || strings.ContainsRune(r.Text, 0x1b) {
			t.Fatalf("a line of %d bytes: %.40q", len(r.Text), r.Text)
		}
	}
}

// say prints lines as the first program.
func (k *keeper) say(text string) {
	k.t.Helper()
	if _, err := io.WriteString(k.outs[0], text); err != nil {
		k.t.Fatal(err)
	}
}

func TestLogOutlastsTheBoot(t *testing.T) {
	k := newKeeper(t, "", "hello")
	for _, id := range []string{"first", "second", "third"} {
		k.boot(id)
		k.start()
		k.say("in the " + id + " boot\nand more\n")
		k.stop()
	}
	k.boot("fourth")
	k.start()
	for boot, want := range map[string]string{"-1": "third", "-3": "first", "2": "second"} {
		if got := k.ask("log", "hello", "boot="+boot); len(got) != 2 || got[0] != "in the "+want+" boot" {
			t.Errorf("boot %s: %q", boot, got)
		}
	}
	if got := k.ask("boots"); len(got) < 3 {
		t.Errorf("boots: %q", got)
	}
	k.stop()
}

// What can be kept nowhere is in the ring all the same, and it is said once.
func TestK05_NoPlaceToKeepLines(t *testing.T) {
	k := newKeeper(t, "", "hello")
	if err := os.WriteFile(k.root+"/perm", []byte("a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	k.start()
	for i := range 3 {
		k.say(fmt.Sprintf("line %d\n", i))
	}
	eventually(t, func() bool { return strings.Contains(strings.Join(k.ask("log", "*"), "\n"), "keep lines on the disk") })
	if got := k.ask("log", "hello"); len(got) != 3 {
		t.Errorf("got %q", got)
	}
	k.end(unix.SIGKILL)
}

// A full /run neither blocks a program nor ends the logger. The ring gives its
// oldest lines for the new ones; where it has none, bytes are lost and counted.
func TestE04_FullRunBlocksNobody(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root to mount a tmpfs")
	}
	k := newKeeper(t, "quota=0", "hello")
	run := k.root + "/run/log"
	if err := os.MkdirAll(run, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", run, "tmpfs", 0, "size=8m"); err != nil {
		t.Skipf("needs root to mount a tmpfs: %v", err)
	}
	t.Cleanup(func() { unix.Unmount(run, unix.MNT_DETACH) })
	fill(t, run+"/hog")
	k.start()
	line := strings.Repeat("x", 98) + "\n"
	k.say(strings.Repeat(line, 30000))
	if err := os.Remove(run + "/hog"); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool {
		k.say("again\n")
		return strings.Contains(strings.Join(k.ask("log", "hello"), "\n"), "again")
	})
	if text := strings.Join(k.ask("log", "*", "lines=100000"), "\n"); !strings.Contains(text, "bytes lost: /run was full") {
		t.Errorf("no word of what was lost in %d bytes: %q %q", len(text), strings.ReplaceAll(text, line, ""), &k.said)
	}
	k.say(strings.Repeat(line, 10000))
	eventually(t, func() bool { return len(k.ask("log", "hello", "lines=100000")) > 10000 })
	fill(t, run+"/hog")
	k.say(strings.Repeat(line, 30000) + "the end\n")
	eventually(t, func() bool { return strings.HasSuffix(strings.Join(k.ask("log", "hello"), "\n"), "the end") })
	k.end(unix.SIGKILL)
}

// A logger that finds no place in /run still empties the pipes.
func TestE04_NoPlaceForTheRing(t *testing.T) {
	k := newKeeper(t, "quota=0", "hello")
	for _, err := range []error{os.MkdirAll(k.root+"/tmp", 0o755), os.WriteFile(k.root+"/run/log", nil, 0o600)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	k.start()
	k.say(strings.Repeat("x\n", 1<<20) + "the end\n")
	eventually(t, func() bool { return strings.HasSuffix(strings.Join(k.ask("log", "hello"), "\n"), "the end") })
	k.end(unix.SIGKILL)
}

// fill writes to a file until the file system is full.
func fill(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
}

// A message to /dev/log waits in the socket, which PID 1 keeps, while the logger
// is started again; one that it had in its hands may come twice.
func TestS05_KilledLoggerLosesNoMessage(t *testing.T) {
	k := newKeeper(t, "", "hello")
	path := k.root + "/run/slashdev/log"
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	file, err := socket.File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	raw, err := file.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_PASSCRED, 1) })
	if err != nil {
		t.Fatal(err)
	}
	k.names, k.reads = append(k.names, devLog), append(k.reads, file)
	k.start()
	const messages = 5000
	var sent atomic.Int64
	done := make(chan error, 1)
	go func() { done <- sendMessages(path, messages, &sent) }()
	for i := range 5 {
		eventually(t, func() bool { return sent.Load() > int64(messages*i/5) })
		k.end(unix.SIGKILL)
		k.start()
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	want := func(n int) string { return fmt.Sprintf("app[%d]: message %d", os.Getpid(), n) }
	eventually(t, func() bool { return strings.HasSuffix(strings.Join(k.ask("log", "*"), "\n"), want(messages)) })
	next := 1
	for r := range k.lines {
		switch r.Text {
		case want(next):
			next++
		case want(next - 1): // twice
		default:
			t.Fatalf("got %q, want %q", r.Text, want(next))
		}
	}
	k.end(unix.SIGKILL)
}

func sendMessages(path string, n int, sent *atomic.Int64) error {
	c, err := net.Dial("unixgram", path)
	if err != nil {
		return err
	}
	defer c.Close()
	for i := 1; i <= n; i++ {
		if _, err := fmt.Fprintf(c, "<14>Nov 21 15:04:05 app: message %d", i); err != nil {
			return err
		}
		sent.Store(int64(i))
	}
	return nil
}

func TestFollow(t *testing.T) {
	k := newKeeper(t, "", "hello")
	k.start()
	k.say("one\ntwo\n")
	eventually(t, func() bool { return len(k.ask("log", "*")) == 2 })
	c, err := ctl.Dial(k.root + logdSocket)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	long := strings.Repeat("\x01long ", 10000)
	next := []string{"three\n", long + "\n", "four\n"}
	var got []string
	var e tool.Env
	p := logPrinter{e: &e}
	e.Out = writer(func(b []byte) {
		got = append(got, string(b))
		if len(next) > 0 {
			k.say(next[0])
			next = next[1:]
		}
	})
	for r, err := range c.Stream("log", "hello", "follow=1", "lines=1") {
		if err != nil {
			t.Fatal(err)
		}
		if err := p.record(r); err != nil {
			t.Fatal(err)
		}
		if len(got) == 4 {
			break
		}
	}
	for i, want := range []string{"two", "three", strings.ReplaceAll(long, "\x01", `\x01`), "four"} {
		if !strings.HasSuffix(got[i], "] hello: "+want+"\n") {
			t.Errorf("got %.80q, want %.80q", got[i], want)
		}
	}
	k.end(unix.SIGKILL)
}

// writer is a stream that hands on what is written.
type writer func([]byte)

func (w writer) Write(b []byte) (int, error) { w(b); return len(b), nil }

func sum(counts []atomic.Int64) (n int64) {
	for i := range counts {
		n += counts[i].Load()
	}
	return n
}

// eventually looks until it is so.
func eventually(t *testing.T, so func() bool) {
	t.Helper()
	for limit := time.After(5 * time.Minute); !so(); {
		select {
		case <-limit:
			t.Fatal("it did not come to that in five minutes")
		case <-time.After(time.Millisecond):
		}
	}
}
