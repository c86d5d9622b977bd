package udevdb

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// SetQueue says to those who wait whether events are queued or being handled:
// as long as they are, a file queue exists.
func (d *Dir) SetQueue(busy bool) error {
	if busy == d.busy {
		return nil
	}
	name := d.path + "/queue"
	var err error
	if busy {
		err = unix.Mknod(name, unix.S_IFREG|fileMode, 0)
	} else {
		err = unix.Unlink(name)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("database: queue: %w", err)
	}
	d.busy = busy
	return nil
}

// TagStatic says that a node that exists without its device, such as snd/seq,
// has a tag.
func (d *Dir) TagStatic(tag, node string) error {
	if len(appendTag(nil, tag)) == 0 || !fileName(Escape(node)) {
		return fmt.Errorf("database: tag %q of %q: %w", tag, node, fs.ErrInvalid)
	}
	dir := filepath.Join(d.path, "static_node-tags", tag)
	err := os.MkdirAll(dir, 0o755)
	if err == nil {
		err = os.Symlink("/dev/"+node, filepath.Join(dir, Escape(node)))
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("database: tag %s of %s: %w", tag, node, err)
	}
	return nil
}
