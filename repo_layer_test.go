package slashdev

import (
	"fmt"
	"go/ast"
	"regexp"
	"slices"
)

// arrow forbids the folders in from to import those in to (sets: see func in).
type arrow struct{ from, to, why string }

var forbidden = []arrow{
	{
		"init/... -init/userland/...", "devmgr/... drivers/... image/... qemu/... init/userland/...",
		"PID 1 links nothing that it does not need; move the code to init/userland, or the shared part below init/",
	},
	{
		"init/userland/...", "devmgr/... -devmgr/ctl image/... -image/slot -image/spec -image/ext4 qemu/... init/boot init/children init/halt",
		"userland talks to init and devmgr over their sockets; of their code it uses devmgr/ctl, image/{slot,spec,ext4} and the grammars below init",
	},
	{
		"devmgr/... -devmgr -devmgr/daemon", "drivers/...",
		"only the daemon wires drivers in; pass values or a function",
	},
	{
		"devmgr/...", "init/... -init/initreq -init/line -init/plan image/... qemu/...",
		"devmgr is a process of its own; of init it knows the grammars only",
	},
	{
		"drivers/...", "devmgr/... init/... image/... qemu/...",
		"drivers take values and return values; the caller adapts them",
	},
	{
		"image/... -image/slashdev", "devmgr/... qemu/... init/... -init/line -init/plan -init/planfile -init/graph -init/cmdline -init/shadow -init/userland/applet -init/userland/logd/option",
		"the builder compiles files; only the host command may know devmgr's packages and qemu",
	},
	{
		"image/slot image/spec image/ext4", "image/... -image/slot -image/spec -image/ext4",
		"these run on the appliance too: no host code below them",
	},
	{
		"image/slashdev", "devmgr/... -devmgr/ctl -devmgr/rules/... -devmgr/namespace -devmgr/recording -devmgr/devtest",
		"the host command checks rules and views; it does not run devmgr",
	},
	{
		"qemu/... -qemu/bench -qemu/peer", "init/... -init/line devmgr/... drivers/... image/...",
		"qemu drives any machine and knows none of ours; pass paths and strings",
	},
	{
		"... -devmgr/devtest -image/slashdev", "devmgr/devtest init/linux/linuxtest",
		"test support stays out of programs; import it from _test.go files",
	},
	{
		"devmgr/devdir devmgr/devfuse devmgr/udevdb", "devmgr/devdir devmgr/devfuse devmgr/udevdb devmgr/watch devmgr/actions devmgr/ctl",
		"appliers do not know each other or the observers; the daemon joins them",
	},
	{
		"devmgr/watch devmgr/actions devmgr/ctl", "devmgr/devdir devmgr/devfuse devmgr/udevdb devmgr/actions devmgr/ctl",
		"observers know the watch hub only; the daemon joins them",
	},
}

func checkLayers(tr *tree) (all []finding) {
	for _, im := range tr.imports(tr.code()) {
		for _, a := range forbidden {
			if im.ours != "" && im.ours != im.pkg && in(a.from, im.pkg) && in(a.to, im.ours) {
				all = append(all, tr.at(im.spec, fmt.Sprintf("%s must not import %s", im.pkg, im.ours), a.why))
			}
		}
	}
	return all
}

// devmgrOrder is how data flows: each package may import only those before it.
var devmgrOrder = []string{
	"uevent", "sysfs", "devtree", "recording",
	"rules", "rules/udev", "rules/devfsd", "rules/devfsrules", "rules/devd", "naming", "bootwords", "namespace", "view",
	"devdir", "devfuse", "udevdb", "monitor", "netname", "bpf", "watch", "actions", "ctl", "udevctl", "udevadm", "daemon", "devtest", "devtest/conform", ".",
}

func checkOrder(tr *tree) (all []finding) {
	for _, im := range tr.imports(tr.code()) {
		if !in("devmgr/...", im.pkg) || !in("devmgr/...", im.ours) {
			continue
		}
		from, to := devmgrRank(im.pkg), devmgrRank(im.ours)
		switch {
		case from < 0 || to < 0:
			all = append(all, tr.at(im.spec, fmt.Sprintf("%s or %s has no place in the order of devmgr's packages", im.pkg, im.ours), "add it to devmgrOrder where the data flows"))
		case to >= from:
			all = append(all, tr.at(im.spec, fmt.Sprintf("%s imports %s, which comes after it", im.pkg, im.ours), "data flows one way (devmgrOrder): hand the value down from the daemon"))
		}
	}
	return all
}

func devmgrRank(folder string) int {
	if folder == "devmgr" {
		return len(devmgrOrder) - 1
	}
	return slices.Index(devmgrOrder, folder[len("devmgr/"):])
}

// seam says where a package of the system may be used at all.
type seam struct{ path, folders, mend string }

var seams = []seam{
	{
		path:    "golang.org/x/sys/unix",
		folders: "init/linux init/ipc init/console init/renew init/spawn init/watchdog init/userland/... devmgr/uevent devmgr/devdir devmgr/udevdb devmgr/monitor devmgr/netname devmgr/udevadm devmgr/ctl devmgr/devfuse devmgr/devtest/conform drivers/ask drivers/kmod drivers/hwdb image/slashdev qemu qemu/bench/guest qemu/rig/...",
		mend:    "call the kernel behind the seams (init/linux, devmgr/devdir, ...); use fs.FileMode and plain numbers here",
	},
	{
		path:    "os/exec",
		folders: "devmgr/actions image/gobuild image/slashdev qemu/... init/userland/...",
		mend:    "start programs in devmgr/actions, image/gobuild, qemu or userland; PID 1 uses init/linux",
	},
	{path: "unsafe", folders: "init/linux init/ipc init/spawn init/userland/... devmgr/sysfs drivers/ask", mend: "x/sys has a typed call for nearly everything"},
}

// Parts of package syscall that do not call the kernel: constants and the types that os uses.
var harmless = regexp.MustCompile(`^([A-Z0-9_]+|Errno|Signal|Stat_t|SysProcAttr|WaitStatus|Credential)$`)

// plain lists who else may use package syscall: sysfs reads attributes at half the price of
// package os, actions kill process groups, the builder locks its cache.
const plain = " devmgr/sysfs devmgr/actions image/gobuild"

func checkSeams(tr *tree) (all []finding) {
	for _, im := range tr.imports(tr.code()) {
		for _, s := range seams {
			if im.path == s.path && !in(s.folders, im.pkg) {
				all = append(all, tr.at(im.spec, im.pkg+" must not import "+im.path, s.mend))
			}
		}
		if im.path == "golang.org/x/sys/unix" && im.pkg == "devmgr/uevent" && im.source.path != "devmgr/uevent/listen_linux.go" {
			all = append(all, tr.at(im.spec, "only listen_linux.go touches the kernel here", "keep the parser pure"))
		}
	}
	for _, s := range tr.code() {
		if !in(seams[0].folders+plain, s.pkg) {
			all = append(all, syscalls(tr, s)...)
		}
	}
	return all
}

func syscalls(tr *tree, s *source) (all []finding) {
	nodes(s.ast, func(sel *ast.SelectorExpr) {
		if pkg, name := selector(sel); pkg == "syscall" && !harmless.MatchString(name) {
			all = append(all, tr.at(sel, s.pkg+" must not call syscall."+name, seams[0].mend))
		}
	})
	return all
}

// bannedModules are not to be had anywhere, tests included.
var bannedModules = map[string]string{
	"golang.org/x/exp/...":            "the standard library has slices, maps and iter",
	"github.com/stretchr/testify/...": "compare with != and print both sides",
	"io/ioutil":                       "os and io have it",
	"C":                               "programs are static; no cgo",
}

func checkBannedModules(tr *tree) (all []finding) {
	for _, im := range tr.imports(tr.source) {
		for set, mend := range bannedModules {
			if in(set, im.path) {
				all = append(all, tr.at(im.spec, "nothing may import "+im.path, mend))
			}
		}
	}
	return all
}
