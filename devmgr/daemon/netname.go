package daemon

import (
	"fmt"
	"io/fs"
	"net"
	"path"
	"slices"
	"strconv"
	"strings"

	"slashdev/devmgr/netname"
	udevrules "slashdev/devmgr/rules/udev"
	"slashdev/devmgr/uevent"
	"slashdev/drivers/ident"
)

// linkDirs are the folders of .link files below the root, the most important
// first.
var linkDirs = []string{"etc/systemd/network", "run/systemd/network", "usr/local/lib/systemd/network", "usr/lib/systemd/network", "lib/systemd/network"}

// linkTool returns the builtin net_setup_link: what .link files call an
// interface and, when it comes, set of it. Renaming is the rules' affair.
func linkTool(cfg Config) tool {
	links, problems := ident.ParseLinks(linkFiles(rootFS(cfg.Root)))
	for _, err := range problems {
		cfg.Logf("%v", err)
	}
	cmdline, _ := (&host{policy: &Policy{Root: cfg.Root}}).Read("/proc/cmdline")
	kernel := slices.Contains(strings.Fields(cmdline), "net.ifnames=0")
	when := func(p probe) moment {
		if p.arrives() && links.Sets() {
			return later
		}
		return laterIfVirtual(p)
	}
	return tool{builtin: true, when: when, run: func(p probe) ([]udevrules.Property, error) {
		known := ident.NetAnswers{Driver: p.driver(), Property: p.env, KernelNames: kernel}
		setup, err := links.Setup(p.sys.Tree(), p.device.DevPath, known)
		if err == nil && p.earnest && p.arrives() {
			err = p.set(setup)
		}
		return converted(setup.Properties), err
	}}
}

// arrives says whether the interface has just come.
func (p probe) arrives() bool { return p.env("ACTION") == string(uevent.Add) }

// set sets what a .link file says. The name that the interface is to get is not
// given to it as another one before.
func (p probe) set(setup ident.LinkSetup) error {
	s := netname.Settings{MTU: setup.MTU, QueueLength: setup.QueueLength, Alias: setup.Alias}
	s.Address, _ = net.ParseMAC(setup.MACAddress)
	for _, name := range setup.AlternativeNames {
		if !slices.Contains(setup.Properties, ident.Property{Key: "ID_NET_NAME", Value: name}) {
			s.Alternatives = append(s.Alternatives, name)
		}
	}
	index, err := strconv.Atoi(p.device.Env.Get("IFINDEX"))
	if err != nil {
		return fmt.Errorf("set up %s: no index", p.device.Name())
	}
	return p.policy.set(index, s)
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
