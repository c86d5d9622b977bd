package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"slashdev/init/userland/tool"
)

// A kmsg record: "priority,sequence,microseconds,flags;text", then lines that
// begin with a space: properties of the device. Documentation/ABI/testing/dev-kmsg.
type kmsgRecord struct {
	level    int
	facility int
	micros   uint64
	text     string
}

// parseKmsg reads one record as /dev/kmsg returns it.
func parseKmsg(s string) (kmsgRecord, error) {
	head, text, ok := strings.Cut(s, ";")
	f := strings.Split(head, ",")
	if !ok || len(f) < 3 {
		return kmsgRecord{}, fmt.Errorf("parse kernel record: %q", tool.Cut(s, 40))
	}
	prio, err := strconv.ParseUint(f[0], 10, 32)
	if err != nil {
		return kmsgRecord{}, fmt.Errorf("parse kernel record: priority %q", f[0])
	}
	micros, err := strconv.ParseUint(f[2], 10, 64)
	if err != nil {
		return kmsgRecord{}, fmt.Errorf("parse kernel record: time %q", f[2])
	}
	text, _, _ = strings.Cut(text, "\n")
	return kmsgRecord{int(prio & 7), int(prio >> 3), micros, unescapeKmsg(text)}, nil
}

// unescapeKmsg undoes the kernel's \xNN for bytes it does not print, where
// they are UTF-8: tool.Clean escapes the others again.
func unescapeKmsg(s string) string {
	if !strings.Contains(s, `\x`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) && s[i+1] == 'x' {
			if n, err := strconv.ParseUint(s[i+2:i+4], 16, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func (r kmsgRecord) String() string {
	return fmt.Sprintf("[%5d.%06d] %s", r.micros/1e6, r.micros%1e6, tool.Clean(r.text))
}

func levelNames() []string {
	return []string{"emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"}
}

// parseLevel takes 0 to 7 or a level's name.
func parseLevel(s string) (int, error) {
	for i, n := range levelNames() {
		if s == n || s == strconv.Itoa(i) {
			return i, nil
		}
	}
	return 0, tool.Usagef("level %q: use 0 to 7, or one of %s", s, strings.Join(levelNames(), " "))
}

func dmesg(_ context.Context, e *tool.Env, args []string) error {
	opts, rest, err := tool.Parse("n= w l", args)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return tool.Usagef("unexpected argument %s", rest[0])
	}
	highest := len(levelNames()) - 1
	if opts.Has("n") {
		if highest, err = parseLevel(opts["n"]); err != nil {
			return err
		}
	}
	flags := os.O_RDONLY | unix.O_NONBLOCK
	if opts.Has("w") {
		flags = os.O_RDONLY
	}
	fd, err := openKmsgFD(flags)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	w := bufio.NewWriter(e.Out)
	defer w.Flush()
	d := printer{w: w, highest: highest, levels: opts.Has("l"), flush: opts.Has("w")}
	return eachRecord(fdReader(fd), d.print)
}

func openKmsgFD(flags int) (int, error) {
	fd, err := unix.Open("/devices/kmsg", flags, 0)
	if err != nil {
		fd, err = unix.Open("/dev/kmsg", flags, 0)
	}
	if err != nil {
		return -1, fmt.Errorf("open /dev/kmsg: %w", err)
	}
	return fd, nil
}

// fdReader reads without Go's poller: a read waits, or says EAGAIN at the end.
type fdReader int

func (fd fdReader) Read(p []byte) (int, error) {
	for {
		n, err := unix.Read(int(fd), p)
		if err != unix.EINTR {
			return max(n, 0), err
		}
	}
}

// maxRecord is more than the kernel puts into one record.
const maxRecord = 16 << 10

// eachRecord reads records until there is none left. EPIPE tells that records
// were overwritten before they were read.
func eachRecord(r io.Reader, f func(kmsgRecord)) error {
	buf := make([]byte, maxRecord)
	for {
		n, err := r.Read(buf)
		switch {
		case errors.Is(err, unix.EPIPE):
			continue
		case errors.Is(err, unix.EAGAIN), err == io.EOF, n == 0 && err == nil:
			return nil
		case err != nil:
			return fmt.Errorf("read /dev/kmsg: %w", err)
		}
		if rec, err := parseKmsg(string(buf[:n])); err == nil {
			f(rec)
		}
	}
}

type printer struct {
	w       *bufio.Writer
	highest int
	levels  bool
	flush   bool
}

func (p printer) print(r kmsgRecord) {
	if r.level > p.highest {
		return
	}
	if p.levels {
		fmt.Fprintf(p.w, "%-6s ", levelNames()[r.level])
	}
	fmt.Fprintln(p.w, r)
	if p.flush {
		p.w.Flush()
	}
}
