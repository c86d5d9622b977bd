package image

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// writeFile makes a file in one step: fill writes a temporary one beside it,
// which takes its name when all of it is there, and goes when it is not. need
// is how many bytes it will take at most.
func writeFile(name string, need int64, fill func(*os.File) error) error {
	if err := checkOutput(name); err != nil {
		return err
	}
	dir := filepath.Dir(name)
	f, err := os.CreateTemp(dir, "."+filepath.Base(name)+".tmp-*")
	if errors.Is(err, fs.ErrNotExist) {
		return errorf(codeUsage, "write %s: no folder %s: create it, or name another file with -o", name, dir)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	defer os.Remove(f.Name())
	err = fill(f)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("write %s: %w: up to %d MiB needed; make room, or name a file on another disk with -o", name, syscall.ENOSPC, need>>20+1)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// checkOutput refuses a name that a plain file must not take: on a disk's node
// the image would replace the node, and lie in memory.
func checkOutput(name string) error {
	info, err := os.Stat(name)
	switch {
	case err != nil && filepath.Dir(name) == "/dev":
		return errorf(codeRefused, "write %s: no such device: name a file with -o", name)
	case err != nil:
		return nil // a new file
	case info.IsDir():
		return errorf(codeUsage, "write %s: it is a folder: name a file in it with -o", name)
	case !info.Mode().IsRegular():
		return errorf(codeRefused, "write %s: it is no plain file: name one with -o, then dd if=FILE of=%s bs=4M conv=fsync", name, name)
	}
	return nil
}
