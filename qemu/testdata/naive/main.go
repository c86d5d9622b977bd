// Command init is the PID 1 that many would write first. It is kept to show
// that the fault tests can fail: it does not survive what they do.
package main

import (
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

func main() {
	console, err := os.OpenFile("/dev/console", os.O_RDWR, 0)
	if err != nil {
		log.Fatalf("open console: %v", err)
	}
	os.Stdin, os.Stdout, os.Stderr = console, console, console
	for _, m := range [][2]string{{"devtmpfs", "/dev"}, {"proc", "/proc"}, {"sysfs", "/sys"}, {"tmpfs", "/run"}} {
		switch err := syscall.Mount(m[0], m[1], m[0], 0, ""); err {
		case nil, syscall.EBUSY, syscall.EPERM: // a namespace has what it may not mount
		default:
			log.Fatalf("mount %s: %v", m[1], err)
		}
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGUSR2)
	programs, _ := os.ReadDir("/user")
	for _, p := range programs {
		go supervise("/user/" + p.Name())
	}
	fmt.Println("init: ready")
	<-stop
	syscall.Reboot(syscall.LINUX_REBOOT_CMD_POWER_OFF)
}

func supervise(path string) {
	for {
		cmd := exec.Command(path)
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if err := cmd.Run(); err != nil {
			log.Printf("%s: %v", path, err)
		}
	}
}
