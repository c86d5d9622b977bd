// Package threads makes the threads that PID 1 needs while there are process
// numbers for them.
package threads

import (
	"runtime"
	"sync"
)

// Reserve makes n threads and leaves them idle. The Go runtime makes one
// whenever it has none left to put beside a system call that takes its time,
// and ends the process when it may not (trap G5, fault E-07). It never gives
// an idle one up.
func Reserve(n int) {
	var ready sync.WaitGroup
	leave := make(chan struct{})
	for range n {
		ready.Add(1)
		go func() {
			runtime.LockOSThread() // nobody else runs on it, so each has its own
			ready.Done()
			<-leave
			runtime.UnlockOSThread()
		}()
	}
	ready.Wait()
	close(leave)
}
