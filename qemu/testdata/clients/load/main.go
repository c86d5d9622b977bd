// Command load loads /other/vmlinuz for kexec, with a command line of its own.
package main

import (
	"log"
	"os"

	"golang.org/x/sys/unix"
)

func main() {
	kernel, err := os.Open("/other/vmlinuz")
	if err != nil {
		log.Fatal(err)
	}
	words := "console=ttyS0 panic=-1 second=kernel"
	if err := unix.KexecFileLoad(int(kernel.Fd()), 0, words, unix.KEXEC_FILE_NO_INITRAMFS); err != nil {
		log.Fatal(err)
	}
}
