package qemu_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/u-root/u-root/pkg/cpio"

	"slashdev/image"
	"slashdev/qemu"
)

// fault is a way to boot that must not keep the appliance from coming up.
type fault struct {
	id      string
	words   string   // on the kernel command line, in front of quiet
	without []string // nodes that the image lacks although the builder refuses that
	silent  bool     // there is no console: the beacon alone tells
}

var faults = []fault{
	{id: "P01_NoConsoleNode", words: "console=ttyS0", without: []string{"dev/console"}},
	{id: "P02_NoNodesAndClosedDescriptors", words: "console=ttyS9", without: []string{"dev/console", "dev/null"}, silent: true},
	{id: "P08_ConsoleThatNeverRegisters", words: "console=ttyS9", silent: true},
	{id: "P10_GoWordsOnTheCommandLine", words: "console=ttyS0 GODEBUG=gctrace=1,inittrace=1 GOGC=off GOMAXPROCS=junk GOTRACEBACK=crash junk -x --"},
	{id: "P10_WordThatKillsTheRuntime", words: "console=ttyS0 GOMEMLIMIT=junk"},
}

// A fault test waits for what a living appliance says on its first serial line;
// QEMU exits with 0 also when PID 1 has died without a word.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, f := range faults {
		t.Run(f.id, func(t *testing.T) {
			bins := filepath.Join(repoRoot(t), "bin")
			if reason := f.boot(t, bins); reason != "" {
				t.Error(reason)
			}
		})
	}
}

// The naive init of testdata fails every one of the same tests: they can fail.
func TestFaultsOfNaiveInit(t *testing.T) {
	t.Parallel()
	bins := naiveBinaries(t)
	healthy := fault{words: "console=ttyS0"}
	if reason := healthy.boot(t, bins); reason != "" {
		t.Fatalf("without a fault the naive init boots: %s", reason)
	}
	for _, f := range faults {
		t.Run(f.id, func(t *testing.T) {
			if reason := f.boot(t, bins); reason == "" {
				t.Error("the naive init survives: this test shows nothing")
			}
		})
	}
}

// boot boots the beacon appliance with the fault and says what was missing.
func (f fault) boot(t *testing.T, bins string) string {
	c := beaconMachine(t, bins)
	c.Initrd = strip(t, c.Initrd, f.without)
	c.Cmdline = f.words + " quiet panic=1"
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	m, err := qemu.Start(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	wanted := []string{`beacon: done`}
	if !f.silent {
		wanted = append(wanted, `init: ready`)
	}
	for len(wanted) > 0 {
		said, err := m.Expect(ctx, regexp.MustCompile(strings.Join(wanted, "|")+`|beacon: tainted by \S+`))
		if err != nil {
			return err.Error()
		}
		if strings.HasPrefix(said, "beacon: tainted") {
			return said
		}
		wanted = slices.DeleteFunc(wanted, func(w string) bool { return w == said })
	}
	return ""
}

// beaconMachine builds the beacon appliance with these device binaries.
func beaconMachine(t *testing.T, bins string) qemu.Config {
	t.Helper()
	return machineOf(t, bins, "beacon")
}

// machineOf builds an appliance of testdata.
func machineOf(t *testing.T, bins, appliance string) qemu.Config {
	t.Helper()
	if testing.Short() {
		t.Skip("boots a machine: left out by -short")
	}
	root := repoRoot(t)
	result, err := image.Build(t.Context(), image.Options{
		Appliance: filepath.Join(root, "qemu/testdata", appliance), Target: "initramfs", Arch: "amd64", Board: "pc",
		Output: filepath.Join(t.TempDir(), appliance+".cpio.gz"),
		Parts:  filepath.Join(root, "bin/parts"), Binaries: bins, Logf: t.Logf,
	})
	if err != nil {
		t.Fatal(err)
	}
	return qemu.Config{Machine: "pc", Kernel: result.Kernel, Initrd: result.Initrd, Artifacts: t.ArtifactDir(), Logf: t.Logf}
}

func repoRoot(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "bin/amd64/init")); err != nil {
		t.Fatalf("%v: run make build first", err)
	}
	return dir
}

// naiveBinaries is a bin folder whose PID 1 is the naive one.
func naiveBinaries(t *testing.T) string {
	t.Helper()
	bins := filepath.Join(t.TempDir(), "bin")
	if err := os.CopyFS(filepath.Join(bins, "amd64"), os.DirFS(filepath.Join(repoRoot(t), "bin/amd64"))); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-o", filepath.Join(bins, "amd64/init"), "./testdata/naive")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH=amd64")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return bins
}

// strip returns a copy of an initramfs in which some paths lead nowhere. Leaving
// them out is not enough: the kernel's own initramfs has a /dev/console.
func strip(t *testing.T, initrd string, without []string) string {
	t.Helper()
	if len(without) == 0 {
		return initrd
	}
	records := readArchive(t, initrd)
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := cpio.Newc.Writer(z)
	for _, r := range records {
		if slices.Contains(without, strings.TrimPrefix(r.Name, "/")) {
			r = cpio.Symlink(r.Name, "/nowhere")
		}
		if err := w.WriteRecord(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := cpio.WriteTrailer(w); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "stripped.cpio.gz")
	if err := os.WriteFile(out, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return out
}

func readArchive(t *testing.T, file string) []cpio.Record {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	var plain bytes.Buffer
	if _, err := plain.ReadFrom(z); err != nil {
		t.Fatal(err)
	}
	records, err := cpio.ReadAllRecords(cpio.Newc.Reader(bytes.NewReader(plain.Bytes())))
	if err != nil {
		t.Fatal(err)
	}
	return records
}
