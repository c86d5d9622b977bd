package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"slashdev/init/userland/tool"
)

// healthTime is how long a program may take to answer. PID 1 has a deadline of
// its own for the whole check.
const healthTime = 10 * time.Second

// health asks a program whether it is well: it takes a connection, or answers
// a GET with a status below 400.
func health(ctx context.Context, _ *tool.Env, args []string) error {
	if len(args) != 1 {
		return tool.Usagef("one URL or tcp:ADDR")
	}
	ctx, cancel := context.WithTimeout(ctx, healthTime)
	defer cancel()
	if addr, ok := strings.CutPrefix(args[0], "tcp:"); ok {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		if err != nil {
			return unwell(err)
		}
		return c.Close()
	}
	u, err := url.Parse(args[0])
	if err != nil || u.Scheme != "http" || u.Host == "" {
		return tool.Usagef("%s: http://HOST[:PORT]/PATH or tcp:ADDR", args[0])
	}
	return unwell(get(ctx, u))
}

// unwell is exit 1 whatever the reason.
func unwell(err error) error {
	if err == nil {
		return nil
	}
	return tool.Errorf(tool.Failed, "%v", err)
}

func get(ctx context.Context, u *url.URL) error {
	addr := u.Host
	if u.Port() == "" {
		addr = net.JoinHostPort(u.Hostname(), "80")
	}
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	deadline, _ := ctx.Deadline()
	if err := c.SetDeadline(deadline); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.0\r\nHost: %s\r\nUser-Agent: slashdev\r\n\r\n", u.RequestURI(), u.Host); err != nil {
		return err
	}
	first, err := bufio.NewReader(io.LimitReader(c, 4096)).ReadString('\n')
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	code, err := statusCode(first)
	if err == nil && code >= 400 {
		err = fmt.Errorf("status %d", code)
	}
	return err
}

// statusCode reads the first line of an answer: HTTP/1.0 200 OK.
func statusCode(first string) (int, error) {
	version, rest, _ := strings.Cut(strings.TrimRight(first, "\r\n"), " ")
	word, _, _ := strings.Cut(rest, " ")
	code, err := strconv.Atoi(word)
	if !strings.HasPrefix(version, "HTTP/1.") || err != nil || len(word) != 3 || code < 100 {
		return 0, fmt.Errorf("no HTTP answer: %q", tool.Cut(first, 60))
	}
	return code, nil
}
