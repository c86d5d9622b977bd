// Command lazy serves one client on the socket that it was given, and ends. With
// an address it is the client.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
)

func main() {
	var err error
	if len(os.Args) > 1 {
		err = ask(os.Args[1])
	} else {
		err = serve()
	}
	if err != nil {
		fmt.Println("lazy:", err)
		os.Exit(1)
	}
}

func ask(address string) error {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	_, err = io.Copy(os.Stdout, c)
	return err
}

func serve() error {
	if os.Getenv("LISTEN_PID") != fmt.Sprint(os.Getpid()) || os.Getenv("LISTEN_FDS") != "1" {
		return fmt.Errorf("no socket for me: %q", os.Environ())
	}
	l, err := net.FileListener(os.NewFile(3, os.Getenv("LISTEN_FDNAMES")))
	if err != nil {
		return err
	}
	c, err := l.Accept()
	if err != nil {
		return err
	}
	fmt.Fprintf(c, "served on %s\n", os.Getenv("LISTEN_FDNAMES"))
	return c.Close()
}
