package daemon

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	udevrules "slashdev/devmgr/rules/udev"
	"slashdev/drivers/ident"
)

// linkDirs are the folders of .link files below the root, the most important
// first.
var linkDirs = []string{"etc/systemd/network", "run/systemd/network", "usr/local/lib/systemd/network", "usr/lib/systemd/network", "lib/systemd/network"}

// linkTool returns the builtin net_setup_link: what .link files call an
// interface. Nothing is renamed.
func linkTool(cfg Config) tool {
	links, problems := ident.ParseLinks(linkFiles(rootFS(cfg.Root)))
	for _, err := range problems {
		cfg.Logf("%v", err)
	}
	cmdline, _ := (&host{policy: &Policy{Root: cfg.Root}}).Read("/proc/cmdline")
	kernel := slices.Contains(strings.Fields(cmdline), "net.ifnames=0")
	return tool{builtin: true, when: laterIfVirtual, run: func(p probe) ([]udevrules.Property, error) {
		known := ident.NetAnswers{Driver: p.driver(), Property: p.env, KernelNames: kernel}
		setup, err := links.Setup(p.sys.Tree(), p.device.DevPath, known)
		return converted(setup.Properties), err
	}}
}

func linkFiles(root fs.FS) (files []ident.LinkFile) {
	for _, dir := range linkDirs {
		entries, _ := fs.ReadDir(root, dir)
		for _, e := range entries {
			if text, err := udevrules.ReadFile(root, path.Join(dir, e.Name())); err == nil && strings.HasSuffix(e.Name(), ".link") {
				files = append(files, ident.LinkFile{Path: "/" + path.Join(dir, e.Name()), Text: text})
			}
		}
	}
	return files
}
