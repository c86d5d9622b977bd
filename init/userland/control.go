package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"slashdev/init/line"
	"slashdev/init/userland/tool"
)

// The control sockets.
const (
	initSocket = "/run/slashdev/init.sock"
	logdSocket = "/run/slashdev/logd.sock"
)

// askTime is how long a daemon may take for an answer.
const askTime = 10 * time.Second

// record is one "= key=value ..." line of a reply.
type record map[string]string

// ask sends one request and returns the records of the reply.
func ask(socket string, words ...string) ([]record, error) {
	c, err := net.DialTimeout("unix", socket, askTime)
	if err != nil {
		return nil, unreachable(socket, err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(askTime))
	if _, err := c.Write(append(line.Append(nil, words...), '\n')); err != nil {
		return nil, fmt.Errorf("ask %s: %w", socket, err)
	}
	return readReply(c)
}

func unreachable(socket string, err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	return tool.Errorf(7, "%s: %v: is its server running?", socket, err)
}

func readReply(r io.Reader) (records []record, err error) {
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, 64<<10)
	for sc.Scan() {
		words, err := line.Split(sc.Text())
		if err != nil {
			return records, fmt.Errorf("read reply: %w", err)
		}
		switch {
		case len(words) == 1 && words[0] == "ok":
			return records, nil
		case len(words) >= 2 && words[0] == "err":
			return records, replyError(words[1:])
		case len(words) > 0 && words[0] == "=":
			records = append(records, newRecord(words[1:]))
		}
	}
	if err := sc.Err(); err != nil {
		return records, fmt.Errorf("read reply: %w", err)
	}
	return records, fmt.Errorf("read reply: %w", io.ErrUnexpectedEOF)
}

func replyError(words []string) error {
	code, err := strconv.Atoi(words[0])
	if err != nil || code < 1 || code > 123 {
		code = tool.Failed
	}
	return tool.Errorf(code, "%s", strings.Join(words[1:], " "))
}

func newRecord(words []string) record {
	r := record{}
	for _, w := range words {
		k, v, _ := line.CutPair(w)
		r[k] = v
	}
	return r
}

// tee asks the logger to print programs' lines on the consoles, or not.
func tee(on bool) error {
	word := "off"
	if on {
		word = "on"
	}
	_, err := ask(logdSocket, "console", word)
	return err
}
