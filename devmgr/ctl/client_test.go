package ctl

import (
	"net"
	"os"
	"syscall"
	"testing"
)

// A daemon that is started again is waited for; one that is not there is not.
func TestDialAsksAgain(t *testing.T) {
	dial := func(errno syscall.Errno) error {
		return &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", errno)}
	}
	client, server := net.Pipe()
	defer client.Close()
	defer server.Close()
	answers := []error{dial(syscall.ECONNREFUSED), dial(syscall.EAGAIN), nil}
	conn, err := persist(func() (net.Conn, error) {
		err := answers[0]
		answers = answers[1:]
		return client, err
	})
	if conn != client || err != nil || len(answers) != 0 {
		t.Errorf("got %v, %v, %d answers left", conn, err, len(answers))
	}
	asked := 0
	if _, err := persist(func() (net.Conn, error) { asked++; return nil, dial(syscall.ENOENT) }); err == nil || asked != 1 {
		t.Errorf("asked %d times, %v", asked, err)
	}
}
