package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"

	"slashdev/init/userland/tool"
)

// maxTextLine bounds the lines of grep, tail and wc: a disk may be one line.
const maxTextLine = 16 << 20

// openAll opens the files named, or the input when there are none.
func openAll(e *tool.Env, names []string) ([]io.Reader, func(), error) {
	if len(names) == 0 {
		names = []string{"-"}
	}
	var readers []io.Reader
	var files []*os.File
	done := func() {
		for _, f := range files {
			f.Close()
		}
	}
	for _, name := range names {
		if name == "-" {
			readers = append(readers, e.In)
			continue
		}
		f, err := os.Open(e.Path(name))
		if err != nil {
			done()
			return nil, nil, err
		}
		files, readers = append(files, f), append(readers, f)
	}
	return readers, done, nil
}

func lines(r io.Reader) *bufio.Scanner {
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, maxTextLine)
	return sc
}

func grep(_ context.Context, e *tool.Env, args []string) error {
	opts, rest, err := tool.Parse("i v c n q F E e= l h", args)
	if err != nil {
		return err
	}
	pattern := opts["e"]
	if !opts.Has("e") {
		if len(rest) == 0 {
			return tool.Usagef("grep needs PATTERN")
		}
		pattern, rest = rest[0], rest[1:]
	}
	if opts.Has("F") {
		pattern = regexp.QuoteMeta(pattern)
	}
	if opts.Has("i") {
		pattern = "(?i)" + pattern
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return tool.Usagef("pattern: %v", err)
	}
	readers, done, err := openAll(e, rest)
	if err != nil {
		return err
	}
	defer done()
	g := grepper{e: e, re: re, opts: opts, named: len(rest) > 1 && !opts.Has("h")}
	for i, r := range readers {
		name := "-"
		if len(rest) > 0 {
			name = rest[i]
		}
		err = errors.Join(err, g.file(name, r))
	}
	if err == nil && !g.found {
		return tool.Silent(tool.Failed)
	}
	return err
}

type grepper struct {
	e     *tool.Env
	re    *regexp.Regexp
	opts  tool.Options
	named bool
	found bool
}

func (g *grepper) file(name string, r io.Reader) error {
	w := bufio.NewWriter(g.e.Out)
	defer w.Flush()
	prefix, count := "", 0
	if g.named {
		prefix = name + ":"
	}
	sc := lines(r)
	for n := 1; sc.Scan(); n++ {
		if g.re.Match(sc.Bytes()) == g.opts.Has("v") {
			continue
		}
		count++
		g.found = true
		switch {
		case g.opts.Has("q"):
			return nil
		case g.opts.Has("l"):
			fmt.Fprintln(w, name)
			return nil
		case g.opts.Has("c"):
		case g.opts.Has("n"):
			fmt.Fprintf(w, "%s%d:%s\n", prefix, n, sc.Bytes())
		default:
			fmt.Fprintf(w, "%s%s\n", prefix, sc.Bytes())
		}
	}
	if g.opts.Has("c") {
		fmt.Fprintf(w, "%s%d\n", prefix, count)
	}
	return sc.Err()
}

// lineCount reads -n 5, -n5 or -5.
func lineCount(spec string, args []string) (n int, opts tool.Options, rest []string, err error) {
	if len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' && args[0][1] >= '0' && args[0][1] <= '9' {
		args = append([]string{"-n", args[0][1:]}, args[1:]...)
	}
	opts, rest, err = tool.Parse(spec, args)
	if err != nil {
		return 0, nil, nil, err
	}
	n = 10
	if opts.Has("n") {
		if n, err = strconv.Atoi(strings.TrimPrefix(opts["n"], "-")); err != nil || n < 0 {
			return 0, nil, nil, tool.Usagef("%q is not a number of lines", opts["n"])
		}
	}
	return n, opts, rest, nil
}

func head(_ context.Context, e *tool.Env, args []string) error {
	n, opts, rest, err := lineCount("n= c=", args)
	if err != nil {
		return err
	}
	limit, err := byteCount(opts["c"], 0)
	if err != nil {
		return err
	}
	readers, done, err := openAll(e, rest)
	if err != nil {
		return err
	}
	defer done()
	for _, r := range readers {
		if opts.Has("c") {
			_, err = io.Copy(e.Out, io.LimitReader(r, limit))
		} else {
			err = firstLines(e.Out, r, n)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func firstLines(out io.Writer, r io.Reader, n int) error {
	w := bufio.NewWriter(out)
	sc := lines(r)
	for i := 0; i < n && sc.Scan(); i++ {
		fmt.Fprintf(w, "%s\n", sc.Bytes())
	}
	if err := sc.Err(); err != nil {
		return err
	}
	return w.Flush()
}

func tail(_ context.Context, e *tool.Env, args []string) error {
	n, _, rest, err := lineCount("n=", args)
	if err != nil {
		return err
	}
	readers, done, err := openAll(e, rest)
	if err != nil {
		return err
	}
	defer done()
	for _, r := range readers {
		var last []string
		sc := lines(r)
		for sc.Scan() {
			last = append(last, sc.Text())
			if len(last) > 2*n+64 {
				last = append(last[:0], last[len(last)-n:]...)
			}
		}
		for _, l := range last[max(0, len(last)-n):] {
			e.Printf("%s\n", l)
		}
		if err := sc.Err(); err != nil {
			return err
		}
	}
	return nil
}

func wc(_ context.Context, e *tool.Env, args []string) error {
	opts, rest, err := tool.Parse("l w c", args)
	if err != nil {
		return err
	}
	readers, done, err := openAll(e, rest)
	if err != nil {
		return err
	}
	defer done()
	t := tool.Table{Right: []bool{true, true, true}}
	for i, r := range readers {
		l, w, c, err := count(r)
		if err != nil {
			return err
		}
		var row []string
		for _, v := range []struct {
			key string
			n   int
		}{{"l", l}, {"w", w}, {"c", c}} {
			if len(opts) == 0 || opts.Has(v.key) {
				row = append(row, strconv.Itoa(v.n))
			}
		}
		if len(rest) > 0 {
			row = append(row, rest[i])
		}
		t.Row(row...)
	}
	_, err = t.WriteTo(e.Out)
	return err
}

func count(r io.Reader) (lines, words, bytes int, err error) {
	in, inWord := bufio.NewReader(r), false
	for {
		b, err := in.ReadByte()
		if err == io.EOF {
			return lines, words, bytes, nil
		}
		if err != nil {
			return 0, 0, 0, err
		}
		bytes++
		if b == '\n' {
			lines++
		}
		blank := b == ' ' || b >= '\t' && b <= '\r'
		if !blank && !inWord {
			words++
		}
		inWord = !blank
	}
}

func teeFiles(_ context.Context, e *tool.Env, args []string) error {
	opts, rest, err := tool.Parse("a", args)
	if err != nil {
		return err
	}
	flags := os.O_CREATE | os.O_WRONLY | os.O_TRUNC
	if opts.Has("a") {
		flags = os.O_CREATE | os.O_WRONLY | os.O_APPEND
	}
	outs := []io.Writer{e.Out}
	for _, name := range rest {
		f, err := os.OpenFile(e.Path(name), flags, 0o644)
		if err != nil {
			return err
		}
		defer f.Close()
		outs = append(outs, f)
	}
	_, err = io.Copy(io.MultiWriter(outs...), e.In)
	return err
}
