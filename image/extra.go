package image

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"slashdev/image/tree"
)

// addExtras adds the files that a program brings: named in the appliance file,
// or beside its source in _gokrazy/extrafiles.
func (b *builder) addExtras(p program) error {
	for _, name := range slices.Sorted(maps.Keys(p.Config.ExtraFilePaths)) {
		file := p.Config.ExtraFilePaths[name]
		if !filepath.IsAbs(file) {
			file = filepath.Join(b.dir, file)
		}
		if err := b.addHost(path.Clean(name), file); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.Config.ExtraFileContents)) {
		if err := b.root.Add(tree.Bytes(path.Clean(name), 0o644, []byte(p.Config.ExtraFileContents[name]))); err != nil {
			return err
		}
	}
	base := filepath.Join(p.Source, "_gokrazy", "extrafiles")
	for _, name := range []string{base + "_" + b.Arch, base} {
		for _, end := range []string{"", ".tar"} {
			if _, err := os.Stat(name + end); err == nil {
				return b.addHost("/", name+end)
			}
		}
		if _, err := os.Stat(name + ".tar.zst"); err == nil {
			return fmt.Errorf("%s.tar.zst: zstd is not supported: unpack it to %s.tar", name, name)
		}
	}
	return nil
}

// addHost adds a host file, folder or tar archive at name.
func (b *builder) addHost(name, file string) error {
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errorf(codeNotFound, "%w: paths are relative to the appliance file", err)
	case err != nil:
		return err
	case info.IsDir():
		return b.addFolder(name, file)
	case strings.HasSuffix(file, ".tar"):
		return b.addTar(name, file)
	}
	return b.addFile(name, file, info.Mode())
}

func (b *builder) addFile(name, file string, mode fs.FileMode) error {
	perm := fs.FileMode(0o644)
	if mode&0o111 != 0 {
		perm = 0o755 // the host's umask must not show in the image
	}
	e, err := tree.HostFile(name, file, perm)
	if err != nil {
		return err
	}
	return b.root.Add(e)
}

func (b *builder) addFolder(top, dir string) error {
	return filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, file)
		if err != nil || rel == "." {
			return err
		}
		name := path.Join(top, filepath.ToSlash(rel))
		info, err := d.Info()
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return b.root.AddMissing(tree.Dir(name, 0o755))
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(file)
			if err != nil {
				return err
			}
			return b.root.Add(tree.Link(name, target))
		case d.Type().IsRegular():
			return b.addFile(name, file, info.Mode())
		}
		return fmt.Errorf("add %s: not a file, folder or link", file)
	})
}

// addTar adds what an archive holds. Names that lead out of top are refused by
// the tree, which wants clean paths.
func (b *builder) addTar(top, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", file, err)
		}
		e := tree.Entry{
			Path: path.Join(top, path.Clean("/"+h.Name)), Mode: h.FileInfo().Mode(),
			UID: uint32(h.Uid), GID: uint32(h.Gid), Link: h.Linkname, From: file,
		}
		switch h.Typeflag {
		case tar.TypeDir:
			err = b.root.AddMissing(e)
		case tar.TypeReg:
			if e.Bytes, err = io.ReadAll(r); err == nil {
				e.Size = int64(len(e.Bytes))
				err = b.root.Add(e)
			}
		case tar.TypeSymlink:
			err = b.root.Add(e)
		default:
			err = fmt.Errorf("read %s: %s is not a file, folder or link", file, h.Name)
		}
		if err != nil {
			return err
		}
	}
}
