package image

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"slashdev/image/gobuild"
	"slashdev/image/spec"
	"slashdev/image/tree"
)

// program is a program of the appliance that was built.
type program struct {
	*spec.Program
	gobuild.Binary
}

// buildPrograms compiles the appliance's programs.
func (b *builder) buildPrograms(ctx context.Context) error {
	var list []gobuild.Program
	for i := range b.spec.Programs {
		p := &b.spec.Programs[i]
		dir, err := b.moduleDir(p)
		if err != nil {
			return withCode(codeNotFound, fmt.Errorf("%s: %w", p.Where, err))
		}
		list = append(list, gobuild.Program{
			Package: p.Package, Dir: dir, Tags: p.Config.GoBuildTags, Flags: p.Config.GoBuildFlags,
			Env: p.Config.GoBuildEnvironment, Where: p.Where,
		})
	}
	bins, err := gobuild.Build(ctx, gobuild.Config{Arch: b.Arch, Logf: b.Logf}, list)
	if errors.Is(err, gobuild.ErrUnknown) {
		return withCode(codeNotFound, err)
	}
	if err != nil {
		return err
	}
	for i := range bins {
		b.bins = append(b.bins, program{&b.spec.Programs[i], bins[i]})
	}
	return nil
}

// moduleDir is the folder whose go.mod decides a package's version. The system's
// own packages come with slashdev unless the appliance pins them.
func (b *builder) moduleDir(p *spec.Program) (string, error) {
	if dir, ok := gobuild.BuildDir(b.dir, p.Package); ok {
		return dir, nil
	}
	ours := strings.HasPrefix(p.Package, "slashdev/") || p.System && strings.HasPrefix(p.Package, "github.com/gokrazy/gokrazy/")
	if ours && gobuild.HasModule(b.source) {
		return b.source, nil
	}
	return gobuild.ModuleDir(b.dir, p.Package)
}

// addPrograms puts the device binaries and the programs into the root.
func (b *builder) addPrograms() error {
	for _, name := range []string{"init", "devmgr", "userland"} {
		e, err := tree.HostFile("/sbin/"+name, filepath.Join(b.Binaries, b.Arch, name), 0o755)
		if err != nil {
			return fmt.Errorf("find device binaries: %w: run `make build`", err)
		}
		b.result.Sizes = append(b.result.Sizes, Size{"/sbin/" + name, e.Size})
		if err := b.root.Add(e); err != nil {
			return err
		}
	}
	for _, p := range b.bins {
		e := tree.Bytes(p.Path(), 0o755, p.Data)
		e.From = "package " + p.Package
		b.result.Sizes = append(b.result.Sizes, Size{p.Path(), e.Size})
		if err := b.root.Add(e); err != nil {
			return err
		}
		if err := b.addExtras(p); err != nil {
			return fmt.Errorf("%s: extra files of %s: %w", p.Where, p.Package, err)
		}
	}
	return nil
}
