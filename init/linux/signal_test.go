package linux

import (
	"os"
	"os/signal"
	"syscall"
	"testing"
)

// childSignals delivers SIGCHLD for the time of a test.
func childSignals(t *testing.T) <-chan os.Signal {
	c := make(chan os.Signal, 16)
	signal.Notify(c, syscall.SIGCHLD)
	t.Cleanup(func() { signal.Stop(c) })
	return c
}
