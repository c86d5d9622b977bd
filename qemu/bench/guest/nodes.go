package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	shut = 0o600
	open = 0o660 // what all managers are told to give disks
)

// blocks returns the nodes of all block devices.
func blocks() ([]string, error) {
	entries, err := os.ReadDir("/sys/class/block")
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		names = append(names, "/dev/"+strings.ReplaceAll(e.Name(), "!", "/"))
	}
	return names, nil
}

func closeNodes() error {
	names, err := blocks()
	for _, name := range names {
		err = errors.Join(err, os.Chmod(name, shut))
	}
	return err
}

func isOpen(node string) bool {
	var st unix.Stat_t
	return unix.Stat(node, &st) == nil && st.Mode&0o777 == open
}

// waitOpen waits until every node has been dealt with.
func waitOpen(nodes []string, every time.Duration) error {
	for _, node := range nodes {
		if isOpen(node) {
			continue
		}
		if err := until(node, every, func() bool { return isOpen(node) }); err != nil {
			return err
		}
	}
	return nil
}

// removeLinks removes all links below /dev, and the directories that are empty
// then.
func removeLinks() error {
	var dirs []string
	err := filepath.WalkDir("/dev", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			dirs = append(dirs, name)
		case d.Type() == fs.ModeSymlink:
			return os.Remove(name)
		}
		return nil
	})
	for i := len(dirs) - 1; i > 0; i-- {
		_ = os.Remove(dirs[i])
	}
	return err
}

// census counts what a manager has made, for the eye: two that do the same work
// have the same.
func census() (links, records int, err error) {
	err = filepath.WalkDir("/dev", func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type() == fs.ModeSymlink {
			links++
		}
		return err
	})
	entries, _ := os.ReadDir("/run/udev/data")
	return links, len(entries), err
}

// addLoops makes loop devices until there are n.
func addLoops(from, n int) error {
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer control.Close()
	for i := from; i < n; i++ {
		if err := unix.IoctlSetInt(int(control.Fd()), unix.LOOP_CTL_ADD, i); err != nil && err != unix.EEXIST {
			return fmt.Errorf("add loop%d: %w", i, err)
		}
	}
	return nil
}
