package main

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// sabotage stands between an init and the one that it executes, real, and spoils
// the state that is handed over: a damaged one for "damaged", none for "lost".
func sabotage() error {
	how, err := os.ReadFile("/etc/sabotage")
	if err != nil {
		return err
	}
	args := []string{"/sbin/init"}
	if strings.Contains(strings.Join(os.Args, " "), " --lost=") { // one that was found again
		return unix.Exec("/sbin/real", os.Args, []string{"HOME=/"})
	}
	if option, number, found := strings.Cut(os.Args[len(os.Args)-1], "="); found && string(how) == "damaged" {
		fd, err := strconv.Atoi(number)
		if err != nil {
			return err
		}
		if fd, err = damage(fd); err != nil {
			return err
		}
		args = append(args, option+"="+strconv.Itoa(fd))
	}
	return unix.Exec("/sbin/real", args, []string{"HOME=/"})
}

func damage(fd int) (int, error) {
	text, err := os.ReadFile("/proc/self/fd/" + strconv.Itoa(fd))
	if err != nil {
		return -1, err
	}
	text[len(text)/2] ^= 1
	fd, err = unix.MemfdCreate("state", unix.MFD_ALLOW_SEALING)
	if err == nil {
		_, err = unix.Write(fd, text)
	}
	if err == nil {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_SEAL|unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_WRITE)
	}
	return fd, err
}
