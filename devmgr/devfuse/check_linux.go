package devfuse

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"

	"slashdev/devmgr/view"
)

// nobody is a user to whom a node of mode 0600 must be closed.
const nobody = 65534

// Check mounts a view with one node of mode 0600 below dir and proves that root
// can open it and another user cannot. A machine where that fails must not
// mount views.
func (s *Server) Check(dir string) error { return s.check(dir, options) }

func (s *Server) check(dir, options string) error {
	path, err := os.MkdirTemp(dir, "check-")
	if err != nil {
		return fmt.Errorf("check views: %w", err)
	}
	defer os.Remove(path)
	if err := os.Chmod(path, 0o755); err != nil {
		return fmt.Errorf("check views: %w", err)
	}
	b := view.NewBack()
	if err := b.Put("null", view.Item{Kind: view.Char, Major: 1, Minor: 3, Attr: view.Attr{Mode: 0o600}}); err != nil {
		return fmt.Errorf("check views: %w", err)
	}
	m, err := s.attach(New(view.New(b, view.Options{}), Config{}), path, options)
	if err != nil {
		return fmt.Errorf("check views: %w", err)
	}
	root, other := tryOpen(path, 0), tryOpen(path, nobody)
	err = m.Detach()
	switch {
	case root != nil:
		return fmt.Errorf("check views: open a node as root: %w", root)
	case other == nil:
		return errors.New("check views: a node of mode 0600 can be opened by everybody")
	case !errors.Is(other, unix.EACCES):
		return fmt.Errorf("check views: open a node as another user: %w", other)
	}
	return err
}

// tryOpen opens null in a directory as a user, who need not be able to reach
// the directory. Only the thread is of that user, and only for file systems.
func tryOpen(path string, uid int) error {
	dir, err := unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(dir)
	result := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		if err := unix.Setfsuid(uid); err != nil {
			result <- err
			return
		}
		fd, err := unix.Openat(dir, "null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err == nil {
			unix.Close(fd)
		}
		result <- err
	}()
	return <-result
}
