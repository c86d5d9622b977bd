package kmod

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Linux is the running kernel. Files are below Root.
type Linux struct {
	Root string // "" means /
	Sys  string // sysfs; "" means /sys
}

// Release returns the release of the running kernel.
func Release() (string, error) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "", fmt.Errorf("ask for the kernel's release: %w", err)
	}
	return unix.ByteSliceToString(u.Release[:]), nil
}

// Loaded says whether a module is there and has finished starting.
func (k Linux) Loaded(module string) bool {
	state, err := k.attr(module, "initstate")
	return err == nil && state == "live"
}

// attr reads what sysfs says of a module.
func (k Linux) attr(module, name string) (string, error) {
	if module == "" || module[0] == '.' || strings.Contains(module, "/") {
		return "", fmt.Errorf("module %q: %w", module, fs.ErrNotExist)
	}
	text, err := os.ReadFile(filepath.Join(k.sys(), "module", module, name))
	return strings.TrimSpace(string(text)), err
}

func (k Linux) sys() string {
	if k.Sys == "" {
		return "/sys"
	}
	return k.Sys
}

// Insert gives a module to the kernel, which reads an uncompressed file itself.
func (k Linux) Insert(l Load) error {
	file := "/" + l.File
	if k.Root != "" {
		file = filepath.Join(k.Root, l.File)
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	if !isPacked(l.File) {
		return explain(unix.FinitModule(int(f.Fd()), l.Options, 0))
	}
	image, err := unpack(l.File, f)
	if err != nil {
		return err
	}
	return explain(unix.InitModule(image, l.Options))
}

// Remove takes a module out of the kernel, unless it is in use.
func (k Linux) Remove(module string) error {
	return explain(unix.DeleteModule(module, unix.O_NONBLOCK))
}

// Users returns how many use a module, its holders among them. A module that
// cannot say so is not to be removed.
func (k Linux) Users(module string) (int, error) {
	text, err := k.attr(module, "refcnt")
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(text)
}

// meanings are what the kernel's numbers say about a module.
var meanings = map[syscall.Errno]string{
	unix.ENOEXEC:      "not made for this kernel, or damaged",
	unix.ENOENT:       "it needs something that no loaded module has (see dmesg)",
	unix.ENODEV:       "it found no device to serve",
	unix.EKEYREJECTED: "its signature is not accepted",
	unix.EPERM:        "not allowed: not root, or loading modules is switched off",
	unix.EINVAL:       "a parameter is wrong, or the module is damaged (see dmesg)",
	unix.EWOULDBLOCK:  "it is in use",
}

func explain(err error) error {
	errno, ok := errors.AsType[syscall.Errno](err)
	switch text := meanings[errno]; {
	case !ok || errno == unix.EEXIST:
		return nil
	case text != "":
		return fmt.Errorf("%w: %s", err, text)
	}
	return err
}
