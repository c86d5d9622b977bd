package image

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"slashdev/drivers/kmod"
	"slashdev/image/tree"
)

const kernelName = "vmlinuz"

// kernel is a kernel and its modules as one of the Go modules holds them.
type kernel struct {
	dir     string
	version string
	modules string // folder of its modules, "" without
}

// vmlinuz is the kernel image.
func (k *kernel) vmlinuz() string { return filepath.Join(k.dir, kernelName) }

func openKernel(dir string) (kernel, error) {
	image, err := os.ReadFile(filepath.Join(dir, kernelName))
	if err != nil {
		return kernel{}, fmt.Errorf("find kernel: %w", err)
	}
	version, err := KernelVersion(image)
	if err != nil {
		return kernel{}, fmt.Errorf("%s: %w", filepath.Join(dir, kernelName), err)
	}
	k := kernel{dir: dir, version: version}
	modules := filepath.Join(dir, "lib", "modules", version)
	if info, err := os.Stat(modules); err == nil && info.IsDir() {
		k.modules = modules
	}
	return k, nil
}

// KernelVersion returns the version of a kernel image, as uname says it: from
// the header of an x86 bzImage, or the banner in an uncompressed arm64 Image.
func KernelVersion(image []byte) (string, error) {
	text := image
	if len(image) > 0x210 && string(image[0x202:0x206]) == "HdrS" {
		at := int(binary.LittleEndian.Uint16(image[0x20e:])) + 0x200
		if at >= len(image) {
			return "", errors.New("read kernel version: damaged bzImage header")
		}
		text = image[at:]
	} else {
		const banner = "Linux version "
		i := bytes.Index(image, []byte(banner))
		if i < 0 {
			return "", errors.New("read kernel version: neither a bzImage nor an uncompressed Image")
		}
		text = image[i+len(banner):]
	}
	version, _, _ := strings.Cut(string(text[:min(len(text), 128)]), " ")
	if version == "" || version[0] < '0' || version[0] > '9' || strings.ContainsAny(version, "/\x00") {
		return "", errors.New("read kernel version: no version where one belongs")
	}
	return version, nil
}

// checkModules compares the kernel with its modules. Modules of another version
// cannot be loaded: they stay out of the image, and who needs one is refused.
func (b *builder) checkModules(context.Context) error {
	var named []string
	if b.spec.Slashdev != nil {
		named = b.spec.Slashdev.Modules
	}
	if b.kernel.modules != "" {
		return b.kernel.has(named)
	}
	found, err := os.ReadDir(filepath.Join(b.kernel.dir, "lib", "modules"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var versions []string
	for _, e := range found {
		versions = append(versions, e.Name())
	}
	what := "has no modules"
	if len(versions) > 0 {
		what = "does not match its modules (" + strings.Join(versions, ", ") + ")"
	}
	switch {
	case len(named) > 0:
		return errorf(codeRefused, "build image: kernel %s %s, and the appliance file names %s: choose another KernelPackage, or drop Slashdev.Modules", b.kernel.version, what, strings.Join(named, ", "))
	case len(versions) == 0:
		return nil
	case b.Strict:
		return errorf(codeRefused, "build image: kernel %s %s: --strict refuses; choose another KernelPackage", b.kernel.version, what)
	}
	b.warnf("kernel %s %s: the image holds no modules", b.kernel.version, what)
	return nil
}

// has refuses modules that the kernel does not have.
func (k *kernel) has(modules []string) error {
	if len(modules) == 0 {
		return nil
	}
	x, err := kmod.Open(os.DirFS(k.dir), k.version)
	if err != nil {
		return err
	}
	for _, name := range modules {
		if _, err := x.Plan(name); err != nil {
			return errorf(codeNotFound, "build image: kernel %s: Slashdev.Modules: %s: %w", k.version, name, err)
		}
	}
	return nil
}

// addModules puts the kernel's modules into the root, and the names of those
// that are to be loaded at boot.
func (b *builder) addModules() error {
	if own := b.spec.Slashdev; own != nil && len(own.Modules) > 0 {
		text := strings.Join(own.Modules, "\n") + "\n"
		if err := b.root.Add(tree.Bytes("/etc/modules-load.d/slashdev.conf", 0o644, []byte(text))); err != nil {
			return err
		}
	}
	if b.kernel.modules == "" {
		return b.root.Add(tree.Dir("/lib/modules", 0o755))
	}
	top := "/lib/modules/" + b.kernel.version
	return filepath.WalkDir(b.kernel.modules, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(b.kernel.modules, file)
		if err != nil || !d.Type().IsRegular() {
			return err // "build" and "source" link to the builder's disk
		}
		e, err := tree.HostFile(top+"/"+filepath.ToSlash(rel), file, 0o644)
		if err != nil {
			return err
		}
		return b.root.Add(e)
	})
}
