package ipc

// Closer closes descriptors that others have sent, one after the other and
// outside PID 1's loop: the last close of a terminal, or of a file on a dead
// disk, waits.
type Closer chan int

// NewCloser starts a Closer. It ends when the channel is closed.
func NewCloser(closeFD func(fd int)) Closer {
	c := make(Closer, 4096) // a process has no more descriptors than that
	go func() {
		for fd := range c {
			closeFD(fd)
		}
	}()
	return c
}

// Discard queues descriptors and returns at once.
func (c Closer) Discard(fds []int) {
	for _, fd := range fds {
		select {
		case c <- fd:
		default: // it stays open: better than to wait
		}
	}
}
