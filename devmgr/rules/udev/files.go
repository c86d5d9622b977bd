package udev

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Dirs returns the directories of rules below the root of a machine, the most
// important first.
func Dirs() []string {
	return []string{"etc/udev/rules.d", "run/udev/rules.d", "usr/local/lib/udev/rules.d", "usr/lib/udev/rules.d", "lib/udev/rules.d"}
}

// maxFile is more than any rules file has.
const maxFile = 4 << 20

// Load reads the rules files in dirs. Of files of one name the first counts,
// a link to /dev/null stands for no file, and all are sorted by name whatever
// their directory. What cannot be read is in the error; the rest is returned.
func Load(root fs.FS, dirs []string) ([]File, error) {
	from := map[string]string{}
	var errs []error
	for _, dir := range dirs {
		entries, err := fs.ReadDir(root, dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, fmt.Errorf("read rules: %w", err))
		}
		for _, e := range entries {
			if _, twice := from[e.Name()]; !twice && strings.HasSuffix(e.Name(), ".rules") {
				from[e.Name()] = dir
			}
		}
	}
	var names []string
	for name := range from {
		names = append(names, name)
	}
	slices.Sort(names)
	var files []File
	for _, name := range names {
		text, err := ReadFile(root, path.Join(from[name], name))
		if err != nil {
			errs = append(errs, fmt.Errorf("read rules: %w", err))
		}
		if text != "" {
			files = append(files, File{"/" + path.Join(from[name], name), text})
		}
	}
	return files, errors.Join(errs...)
}

// ReadFile returns the text of a file of a configuration, which may be masked by
// a link to /dev/null. Such a link is not followed: on the appliance that is a
// question to ourselves. A file that anybody may write is refused (C-08).
func ReadFile(root fs.FS, name string) (string, error) {
	if target, err := fs.ReadLink(root, name); err == nil && (target == "/dev/null" || strings.HasSuffix(target, "../dev/null")) {
		return "", nil
	}
	info, err := fs.Stat(root, name)
	switch {
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "", nil
	case info.Size() > maxFile:
		return "", fmt.Errorf("%s: %d bytes are too many", name, info.Size())
	case info.Mode().Perm()&0o002 != 0:
		return "", fmt.Errorf("/%s: anybody may write it, and root would obey: it is not read; chmod o-w it", name)
	}
	text, err := fs.ReadFile(root, name)
	return string(text), err
}
