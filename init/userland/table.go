package main

import (
	"io"
	"os"

	"golang.org/x/sys/unix"

	"slashdev/init/userland/tool"
)

// applets is the table of all applets, in the order in which help lists them.
func applets() []tool.Applet {
	return []tool.Applet{
		{Name: "sh", Use: "[-c COMMAND [NAME ARG...] | FILE [ARG...]]", Summary: "this shell", Plain: true, Run: sh},
		{Name: "logd", Summary: "", Run: logger},
	}
}

func isTerminal(r io.Reader) bool {
	f, ok := r.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}
