// Command bomb takes all there is of one thing: processes, memory or time.
package main

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"unsafe"
)

func main() {
	fmt.Println("bomb:", os.Args[1])
	switch os.Args[1] {
	case "fork":
		forkBomb()
	case "memory":
		memoryBomb()
	case "fifo":
		fifoBomb()
	}
}

// forkBomb is what people type as :(){ :|:& };: in one thread a process. The
// children never enter Go's scheduler.
func forkBomb() {
	for {
		syscall.RawSyscall6(syscall.SYS_CLONE, uintptr(syscall.SIGCHLD), 0, 0, 0, 0, 0)
	}
}

func memoryBomb() {
	var all [][]byte
	for {
		b := make([]byte, 1<<20)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		all = append(all, b)
		runtime.KeepAlive(all)
	}
}

// fifoBomb keeps every processor busy at the highest real-time priority.
func fifoBomb() {
	for range runtime.NumCPU() {
		go func() {
			runtime.LockOSThread()
			priority := int32(99)
			if _, _, err := syscall.RawSyscall(syscall.SYS_SCHED_SETSCHEDULER, 0, 1, uintptr(unsafe.Pointer(&priority))); err != 0 {
				fmt.Println("bomb: SCHED_FIFO:", err)
				os.Exit(1)
			}
			for {
			}
		}()
	}
	select {}
}
