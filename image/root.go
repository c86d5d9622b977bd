package image

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"slashdev/image/gpt"
	"slashdev/image/tree"
	"slashdev/init/plan"
	"slashdev/init/planfile"
	"slashdev/init/userland/applet"
)

// assemble lists the root file system. Nothing is written yet.
func (b *builder) assemble(context.Context) error {
	for _, add := range []func() error{
		b.addSkeleton, b.addEtc, b.addPlan, b.addPrograms, b.addModules, b.addAsked, b.addHwdb,
	} {
		if err := add(); err != nil {
			return err
		}
	}
	ramfs := b.Target == "initramfs"
	if ramfs {
		if err := b.addNodes(); err != nil {
			return err
		}
	}
	var err error
	if b.list, err = b.root.Entries(); err != nil {
		return err
	}
	return Lint(b.list, ramfs)
}

// Lint refuses a root file system in which init would die before its first
// line: see tree.Lint.
func Lint(entries []tree.Entry, initramfs bool) error {
	return withCode(codeRefused, tree.Lint(entries, initramfs))
}

func (b *builder) add(entries ...tree.Entry) error {
	var errs []error
	for _, e := range entries {
		errs = append(errs, b.root.Add(e))
	}
	return errors.Join(errs...)
}

// addSkeleton adds directories to mount on and the names of our programs.
func (b *builder) addSkeleton() error {
	for _, dir := range append(tree.MountPoints(), "/mnt", "/etc", "/user", "/gokrazy") {
		perm := fs.FileMode(0o755)
		if dir == "/tmp" {
			perm = 0o777 | fs.ModeSticky
		}
		if err := b.add(tree.Dir(dir, perm)); err != nil {
			return err
		}
	}
	links := []tree.Entry{
		tree.Link("/var", "perm/var"), tree.Link("/gokrazy/init", "../sbin/init"),
		tree.Link("/sbin/modprobe", "devmgr"), tree.Link("/bin/dev", "../sbin/devmgr"), tree.Link("/bin/udevadm", "../sbin/devmgr"),
	}
	for _, name := range []string{"telinit", "halt", "poweroff", "reboot", "shutdown"} {
		links = append(links, tree.Link("/sbin/"+name, "init"))
	}
	for _, name := range applet.Names() {
		links = append(links, tree.Link("/bin/"+name, "../sbin/userland"))
	}
	return b.add(links...)
}

// addNodes adds what only an initramfs needs: there the kernel mounts nothing
// on /dev, and the Go runtime dies without /dev/null (fault G1).
func (b *builder) addNodes() error {
	return b.add(tree.Link("/init", "sbin/init"), tree.Char("/dev/console", 0o600, 5, 1), tree.Char("/dev/null", 0o666, 1, 3))
}

// addPlan adds what PID 1 reads, and the appliance file that it was made from.
func (b *builder) addPlan() error {
	perm := ""
	if l := layouts()[b.Target]; l != nil {
		perm = "PARTUUID=" + gpt.UUID(b.spec.Hostname, l.perm)
	}
	text := planfile.Append(nil, b.spec.Plan(perm))
	if _, err := plan.Parse(string(text)); err != nil {
		return fmt.Errorf("compile plan: %w", err)
	}
	config := tree.Bytes("/etc/slashdev/config.json", 0o600, b.config) // may hold a password
	return b.add(tree.Bytes(plan.File, 0o644, text), config)
}

// addAsked adds the files of the command line, over everything else.
func (b *builder) addAsked() error {
	for _, x := range b.Add {
		if !path.IsAbs(x.Path) || path.Clean(x.Path) != x.Path || x.Path == "/" {
			return errorf(codeUsage, "add %s: %q is not an absolute path on the appliance", x.File, x.Path)
		}
		info, err := os.Stat(x.File)
		if err != nil {
			return errorf(codeNotFound, "add %s: %w", x.Path, err)
		}
		perm := fs.FileMode(0o644)
		if info.Mode()&0o111 != 0 {
			perm = 0o755
		}
		e, err := tree.HostFile(x.Path, x.File, perm)
		if err != nil {
			return errorf(codeUsage, "add %s: %w", x.Path, err)
		}
		if err := b.root.Replace(e); err != nil {
			return err
		}
	}
	return nil
}

// cmdline is what the kernel is told. root is empty for an initramfs.
func (b *builder) cmdline(root string) string {
	var words []string
	for _, c := range b.consoles() {
		words = append(words, "console="+c)
	}
	words = append(words, "quiet", "panic=10", "init=/sbin/init")
	if root != "" {
		words = append(words, "root="+root, "ro", "rootwait")
	}
	words = append(words, b.board.words...)
	words = append(words, b.spec.KernelExtraArgs...)
	if more := strings.TrimSpace(b.Append); more != "" {
		words = append(words, more)
	}
	return strings.Join(words, " ")
}

// consoles are the board's, with the serial one as the appliance file wants it.
// The kernel takes the last one for /dev/console.
func (b *builder) consoles() []string {
	all := b.board.consoles
	screen, serial := all[:len(all)-1], all[len(all)-1]
	switch b.spec.SerialConsole {
	case "":
		return all
	case "disabled", "off":
		b.warnf("SerialConsole is %q: nothing will be said on the serial line", b.spec.SerialConsole)
		return screen
	case "serial0,115200", "ttyS0,115200", "ttyAMA0,115200": // gokrazy's names for the usual one
		return append(screen[:len(screen):len(screen)], serial)
	}
	return append(screen[:len(screen):len(screen)], b.spec.SerialConsole)
}
