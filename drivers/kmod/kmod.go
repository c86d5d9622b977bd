// Package kmod finds and loads kernel modules for a module name or the modalias
// of a device.
//
// An Index is what depmod wrote below lib/modules and what the administrator
// wrote in modprobe.d, read once. Plan turns a name into the loads that it
// needs, in order; it reads nothing more and changes nothing. A Loader performs
// plans: every module once, however many ask for it, and what failed is not
// tried again until it is told to. Only load_linux.go speaks to the kernel.
//
// Names come from devices and from unprivileged programs through the kernel:
// they are only ever compared with what the files say. No path is made of a
// name, and no line of modprobe.d is given to a shell: of `install` and `remove`
// commands only /bin/true and /bin/false act, others refuse the module and are
// reported with file and line.
package kmod

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"
	"syscall"
)

// Index knows a kernel's modules. It is never changed and may be used by
// several goroutines.
type Index struct {
	root     fs.FS
	dir      string            // lib/modules/RELEASE
	deps     map[string]string // by module: its line of modules.dep
	builtin  map[string]bool
	order    map[string]int
	aliases  aliases        // of modules, and
	inKernel aliases        // of what is built in
	symbols  func() aliases // read when somebody asks: they are many, and seldom asked for
	config   config
}

// Node is a device that a module serves as soon as it is loaded, by
// modules.devname: opening it may load the module.
type Node struct {
	Module, Name string
	Block        bool
	Major, Minor uint32
}

// Problem is a line of a configuration file that does not act.
type Problem struct {
	File string
	Line int
	Text string
}

func (p Problem) String() string { return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Text) }

// maxFile is more than the largest index file of a kernel with every driver.
const maxFile = 32 << 20

// Open reads the index of the kernel of a release and the configuration, below
// root. A kernel without modules has an Index that finds nothing.
func Open(root fs.FS, release string) (*Index, error) {
	x := &Index{root: root, dir: path.Join("lib/modules", release), deps: map[string]string{}, builtin: map[string]bool{}, order: map[string]int{}}
	if !fs.ValidPath(release) || release == "." || strings.Contains(release, "/") {
		return nil, fmt.Errorf("read modules of kernel %q: no release of a kernel", release)
	}
	soft := parser{config: &x.config}
	modules, inKernel := &aliasList{}, &aliasList{}
	var errs []error
	for _, file := range []struct {
		name  string
		parse func(text string)
	}{
		{"modules.dep", x.parseDep},
		{"modules.builtin", x.parseBuiltin},
		{"modules.order", x.parseOrder},
		{"modules.alias", modules.parse},
		{"modules.builtin.modinfo", inKernel.parseModinfo},
	} {
		text, err := x.read(file.name)
		errs = append(errs, err)
		file.parse(text)
	}
	errs = append(errs, x.config.read(root))
	text, err := x.read("modules.softdep")
	soft.parse("modules.softdep", text)
	x.aliases, x.inKernel = modules.table(), inKernel.table()
	x.symbols = sync.OnceValue(x.readSymbols)
	return x, errors.Join(append(errs, err)...)
}

func (x *Index) readSymbols() aliases {
	l := &aliasList{}
	text, _ := x.read("modules.symbols") // without it nothing is found
	l.parse(text)
	return l.table()
}

// Problems returns the lines of configuration that do not act.
func (x *Index) Problems() []Problem { return x.config.problems }

// read returns a file of depmod's. One that is not there is empty.
func (x *Index) read(name string) (string, error) {
	text, err := readFile(x.root, path.Join(x.dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return text, err
}

func readFile(root fs.FS, name string) (string, error) {
	f, err := root.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	if info.Size() > maxFile {
		return "", &fs.PathError{Op: "read", Path: name, Err: syscall.EFBIG}
	}
	text, err := fs.ReadFile(root, name)
	return string(text), err
}
