package logd

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"

	"slashdev/init/line"
	"slashdev/init/userland/tool"
)

// requestTime is how long a client may take for one request.
const requestTime = 10 * time.Second

// tailDefault and tailMax are how many lines "tail" returns.
const (
	tailDefault = 20
	tailMax     = 10000
)

// serve answers requests, one a connection, until the listener is closed.
func (l *Logger) serve(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		c, err := l.cfg.Control.Accept()
		if err != nil {
			if ctx.Err() == nil && !errors.Is(err, net.ErrClosed) {
				l.cfg.Logf("logd: control socket: %v", err)
			}
			return
		}
		wg.Go(func() {
			defer c.Close()
			c.SetDeadline(time.Now().Add(requestTime))
			l.answer(c)
		})
	}
}

// answer reads one request line and writes the reply.
func (l *Logger) answer(c io.ReadWriter) {
	w := bufio.NewWriter(c)
	defer w.Flush()
	text, err := bufio.NewReaderSize(c, line.Max).ReadSlice('\n')
	if err != nil {
		w.WriteString("err 2 \"request is not one line of at most 4096 bytes\"\n")
		return
	}
	words, err := line.Split(string(text[:len(text)-1]))
	if err == nil {
		err = l.do(w, words)
	} else {
		err = tool.Usagef("%v", err)
	}
	if err != nil {
		w.Write(append(line.Append(nil, "err", strconv.Itoa(tool.Code(err)), err.Error()), '\n'))
		return
	}
	w.WriteString("ok\n")
}

func (l *Logger) do(w io.Writer, words []string) error {
	switch {
	case len(words) == 2 && words[0] == "console" && (words[1] == "on" || words[1] == "off"):
		l.tee.on.Store(words[1] == "on")
		return nil
	case (len(words) == 2 || len(words) == 3) && words[0] == "tail":
		return l.tail(w, words[1:])
	}
	return tool.Usagef("unknown request: console on|off, tail NAME [N]")
}

func (l *Logger) tail(w io.Writer, args []string) error {
	n := tailDefault
	if len(args) == 2 {
		var err error
		if n, err = strconv.Atoi(args[1]); err != nil || n < 1 || n > tailMax {
			return tool.Usagef("tail: %q is not a number from 1 to %d", args[1], tailMax)
		}
	}
	records, err := l.cfg.Ring.Tail(args[0], n)
	if err != nil {
		return err
	}
	if len(records) == 0 && args[0] != "*" && !l.knows(args[0]) {
		return tool.Errorf(tool.NotFound, "no program %s", args[0])
	}
	for _, r := range records {
		b := line.Pair([]byte("="), "time", fmt.Sprintf("%.6f", r.When.Seconds()))
		b = line.Pair(line.Pair(b, "name", r.Name), "text", r.Text)
		w.Write(append(b, '\n'))
	}
	return nil
}

func (l *Logger) knows(name string) bool {
	for _, s := range l.cfg.Sources {
		if s.Name == name {
			return true
		}
	}
	return false
}
