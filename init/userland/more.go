package main

import (
	"bufio"
	"context"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"slashdev/init/userland/tool"
)

// pageLines is what a page of a 24-line terminal holds, above the prompt.
const pageLines = 23

// more shows files a page at a time. Keys come from the terminal on standard
// error, because standard input may be what is shown.
func more(_ context.Context, e *tool.Env, args []string) error {
	_, files, err := tool.Parse("", args)
	if err != nil {
		return err
	}
	readers, done, err := openAll(e, files)
	if err != nil {
		return err
	}
	defer done()
	keys, ok := e.Err.(*os.File)
	if !ok || !isTerminal(e.Out) || !isTerminal(keys) {
		_, err := io.Copy(e.Out, io.MultiReader(readers...))
		return err
	}
	sc := bufio.NewScanner(io.MultiReader(readers...))
	sc.Buffer(nil, 1<<20)
	left := pageLines
	for sc.Scan() {
		if left == 0 {
			if left = askMore(e, keys); left == 0 {
				return nil
			}
		}
		text := tool.Clean(sc.Text())
		e.Printf("%s\n", text)
		left = max(0, left-1-len(text)/tool.Width)
	}
	return sc.Err()
}

// askMore returns how many lines to show next: none ends it.
func askMore(e *tool.Env, keys *os.File) int {
	e.Printf("-- more: Space, Enter, q --")
	defer e.Printf("\r                           \r")
	fd := int(keys.Fd())
	old, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return 0
	}
	raw := *old
	raw.Lflag &^= unix.ICANON | unix.ECHO
	unix.IoctlSetTermios(fd, unix.TCSETS, &raw)
	defer unix.IoctlSetTermios(fd, unix.TCSETS, old)
	var b [1]byte
	for {
		if n, err := keys.Read(b[:]); n == 0 || err != nil {
			return 0
		}
		switch b[0] {
		case ' ', 'f':
			return pageLines
		case '\r', '\n', 'j':
			return 1
		case 'q', 'Q', 3, 4:
			return 0
		}
	}
}
