package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"runtime"
	"strings"

	"slashdev/devmgr/devtree"
	udevrules "slashdev/devmgr/rules/udev"
	"slashdev/devmgr/sysfs"
)

// host is the machine for the decision about one device (udev.Host). On the
// loop it may not wait; elsewhere it uses nothing of the loop's.
type host struct {
	policy *Policy
	sys    sysfs.FS
	device *devtree.Device
	gone   bool                      // there is nothing to probe any more
	above  func() []udevrules.Parent // reads the tree: only on the loop
	known  []udevrules.Parent
	asked  bool
	ctx    context.Context // nil: may not wait
	// patient: who asks comes again when a disk is locked
	patient bool
	// earnest: the answer is for an event, not for somebody who wants to know
	earnest bool
}

func (h *host) Attr(devpath, name string) (string, bool) {
	value, err := h.sys.Value(devpath, name)
	return value, err == nil
}

// maxRead bounds files that rules import.
const maxRead = 64 << 10

func (h *host) Read(name string) (string, bool) {
	if rest, ok := strings.CutPrefix(name, "/sys/"); ok {
		text, err := fs.ReadFile(h.sys.Tree(), rest)
		return string(text), err == nil
	}
	name = h.place(name)
	if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() || info.Size() > maxRead {
		return "", false
	}
	text, err := os.ReadFile(name)
	return string(text[:min(len(text), maxRead)]), err == nil
}

// place says where a path is here. /dev is looked at behind the views of it,
// which are ours to serve.
func (h *host) place(name string) string {
	name = path.Clean(name)
	for dir, where := range h.policy.dirs {
		if name == dir || strings.HasPrefix(name, dir+"/") {
			return where + name[len(dir):]
		}
	}
	if strings.HasPrefix(name, "/proc/") {
		return name
	}
	return h.policy.Root + name
}

func (h *host) Stat(name string) (fs.FileMode, bool) {
	name, info := h.find(name)
	if name == "" {
		return 0, false
	}
	return info.Mode(), true
}

// find returns the file that a name with a "*" for any one directory means.
func (h *host) find(name string) (string, fs.FileInfo) {
	head, tail, star := strings.Cut(name, "/*/")
	if !star {
		info, err := h.stat(name)
		if err != nil {
			return "", nil
		}
		return name, info
	}
	rest, in := strings.CutPrefix(path.Clean(head), "/sys/")
	if !in {
		return "", nil
	}
	entries, _ := fs.ReadDir(h.sys.Tree(), rest)
	for _, e := range entries {
		full := head + "/" + e.Name() + "/" + tail
		if info, err := h.stat(full); err == nil {
			return full, info
		}
	}
	return "", nil
}

func (h *host) stat(name string) (fs.FileInfo, error) {
	name = path.Clean(name)
	if rest, ok := strings.CutPrefix(name, "/sys/"); ok {
		return fs.Stat(h.sys.Tree(), rest)
	}
	return os.Stat(h.place(name))
}

// write writes a value to the file that a rule means.
func (h *host) write(w udevrules.Write) error {
	name, info := h.find(w.Path)
	if name == "" || !info.Mode().IsRegular() {
		return fmt.Errorf("write %s: %w", w.Path, fs.ErrNotExist)
	}
	return os.WriteFile(h.place(name), []byte(w.Value), 0)
}

func (h *host) Parents() []udevrules.Parent {
	if !h.asked {
		h.known, h.asked = h.above(), true
	}
	return h.known
}

func (h *host) ID(kind udevrules.IDKind, name string) (id uint32, ok bool) {
	if kind == udevrules.User {
		id, ok = h.policy.Users[name]
	} else {
		id, ok = h.policy.Groups[name]
	}
	return id, ok
}

func (h *host) Const(key string) string {
	if key == "arch" {
		return map[string]string{"amd64": "x86-64", "arm64": "arm64"}[runtime.GOARCH]
	}
	vendor, _ := fs.ReadFile(h.sys.Tree(), "class/dmi/id/sys_vendor")
	for prefix, name := range map[string]string{"QEMU": "qemu", "VMware": "vmware", "innotek": "oracle", "Xen": "xen", "Amazon EC2": "amazon"} {
		if strings.HasPrefix(string(vendor), prefix) {
			return name
		}
	}
	if text, err := os.ReadFile("/proc/device-tree/hypervisor/compatible"); err == nil && strings.HasPrefix(string(text), "linux,kvm") {
		return "kvm"
	}
	return "none"
}

// errNoProgram is what rules hear that want to run a program for a device that
// is only looked at.
var errNoProgram = errors.New("programs are not run while rules are applied")

// Call answers from the table of tools. What reads devices or runs programs is
// done where it may take time.
func (h *host) Call(c udevrules.Call) (udevrules.Answer, error) {
	t, ok := h.policy.tool(c.Builtin, c.Argv[0])
	when := later
	if ok {
		when = t.moment(probe{h, c})
	}
	switch {
	case !ok && c.Builtin, when == never, ok && when == later && h.gone:
		return udevrules.Answer{}, udevrules.ErrNothing // one that has no meaning here
	case when == later && h.ctx == nil:
		return udevrules.Answer{}, udevrules.ErrLater
	case !ok && h.policy.run == nil:
		return udevrules.Answer{}, errNoProgram
	case !ok:
		return h.policy.run(h.ctx, h.device.DevPath, c)
	}
	if when == later {
		release, err := h.lock()
		if err != nil {
			return udevrules.Answer{}, err
		}
		defer release()
	}
	found, err := t.run(probe{h, c})
	if err != nil && (when == atOnce || errors.Is(err, fs.ErrNotExist)) { // sysfs says no more
		err = fmt.Errorf("%w: %w", udevrules.ErrNothing, err)
	}
	return udevrules.Answer{Properties: found}, err
}
