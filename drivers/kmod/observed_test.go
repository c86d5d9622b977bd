package kmod

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"slashdev/drivers/glob"
)

// debian is the kernel in bin/parts/debian and Debian's modprobe, which says
// what it would do.
type debian struct {
	t       *testing.T
	root    string
	release string
	config  string // folder of modprobe.d
	tools   string
}

func newDebian(t *testing.T, config string) *debian {
	t.Helper()
	parts, err := filepath.Abs("../../bin/parts")
	if err != nil {
		t.Fatal(err)
	}
	d := &debian{t: t, root: parts + "/debian", tools: parts + "/modules", config: t.TempDir()}
	found, err := filepath.Glob(d.root + "/lib/modules/*/modules.dep")
	if _, missing := os.Stat(d.tools + "/modprobe"); len(found) != 1 || err != nil || missing != nil {
		t.Skipf("needs bin/parts: run make setup: %v", missing)
	}
	d.release = filepath.Base(filepath.Dir(found[0]))
	if err := os.WriteFile(d.config+"/a.conf", []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	return d
}

// modprobe returns what it prints, with paths as ours.
func (d *debian) modprobe(args ...string) string {
	d.t.Helper()
	args = append([]string{"-q", "-C", d.config, "-d", d.root, "-S", d.release, "--show-depends"}, args...)
	cmd := exec.CommandContext(d.t.Context(), d.tools+"/modprobe", args...)
	cmd.Env = []string{"LD_LIBRARY_PATH=" + d.tools + "/lib"}
	out, err := cmd.Output()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		d.t.Fatal(err)
	}
	var b strings.Builder
	seen := map[string]bool{} // it names a module again for each alias that needs it
	for line := range strings.Lines(strings.ReplaceAll(string(out), d.root+"/", "")) {
		if !seen[line] {
			b.WriteString(line)
		}
		seen[line] = true
	}
	return b.String()
}

func (d *debian) open(config string) *Index {
	d.t.Helper()
	x, err := Open(overlay{os.DirFS(d.root), config}, d.release)
	if err != nil {
		d.t.Fatal(err)
	}
	return x
}

// overlay is a root with one file of modprobe.d, and no command line.
type overlay struct {
	fs.FS
	config string
}

func (o overlay) Open(name string) (fs.File, error) {
	if dir, ok := strings.CutPrefix(name, "etc/modprobe.d"); ok {
		return os.DirFS(o.config).Open(strings.TrimPrefix("."+dir, "./"))
	}
	return o.FS.Open(name)
}

// lines are a plan as modprobe prints it.
func lines(x *Index, name string) string {
	var b bytes.Buffer
	loads, _ := x.Plan(name)
	for _, l := range loads {
		switch {
		case l.Command != "":
			b.WriteString("install " + l.Command + "\n")
		case l.Builtin:
			b.WriteString("builtin " + l.Module + "\n")
		default:
			b.WriteString("insmod " + l.File + " " + l.Options + "\n")
		}
	}
	return b.String()
}

// TestPlansAreModprobes compares the plans for modules and aliases of Debian's
// kernel with those of Debian's modprobe: for one in step of the 8,600 there are.
func TestPlansAreModprobes(t *testing.T) {
	const step = 40
	d := newDebian(t, "")
	x := d.open(d.config)
	var names []string
	for m := range x.deps {
		names = append(names, m)
	}
	for m := range x.builtin {
		names = append(names, m)
	}
	plain := strings.NewReplacer("*", "0", "?", "1", "[", "", "]", "")
	for _, patterns := range []glob.Table{x.aliases.patterns, x.symbols().patterns} {
		for i := range patterns.Len() {
			names = append(names, plain.Replace(patterns.At(i)))
		}
	}
	slices.Sort(names)
	if len(names) < 5000 {
		t.Fatalf("only %d names", len(names))
	}
	for i, name := range slices.Compact(names) {
		if i%step != 0 {
			continue
		}
		if got, want := lines(x, name), d.modprobe("--", name); clean(got) != clean(want) {
			t.Errorf("%s:\n%swant:\n%s", name, got, want)
		}
	}
}

// clean makes blanks single.
func clean(text string) string {
	var kept []string
	for line := range strings.Lines(text) {
		kept = append(kept, strings.Join(strings.Fields(line), " "))
	}
	return strings.Join(kept, "\n")
}

// TestConfigurationIsModprobes does the same with lines of modprobe.d.
func TestConfigurationIsModprobes(t *testing.T) {
	const config = `alias my-mod loop
alias my-mod* dm_mod
alias xfs loop
alias fs-xfs brd
alias nomod nosuch
alias al2 my-mod
 alias lead loop
alias net-pf-[0-9]* loop
alias blk vmxnet3
options my-mod aliasopt=1
options loop max_loop=8 b="x y"
options dm_mod x=1 \
   y=2
blacklist virtio_net
blacklist dm-zero
blacklist vmxnet3
install sctp /bin/true
install dm_flakey /bin/true
install dm_flakey /bin/false
install onlyinst /bin/true
alias byinst onlyinst
softdep loop pre: dm-zero nosuch virtio_net post: dm-flakey
softdep loop pre: xfs
softdep zram pre: pci:v000015ADd000007B0sv1sd2bc3sc4i5
softdep brd isofs
bogus line
options
`
	d := newDebian(t, config)
	x := d.open(d.config)
	for _, name := range strings.Fields("my-mod my-mod2 xfs fs-xfs nomod al2 lead net-pf-5-x blk loop brd zram sctp dm_flakey " +
		"onlyinst byinst virtio_net virtio:d00000001v00001AF4 dm-thin-pool dm-zero ext4 nosuch libcrc32c ksmbd btrfs") {
		if got, want := lines(x, name), d.modprobe(name); clean(got) != clean(want) {
			t.Errorf("%s:\n%swant:\n%s", name, got, want)
		}
	}
}
