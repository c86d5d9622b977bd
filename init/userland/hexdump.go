package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"slashdev/init/userland/tool"
)

// rowBytes is how many bytes hexdump shows in a line.
const rowBytes = 16

func hexdump(_ context.Context, e *tool.Env, args []string) error {
	opts, rest, err := tool.Parse("C v n= s=", args)
	if err != nil {
		return err
	}
	skip, err := byteCount(opts["s"], 0)
	if err != nil {
		return err
	}
	limit, err := byteCount(opts["n"], 1<<62)
	if err != nil {
		return err
	}
	r := e.In
	if len(rest) > 1 {
		return tool.Usagef("one FILE at most")
	}
	if len(rest) == 1 && rest[0] != "-" {
		f, err := os.Open(e.Path(rest[0]))
		if err != nil {
			return err
		}
		defer f.Close()
		r = f
	}
	if err := skipBytes(r, skip); err != nil {
		return err
	}
	return dump(e.Out, io.LimitReader(r, limit), skip, opts.Has("v"))
}

// byteCount reads 512, 0x200 or 4k.
func byteCount(s string, missing int64) (int64, error) {
	if s == "" {
		return missing, nil
	}
	unit := int64(1)
	if i := strings.IndexByte("kmg", s[len(s)-1]|0x20); i >= 0 {
		s, unit = s[:len(s)-1], 1<<(10*(i+1))
	}
	n, err := strconv.ParseInt(s, 0, 64)
	if err != nil || n < 0 || n > 1<<62/unit {
		return 0, tool.Usagef("%q is not a number of bytes (512, 0x200, 4k)", s)
	}
	return n * unit, nil
}

func skipBytes(r io.Reader, n int64) error {
	if n == 0 {
		return nil
	}
	if s, ok := r.(io.Seeker); ok {
		if _, err := s.Seek(n, io.SeekStart); err == nil {
			return nil
		}
	}
	_, err := io.CopyN(io.Discard, r, n)
	if err == io.EOF {
		return nil
	}
	return err
}

// dump writes lines of offset, bytes and characters; repeated lines are one *.
func dump(out io.Writer, r io.Reader, at int64, all bool) error {
	w := bufio.NewWriter(out)
	defer w.Flush()
	in := bufio.NewReader(r)
	var row [rowBytes]byte
	last, starred := "", false
	for {
		n, err := io.ReadFull(in, row[:])
		if n > 0 {
			same := n == rowBytes && string(row[:]) == last && !all
			if same && !starred {
				fmt.Fprintln(w, "*")
			}
			if !same {
				fmt.Fprintln(w, dumpRow(at, row[:n]))
			}
			starred, last = same, string(row[:n])
			at += int64(n)
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			if at > 0 {
				fmt.Fprintf(w, "%08x\n", at)
			}
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func dumpRow(at int64, p []byte) string {
	var hex, text strings.Builder
	for i := range rowBytes {
		if i == rowBytes/2 {
			hex.WriteByte(' ')
		}
		if i >= len(p) {
			hex.WriteString("   ")
			continue
		}
		fmt.Fprintf(&hex, "%02x ", p[i])
		if c := p[i]; c >= ' ' && c < 0x7f {
			text.WriteByte(c)
		} else {
			text.WriteByte('.')
		}
	}
	return fmt.Sprintf("%08x  %s |%s|", at, hex.String(), text.String())
}
