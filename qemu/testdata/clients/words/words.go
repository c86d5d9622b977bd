// Package words is a program that says its last words on the first serial line
// and in the kernel's log, which the console shows. Either may be lost: the line
// drops what it still has when a shell ends there, and a shell that redraws its
// prompt hides what the kernel printed behind it.
package words

import (
	"fmt"
	"os"
	"os/signal"
	"strings"
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

// Say writes a line, for the kernel as an alert: quiet hides what is less.
func Say(format string, args ...any) {
	text := strings.ReplaceAll(strings.TrimSpace(fmt.Sprintf(format, args...)), "\n", " ")
	_ = os.WriteFile("/dev/kmsg", []byte("<1>"+text), 0)
	line, err := os.OpenFile("/dev/ttyS0", os.O_WRONLY|syscall.O_NOCTTY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return
	}
	defer line.Close()
	fmt.Fprintf(line, "\r\n%s\r\n", text)
}
