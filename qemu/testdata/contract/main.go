// Command contract is a program written for gokrazy, with its real library: it
// does not start on boot, and waits for the clock.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/gokrazy/gokrazy"
)

func main() {
	gokrazy.DontStartOnBoot()
	dir, _ := os.Getwd()
	fmt.Println("started in", dir)
	for _, name := range []string{"HOME", "USER", "PATH", "GOKRAZY_FIRST_START"} {
		fmt.Printf("%s=%q\n", name, os.Getenv(name))
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	gokrazy.WaitForClock()
	fmt.Println("the clock is set")
	<-stop
	fmt.Println("told to stop")
}
