package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"
)

// The log path is measured on this host's kernel: lines of a hundred bytes go
// from four programs through pipes to the logger, and, for a floor, to cat.
const (
	logLines    = 2_000_000
	logPrograms = 4
	logRuns     = 3
)

// printLog prints how many lines a second the logger takes without losing one.
func printLog(ctx context.Context) error {
	dir, err := os.MkdirTemp("/dev/shm", "slashdev-bench-") // a tmpfs, as /run is
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var floor, ours time.Duration
	lost := 0
	for range logRuns {
		d, err := pour(func(in []*os.File) *exec.Cmd { return catCommand(ctx, dir, in) })
		if err != nil {
			return fmt.Errorf("cat: %w", err)
		}
		floor = shorter(floor, d)
		root, err := os.MkdirTemp(dir, "")
		if err != nil {
			return err
		}
		if d, err = pour(func(in []*os.File) *exec.Cmd { return logdCommand(ctx, root, in) }); err != nil {
			return fmt.Errorf("logd: %w", err)
		}
		ours = shorter(ours, d)
		kept, err := lastNumber(filepath.Join(root, "run/log/slashdev/ring"))
		if err != nil {
			return err
		}
		lost += logLines - kept
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
	rate := func(d time.Duration) float64 { return logLines / d.Seconds() }
	fmt.Fprintf(w, "\nlog, %d processors, best of %d\tlines/s\tgoal\n", runtime.NumCPU(), logRuns)
	fmt.Fprintf(w, "userland logd, %d programs\t%.0f\t100000\n", logPrograms, rate(ours))
	fmt.Fprintf(w, "cat >file, the floor\t%.0f\t\n", rate(floor))
	fmt.Fprintf(w, "logd takes the floor's time\t%.2f times\t\n", ours.Seconds()/floor.Seconds())
	fmt.Fprintf(w, "lines lost in %d\t%d\t0\n", logRuns*logLines, lost)
	return w.Flush()
}

func shorter(best, d time.Duration) time.Duration {
	if best == 0 {
		return d
	}
	return min(best, d)
}

// pour starts a command that reads pipes, writes the lines into them, and says
// how long it took until the command, asked to end, has taken them all.
func pour(command func(in []*os.File) *exec.Cmd) (time.Duration, error) {
	var reads, writes []*os.File
	for range logPrograms {
		r, w, err := os.Pipe()
		if err != nil {
			return 0, err
		}
		defer r.Close()
		reads, writes = append(reads, r), append(writes, w)
	}
	cmd := command(reads)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	begun := time.Now()
	done := make(chan error, logPrograms)
	for _, w := range writes {
		go func() { done <- writeLines(w, logLines/logPrograms) }()
	}
	for range writes {
		if err := <-done; err != nil {
			return 0, err
		}
	}
	_ = cmd.Process.Signal(syscall.SIGTERM) // cat has ended by itself, or is told by the pipes' end
	err := cmd.Wait()
	return time.Since(begun), err
}

func writeLines(w *os.File, n int) error {
	defer w.Close()
	pad := strings.Repeat("x", 88)
	buf := make([]byte, 0, 32<<10)
	for i := range n {
		buf = append(append(strconv.AppendInt(buf, int64(100000000+i), 10), ' '), pad...)
		if buf = append(buf, '\n'); len(buf) < 32<<10-100 && i < n-1 {
			continue
		}
		if _, err := w.Write(buf); err != nil {
			return err
		}
		buf = buf[:0]
	}
	return nil
}

// catCommand reads the pipes with one cat each, as little as a logger can do.
func catCommand(ctx context.Context, dir string, in []*os.File) *exec.Cmd {
	const script = `trap "" TERM; for i in 3 4 5 6; do cat <&$i >"$1/floor$i" & done; wait; rm -f "$1"/floor*`
	cmd := exec.CommandContext(ctx, "sh", "-c", script, "sh", dir)
	cmd.ExtraFiles = in
	return cmd
}

func logdCommand(ctx context.Context, root string, in []*os.File) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "bin/amd64/userland", "logd", "--root", root, "quota=0")
	cmd.Env = append(os.Environ(), fmt.Sprint("LISTEN_FDS=", len(in)), "LISTEN_FDNAMES=a:b:c:d")
	cmd.ExtraFiles = in
	return cmd
}

// lastNumber is the number of the newest line in the logger's ring.
func lastNumber(ring string) (int, error) {
	f, err := os.Open(ring)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if _, err := f.Seek(-4096, io.SeekEnd); err != nil {
		return 0, err
	}
	text, err := io.ReadAll(f)
	if err != nil {
		return 0, err
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	number, _, _ := strings.Cut(lines[len(lines)-1], " ")
	return strconv.Atoi(number)
}
