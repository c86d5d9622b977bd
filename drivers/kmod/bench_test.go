package kmod

import (
	"os"
	"path/filepath"
	"testing"
)

// benchRoot is a kernel's root: SLASHDEV_MODULES, or that of Debian's kernel
// for virtual machines.
func benchRoot(b *testing.B) (root, release string) {
	b.Helper()
	root = os.Getenv("SLASHDEV_MODULES")
	if root == "" {
		root = "../../bin/parts/debian"
	}
	found, err := filepath.Glob(root + "/lib/modules/*/modules.dep")
	if err != nil || len(found) != 1 {
		b.Skipf("needs bin/parts: run make setup: %v", err)
	}
	return root, filepath.Base(filepath.Dir(found[0]))
}

func BenchmarkOpen(b *testing.B) {
	root, release := benchRoot(b)
	for b.Loop() {
		x, err := Open(os.DirFS(root), release)
		if err != nil {
			b.Fatal(err)
		}
		_, _ = x.Plan("pci:v00001AF4d00001041sv00001AF4sd00000001bc02sc00i00")
	}
}

func BenchmarkPlan(b *testing.B) {
	root, release := benchRoot(b)
	x, err := Open(os.DirFS(root), release)
	if err != nil {
		b.Fatal(err)
	}
	for _, name := range []string{"pci:v00001AF4d00001041sv00001AF4sd00000001bc02sc00i00", "virtio:d00000001v00001AF4", "acpi:PNP0103:"} {
		b.Run(name[:4], func(b *testing.B) {
			for b.Loop() {
				_, _ = x.Plan(name)
			}
		})
	}
}
