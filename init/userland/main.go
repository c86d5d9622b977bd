// Command userland is the multicall binary of the appliance's user space: the
// diagnostics shell and its tools, the logger, and what PID 1 starts as a
// child of its own because it may block.
//
// The applet is chosen by the name it is called by, else by the first argument.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"slashdev/init/userland/tool"
)

func main() {
	name, args := filepath.Base(os.Args[0]), os.Args[1:]
	if _, ok := findApplet(name); !ok && len(args) > 0 {
		name, args = args[0], args[1:]
	}
	a, ok := findApplet(name)
	if !ok {
		usage(name, len(os.Args) > 1)
	}
	dir, err := os.Getwd()
	if err != nil {
		dir = "/" // removed below us
	}
	e := &tool.Env{
		Name: a.Name, In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		Dir: dir, Getenv: os.Getenv, Root: os.DirFS("/"),
	}
	os.Exit(a.Start(context.Background(), e, args))
}

func findApplet(name string) (*tool.Applet, bool) {
	for _, a := range applets() {
		if a.Name == name {
			return &a, true
		}
	}
	return nil, false
}

// usage lists the applets; an unknown one is an error.
func usage(name string, wrong bool) {
	w, code := io.Writer(os.Stdout), tool.OK
	if wrong && name != "--help" && name != "help" {
		w, code = os.Stderr, tool.Usage
		fmt.Fprintf(w, "userland: no applet %s\n", tool.Clean(name))
	}
	fmt.Fprintln(w, "usage: userland APPLET [ARGUMENT...], or a link named like the applet")
	var names []string
	for _, a := range applets() {
		names = append(names, a.Name)
	}
	io.WriteString(w, tool.Columns(names, tool.Width))
	os.Exit(code)
}
