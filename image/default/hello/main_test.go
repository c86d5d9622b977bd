package main

import (
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
)

func TestPageNamesTheHost(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- serve(l) }()
	res, err := http.Get("http://" + l.Addr().String() + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	host, _ := os.Hostname()
	if err != nil || res.StatusCode != 200 || !strings.Contains(string(body), host) {
		t.Errorf("got %s %q %v", res.Status, body, err)
	}
	l.Close()
	if err := <-done; err == nil {
		t.Error("serve returned nil after close")
	}
}

type conn struct {
	io.Reader
	strings.Builder
}

func TestAnswers(t *testing.T) {
	for request, want := range map[string]string{
		"GET / HTTP/1.0\r\n\r\n":          "HTTP/1.0 200 OK",
		"HEAD / HTTP/1.1\r\nA: b\r\n\r\n": "HTTP/1.0 200 OK",
		"GET /x HTTP/1.0\r\n\r\n":         "HTTP/1.0 404",
		"POST / HTTP/1.0\r\n\r\n":         "HTTP/1.0 405",
		"GET / HTTP/1.0\r\n":              "",
		strings.Repeat("x", 1<<20):        "",
		"":                                "",
	} {
		c := &conn{Reader: strings.NewReader(request)}
		answer(c)
		if got := c.String(); !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%.20q: got %.40q, want %q", request, got, want)
		}
	}
}
