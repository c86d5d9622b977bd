// Package words is a program that says its last words on the first serial line.
package words

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// Last waits for SIGTERM and says so.
func Last(name string) {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	Say("%s: up, run level %s", name, os.Getenv("RUNLEVEL"))
	<-stop
	Say("%s: last words", name)
}

// Say writes a line.
func Say(format string, args ...any) {
	line, err := os.OpenFile("/dev/ttyS0", os.O_WRONLY|syscall.O_NOCTTY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return
	}
	defer line.Close()
	fmt.Fprintf(line, "\r\n"+format+"\r\n", args...)
}
