package image

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"slashdev/drivers/hwdb"
	"slashdev/image/cpio"
	"slashdev/image/gobuild"
	"slashdev/image/gpt"
	"slashdev/image/spec"
	"slashdev/image/squash"
)

// workspace is a folder with go.mod, an appliance, and stand-ins for the device
// binaries; the parts are the real ones.
func workspace(t *testing.T, config string) Options {
	t.Helper()
	parts, err := filepath.Abs("../bin/parts")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(parts, "stamp")); err != nil {
		t.Skip("needs bin/parts: run make build")
	}
	if cache, err := os.UserCacheDir(); err == nil && os.Getenv("GOCACHE") == "" {
		t.Setenv("GOCACHE", filepath.Join(cache, "go-build"))
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir()) // of our own programs
	dir := t.TempDir()
	put(t, filepath.Join(dir, "go.mod"), "module example.com/m\n\ngo 1.26\n")
	put(t, filepath.Join(dir, "hello", "main.go"), "package main\n\nfunc main() { println(\"hello: ready\") }\n")
	put(t, filepath.Join(dir, "config.json"), config)
	for _, arch := range []string{"amd64", "arm64"} {
		for _, name := range []string{"init", "devmgr", "userland"} {
			put(t, filepath.Join(dir, "bin", arch, name), strings.Repeat(name, 50000))
		}
	}
	return Options{
		Appliance: dir, Target: "pc", Parts: parts, Binaries: filepath.Join(dir, "bin"),
		Output: filepath.Join(dir, "out"),
	}
}

func put(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

const small = `{"Hostname":"box","Packages":["example.com/m/hello"],"GokrazyPackages":[],"Slashdev":{"Version":1}}`

func mustBuild(t *testing.T, o Options) *Result {
	t.Helper()
	r, err := Build(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func hash(t *testing.T, file string) [32]byte {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h := sha256.New()
	const used = 540 << 20 // behind it every target has empty partitions only
	if _, err := io.Copy(h, io.LimitReader(f, used)); err != nil {
		t.Fatal(err)
	}
	return [32]byte(h.Sum(nil))
}

func TestTwoFoldersOneHash(t *testing.T) {
	for _, target := range []string{"pc", "initramfs", "rpi", "virt"} {
		var sums [2][32]byte
		for i := range sums {
			o := workspace(t, small)
			o.Target = target
			sums[i] = hash(t, mustBuild(t, o).File)
			if err := os.Remove(o.Output); err != nil {
				t.Fatal(err)
			}
		}
		if sums[0] != sums[1] {
			t.Errorf("%s: two builds in two folders differ", target)
		}
	}
}

func TestInitramfsHoldsWhatTheKernelNeeds(t *testing.T) {
	o := workspace(t, small)
	o.Target = "initramfs"
	extra := filepath.Join(t.TempDir(), "x")
	put(t, extra, "#!/bin/sh\n")
	o.Add = []Extra{{extra, "/bin/x"}, {extra, "/etc/hostname"}}
	r := mustBuild(t, o)
	data, err := os.ReadFile(r.Initrd)
	if err != nil {
		t.Fatal(err)
	}
	list, err := cpio.Read(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for i := range list {
		text += list[i].String() + "\n"
	}
	for _, want := range []string{
		"Dcrw------- 0:0 /dev/console 5,1\n", "Dcrw-rw-rw- 0:0 /dev/null 1,3\n", "/init -> sbin/init\n", "/var -> perm/var\n",
		"-rwxr-xr-x 0:0 /user/hello\n", "-rwxr-xr-x 0:0 /bin/x\n", "-rw------- 0:0 /etc/slashdev/config.json\n",
		"/bin/sh -> ../sbin/userland\n", "/sbin/telinit -> init\n", "drwxr-xr-x 0:0 /devices\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestDiskHoldsTheRootItNames(t *testing.T) {
	for target, number := range map[string]int{"pc": 2, "virt": 2, "rpi": 4} {
		o := workspace(t, small)
		o.Target = target
		r := mustBuild(t, o)
		f, err := os.Open(r.File)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		table, err := gpt.Read(f)
		if err != nil {
			t.Fatal(err)
		}
		p := part(table, number)
		if !strings.Contains(r.Cmdline, "root=PARTUUID="+p.UUID+" ro rootwait") {
			t.Errorf("%s: partition %s, kernel words %s", target, p.UUID, r.Cmdline)
		}
		size := p.Size * gpt.SectorSize
		root, err := squash.Read(io.NewSectionReader(f, p.Start*gpt.SectorSize, size), size)
		if err != nil {
			t.Fatal(err)
		}
		if err := Lint(root, false); err != nil {
			t.Errorf("%s: %v", target, err)
		}
		for _, e := range root {
			if e.Path == "/etc/slashdev/plan" && !strings.Contains(string(e.Bytes), "program hello /user/hello\n") {
				t.Errorf("%s: plan\n%s", target, e.Bytes)
			}
		}
	}
}

func TestReadyImageIsPatchedInPlace(t *testing.T) {
	for _, target := range []string{"pc", "virt", "rpi"} {
		o := workspace(t, small)
		o.Target = target
		r := mustBuild(t, o)
		if err := AppendCmdline(r.File, "  console=ttyS9 "); err != nil {
			t.Fatalf("%s: %v", target, err)
		}
		got, err := CmdlineOf(r.File)
		if err != nil || got != r.Cmdline+" console=ttyS9" {
			t.Errorf("%s: got %q, %v\nwant %q and console=ttyS9", target, got, err, r.Cmdline)
		}
		if kind, err := TargetOf(r.File); kind != target || err != nil {
			t.Errorf("TargetOf: %s, %v; want %s", kind, err, target)
		}
		kernel, dtb, err := KernelOf(r.File, t.TempDir())
		if err != nil || hash(t, kernel) != hash(t, r.Kernel) || (dtb != "") != (target == "rpi") {
			t.Errorf("%s: kernel %s, dtb %q, %v", target, kernel, dtb, err)
		}
		if err := AppendCmdline(r.File, "a\nb"); code(err) != codeUsage {
			t.Errorf("%s: two lines: %v", target, err)
		}
		if err := AppendCmdline(r.File, strings.Repeat("x", 5000)); err == nil {
			t.Errorf("%s: 5000 bytes more: no error", target)
		}
		if again, err := CmdlineOf(r.File); err != nil || again != got {
			t.Errorf("%s: a refused patch left %q", target, again)
		}
	}
}

func TestGRUBQuotesWords(t *testing.T) {
	e, err := grubText(`root=x dyndbg="file y" a=$b;c`)
	if err != nil || !strings.Contains(string(e.Bytes), `linux /$slot/vmlinuz 'root=x' 'dyndbg=file y' 'a=$b;c'; then boot`) {
		t.Errorf("got %v\n%s", err, e.Bytes)
	}
	for _, bad := range []string{"a='b", `a="b`, `a=\b`} {
		if _, err := grubText(bad); code(err) != codeUsage {
			t.Errorf("%s: got %v", bad, err)
		}
	}
}

func TestKernelVersion(t *testing.T) {
	bz := make([]byte, 0x400)
	copy(bz[0x202:], "HdrS")
	bz[0x20e], bz[0x20f] = 0x00, 0x01
	copy(bz[0x300:], "7.1.2 (gokrazy@docker) #1\x00")
	for text, want := range map[string]string{
		string(bz): "7.1.2", "xxLinux version 6.12.47-v8 (x)": "6.12.47-v8",
		"": "", "Linux version %s": "", "Linux version 1/../x y": "",
	} {
		got, err := KernelVersion([]byte(text))
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%.40q: got %q, %v; want %q", text, got, err, want)
		}
	}
}

func code(err error) int {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return 1
}

// TestModulesAndHardwareDatabase: what the appliance names is loaded at boot, and
// text of hwdb.d becomes an index.
func TestModulesAndHardwareDatabase(t *testing.T) {
	o := workspace(t, strings.ReplaceAll(small, `"Version":1`, `"Version":1,"Modules":["uvcvideo","btbcm"]`))
	o.Target, o.Board, o.Arch = "initramfs", "rpi", "arm64"
	for name, text := range map[string]string{"etc": "a:*\n K=2\n", "usr/lib": "a:*\n K=1\n\nb:*\nbad\n"} {
		file := filepath.Join(t.TempDir(), "x")
		put(t, file, text)
		o.Add = append(o.Add, Extra{file, "/" + name + "/udev/hwdb.d/" + map[string]string{"etc": "2", "usr/lib": "1"}[name] + ".hwdb"})
	}
	r := mustBuild(t, o)
	if !strings.Contains(strings.Join(r.Warnings, "\n"), "/usr/lib/udev/hwdb.d/1.hwdb:5: a record without properties") {
		t.Errorf("warnings %q", r.Warnings)
	}
	data, err := os.ReadFile(r.Initrd)
	if err != nil {
		t.Fatal(err)
	}
	list, err := cpio.Read(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	content := map[string][]byte{}
	for _, e := range list {
		content[e.Path] = e.Bytes
	}
	if got := string(content["/etc/modules-load.d/slashdev.conf"]); got != "uvcvideo\nbtbcm\n" {
		t.Errorf("modules %q", got)
	}
	db, err := hwdb.Open(content["/"+hwdb.File])
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(db.Lookup("a:b")); got != "[{K 2}]" || content["/etc/udev/hwdb.d/2.hwdb"] != nil {
		t.Errorf("looked up %s; text %q", got, content["/etc/udev/hwdb.d/2.hwdb"])
	}
}

// What a user may get wrong has a cause, a next step and an exit code.
func TestMistakes(t *testing.T) {
	other := func(from, to string) func(*Options) {
		return func(o *Options) {
			file := filepath.Join(o.Appliance, "config.json")
			if err := os.WriteFile(file, []byte(strings.ReplaceAll(small, from, to)), 0o644); err != nil {
				panic(err)
			}
		}
	}
	for name, c := range map[string]struct {
		change func(*Options)
		code   int
		want   string
	}{
		"bad JSON":        {other(`"Packages"`, `Packages`), 2, "config.json:1:19: not JSON"},
		"unknown program": {other("example.com/m/hello", "example.com/nosuch"), 3, "config.json:1:31: unknown program example.com/nosuch: run `go get"},
		"unknown key":     {other(`"Version":1`, `"Version":1,"Shel":1`), 2, `unknown key "Shel"`},
		"module named":    {other(`"Version":1`, `"Version":1,"Modules":["xen-netback"]`), 4, "kernel 7.1.2 does not match its modules (7.1.3), and the appliance file names xen-netback"},
		"no such module": {func(o *Options) {
			other(`"Version":1`, `"Version":1,"Modules":["nosuch"]`)(o)
			o.Target = "rpi"
		}, 3, "Slashdev.Modules: nosuch: no module has this name or alias"},
		"strict":            {func(o *Options) { o.Strict = true }, 4, "does not match its modules"},
		"no appliance":      {func(o *Options) { o.Appliance += "/nosuch" }, 3, "name a config.json"},
		"unknown target":    {func(o *Options) { o.Target = "pi" }, 2, "use pc, rpi, virt or initramfs"},
		"other arch":        {func(o *Options) { o.Arch = "arm64" }, 2, "pc is amd64, not arm64"},
		"no parts":          {func(o *Options) { o.Parts += "/nosuch" }, 3, "run `make build`"},
		"no binaries":       {func(o *Options) { o.Binaries += "/nosuch" }, 3, "run `make build`"},
		"no output folder":  {func(o *Options) { o.Output += "/no/such" }, 2, "create it, or name another file with -o"},
		"output in /dev":    {func(o *Options) { o.Output = "/dev/no-such-disk" }, 4, "no such device"},
		"no extra file":     {func(o *Options) { o.Add = []Extra{{"/nonexistent", "/x"}} }, 3, "/nonexistent"},
		"extra not a path":  {func(o *Options) { o.Add = []Extra{{"/etc/passwd", "x"}} }, 2, "absolute path"},
		"extra file absent": {other(`"Slashdev"`, `"PackageConfig":{"example.com/m/hello":{"ExtraFilePaths":{"/etc/x":"nosuch"}}},"Slashdev"`), 3, "relative to the appliance file"},
	} {
		o := workspace(t, small)
		c.change(&o)
		_, err := Build(t.Context(), o)
		if err == nil || code(err) != c.code || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got code %d: %v\nwant code %d: %s", name, code(err), err, c.code, c.want)
		}
		left, _ := filepath.Glob(filepath.Join(o.Appliance, ".out*"))
		if _, err := os.Stat(o.Output); err == nil || len(left) > 0 {
			t.Errorf("%s: a failed build left %s %v", name, o.Output, left)
		}
	}
}

// An image must not take the place of what is no plain file: /dev/sdX would
// become a file in memory, and the disk stay as it was.
func TestOutputThatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("fifo", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"fifo": codeRefused, "link": codeRefused, ".": codeUsage} {
		o := workspace(t, small)
		o.Target, o.Output = "initramfs", filepath.Join(dir, name)
		if _, err := Build(t.Context(), o); code(err) != want || !strings.Contains(fmt.Sprint(err), "name ") {
			t.Errorf("%s: got code %d: %v", name, code(err), err)
		}
	}
	if info, err := os.Lstat(fifo); err != nil || info.Mode().Type() != os.ModeNamedPipe {
		t.Errorf("the fifo was replaced: %v, %v", info, err)
	}
}

func TestDiskFullWhileBuilding(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: mounts a small tmpfs")
	}
	for _, target := range []string{"pc", "initramfs"} {
		o := workspace(t, small)
		dir := t.TempDir()
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
			t.Skip("needs root: mounts a small tmpfs")
		}
		o.Target, o.Output = target, filepath.Join(dir, "disk.img")
		_, err := Build(t.Context(), o)
		left, _ := filepath.Glob(filepath.Join(dir, "*"))
		hidden, _ := filepath.Glob(filepath.Join(dir, ".*"))
		if e := syscall.Unmount(dir, 0); e != nil {
			t.Error(e)
		}
		want := "write " + o.Output + ": no space left on device: up to"
		if err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%s: got %v, want %s", target, err, want)
		}
		if len(left)+len(hidden) > 0 {
			t.Errorf("%s: left behind: %v %v", target, left, hidden)
		}
	}
}

// gokrazy's own programs, which run when the file does not say, come with us.
func TestDefaultProgramsCanBeBuilt(t *testing.T) {
	s, err := spec.Parse("config.json", []byte(`{"Hostname":"box"}`))
	if err != nil || len(s.Programs) != 4 {
		t.Fatalf("%v: %v", s, err)
	}
	var list []gobuild.Program
	for _, p := range s.Programs {
		list = append(list, gobuild.Program{Package: p.Package, Dir: ".."})
	}
	if _, err := gobuild.Build(t.Context(), gobuild.Config{Arch: "amd64", Cache: t.TempDir()}, list); err != nil {
		t.Error(err)
	}
}

func TestGokrazyExtraFiles(t *testing.T) {
	config := strings.Replace(small, `"Slashdev"`, `"PackageConfig":{"example.com/m/hello":{"ExtraFilePaths":{"/etc/dir":"files"},"ExtraFileContents":{"/etc/text":"hi"}}},"Slashdev"`, 1)
	o := workspace(t, config)
	put(t, filepath.Join(o.Appliance, "files", "a", "b"), "b")
	if err := os.Symlink("a/b", filepath.Join(o.Appliance, "files", "l")); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(o.Appliance, "hello", "_gokrazy", "extrafiles", "usr", "share", "c"), "c")
	o.Target = "initramfs"
	data, err := os.ReadFile(mustBuild(t, o).Initrd)
	if err != nil {
		t.Fatal(err)
	}
	list, err := cpio.Read(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, e := range list {
		found[e.Path] = string(e.Bytes) + e.Link
	}
	for name, want := range map[string]string{"/etc/dir/a/b": "b", "/etc/dir/l": "a/b", "/etc/text": "hi", "/usr/share/c": "c"} {
		if found[name] != want {
			t.Errorf("%s: %q, want %q", name, found[name], want)
		}
	}
}
