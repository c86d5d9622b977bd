package shell

import (
	"bufio"
	"fmt"
	"io/fs"
	"net"
	"runtime"
	"strings"

	"slashdev/init/cmdline"
	"slashdev/init/userland/tool"
)

// Banner says what machine this is and who may use the console.
func Banner(root fs.FS, addresses []string, mode string) string {
	host := firstLine(root, "proc/sys/kernel/hostname")
	if host == "" {
		host = "(no name)"
	}
	release := osRelease(root)
	addr := strings.Join(addresses, ", ")
	if addr == "" {
		addr = "none yet (ip addr)"
	}
	lines := []string{
		fmt.Sprintf("%s: slashdev %s, Linux %s %s", host, release, firstLine(root, "proc/sys/kernel/osrelease"), runtime.GOARCH),
		fmt.Sprintf("%d device nodes (dev tree), address %s", countNodes(root), addr),
		slot(root),
		access(mode),
	}
	for i, l := range lines {
		lines[i] = tool.Cut(tool.Clean(l), tool.Width-1)
	}
	return strings.Join(lines, "\r\n") + "\r\n"
}

func access(mode string) string {
	switch mode {
	case "open":
		return "This console is open: no password. Type help for the commands."
	case "password":
		return "This console asks for a password. Then type help for the commands."
	}
	return "The shell on this console is off (plan or init.shell=off)."
}

// slot says what the machine was booted from.
func slot(root fs.FS) string {
	text, _ := fs.ReadFile(root, "proc/cmdline")
	words := cmdline.Parse(string(text))
	if s, ok := words.Get("slashdev.slot"); ok {
		return "booted from slot " + s
	}
	if r, ok := words.Get("root"); ok {
		return "booted from " + r
	}
	return "booted from memory (initramfs)"
}

func firstLine(root fs.FS, name string) string {
	text, _ := fs.ReadFile(root, name)
	line, _, _ := strings.Cut(string(text), "\n")
	return line
}

// osRelease is the version in /etc/os-release.
func osRelease(root fs.FS) string {
	f, err := root.Open("etc/os-release")
	if err != nil {
		return "(version unknown)"
	}
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		if v, ok := strings.CutPrefix(sc.Text(), "VERSION_ID="); ok {
			return strings.Trim(v, `"'`)
		}
	}
	return "(version unknown)"
}

func countNodes(root fs.FS) int {
	n := 0
	for _, dir := range []string{"sys/dev/block", "sys/dev/char"} {
		entries, _ := fs.ReadDir(root, dir)
		n += len(entries)
	}
	return n
}

// addresses lists the machine's own addresses, without loopback and link-local.
func addresses() (list []string) {
	all, _ := net.InterfaceAddrs()
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() {
			list = append(list, n.IP.String())
		}
	}
	return list
}
