package gobuild

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// ModuleDir returns the folder whose go.mod decides the version of pkg, for an
// appliance file in dir. gokrazy keeps a go.mod per package, or one for all, in
// builddir; without that the module around the appliance file counts.
func ModuleDir(dir, pkg string) (string, error) {
	if found, ok := BuildDir(dir, pkg); ok {
		return found, nil
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for d := abs; ; d = filepath.Dir(d) {
		if HasModule(d) {
			return d, nil
		}
		if d == filepath.Dir(d) {
			return "", fmt.Errorf("%w %s: no go.mod in or above %s: run `go mod init appliance` and `go get %s` there", ErrUnknown, pkg, dir, pkg)
		}
	}
}

// BuildDir returns gokrazy's folder for pkg: builddir/IMPORT/PATH or the
// nearest folder above it, up to builddir, that has a go.mod.
func BuildDir(dir, pkg string) (string, bool) {
	top, err := filepath.Abs(filepath.Join(dir, "builddir"))
	if err != nil {
		return "", false
	}
	d := filepath.Join(top, filepath.FromSlash(pkg))
	if rel, err := filepath.Rel(top, d); err != nil || !filepath.IsLocal(rel) {
		d = top // "../x": never leave builddir
	}
	for ; ; d = filepath.Dir(d) {
		if HasModule(d) {
			return d, true
		}
		if d == top {
			return "", false
		}
	}
}

// PackageDir returns the folder of a package's source, as the module in dir
// decides it. It serves for packages that are data, such as kernels.
func PackageDir(ctx context.Context, dir, pkg string) (string, error) {
	c := Config{Arch: "amd64"}
	p := Program{Package: pkg, Dir: dir, Where: filepath.Join(dir, "go.mod")}
	out, err := c.run(ctx, &p, []string{"list", "-f", "{{.Dir}}", pkg})
	return strings.TrimSpace(out), err
}

// HasModule says whether a folder is the top of a module.
func HasModule(dir string) bool {
	info, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil && info.Mode().IsRegular()
}
