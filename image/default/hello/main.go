// Command hello is the program of the default appliance: it says that it is
// ready and serves a page that names the host.
//
// It speaks just enough HTTP/1.0 by itself: net/http would cost a quarter of a
// second of initialisers at every start on an emulated machine.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"html"
	"io"
	"net"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// Limits of one request. A client that is slower or longer is hung up on.
const (
	maxRequest = 8 << 10
	maxClients = 16
	deadline   = 10 * time.Second
)

func main() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	l, err := listen()
	if err != nil {
		fmt.Fprintln(os.Stderr, "hello:", err)
		os.Exit(1)
	}
	fmt.Println("hello: ready")
	go func() {
		<-stop
		l.Close()
	}()
	if err := serve(l); !errors.Is(err, net.ErrClosed) {
		fmt.Fprintln(os.Stderr, "hello:", err)
		os.Exit(1)
	}
}

// listen takes port 80, or 8080 where that is taken or not allowed.
func listen() (net.Listener, error) {
	l, err := net.Listen("tcp", ":80")
	if err == nil {
		return l, nil
	}
	l, second := net.Listen("tcp", ":8080")
	return l, errors.Join(err, second)
}

func serve(l net.Listener) error {
	clients := make(chan struct{}, maxClients)
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		clients <- struct{}{}
		go func() {
			defer func() { <-clients }()
			defer c.Close()
			if c.SetDeadline(time.Now().Add(deadline)) == nil {
				answer(c)
			}
		}()
	}
}

// answer reads one request and writes one page.
func answer(c io.ReadWriter) {
	r := bufio.NewReader(io.LimitReader(c, maxRequest))
	request, err := r.ReadString('\n')
	for line := request; err == nil && strings.TrimSpace(line) != ""; {
		line, err = r.ReadString('\n')
	}
	if err != nil {
		return
	}
	method, rest, _ := strings.Cut(request, " ")
	status, body := "200 OK", page()
	switch {
	case method != "GET" && method != "HEAD":
		status, body = "405 Method Not Allowed", "only GET\n"
	case !strings.HasPrefix(rest, "/ "):
		status, body = "404 Not Found", "not here\n"
	}
	fmt.Fprintf(c, "HTTP/1.0 %s\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\nConnection: close\r\n\r\n", status, len(body))
	if method != "HEAD" {
		io.WriteString(c, body)
	}
}

func page() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	host = html.EscapeString(host)
	return fmt.Sprintf("<!doctype html>\n<title>%s</title>\n<h1>Hello from %s</h1>\n<p>slashdev on %s/%s.</p>\n", host, host, runtime.GOOS, runtime.GOARCH)
}
