// Command reader reads the start of the device that it is started for. It does
// not wait and does not try again: the device must be there, with its mode.
package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	f, err := os.Open(os.Args[1])
	if err != nil {
		fmt.Println("reader:", err)
		os.Exit(1)
	}
	info, _ := f.Stat()
	n, err := io.ReadFull(f, make([]byte, 4096))
	fmt.Printf("reader: %d bytes of a device with mode %04o, %v\n", n, info.Mode().Perm(), err)
	<-stop
}
