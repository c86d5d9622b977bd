package kmod

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// fake is a kernel that takes every module but those in fails.
type fake struct {
	mu       sync.Mutex
	inserted []string
	loaded   map[string]bool
	fails    map[string]error
	entered  chan string   // if not nil: told before a module is inserted,
	gate     chan struct{} // which then waits for this
}

func (k *fake) Insert(l Load) error {
	if k.entered != nil {
		k.entered <- l.Module
		<-k.gate
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.inserted = append(k.inserted, l.Module)
	if err := k.fails[l.Module]; err != nil {
		return err
	}
	k.loaded[l.Module] = true
	return nil
}

func (k *fake) Loaded(module string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.loaded[module]
}

func (k *fake) want(t *testing.T, what, want string) {
	t.Helper()
	if got := strings.Join(k.inserted, " "); got != want {
		t.Errorf("%s: inserted %q, want %q", what, got, want)
	}
	k.inserted = nil
}

var errBroken = errors.New("broken")

func loader(t *testing.T, files ...string) (*Loader, *fake) {
	k := &fake{loaded: map[string]bool{}, fails: map[string]error{}}
	return NewLoader(open(t, files...), k), k
}

func TestLoad(t *testing.T) {
	l, k := loader(t)
	o := l.Load("pci:v00001AF4d00001001sv00sd00")
	if o.Err != nil || !slices.Equal(o.Modules, []string{"disk", "generic_disk"}) || o.Text() != "disk generic_disk" {
		t.Errorf("%+v", o)
	}
	k.want(t, "disk", "core bus disk loop generic_disk")
	l.Load("disk")
	l.Load("loop")
	k.want(t, "what is there already", "")
	k.loaded["loop"] = false
	l.Load("loop")
	k.want(t, "asked again for what was there", "")
	l.Forget("loop")
	l.Load("loop")
	k.want(t, "removed from the kernel", "loop")
}

// TestU13_FailuresAreRemembered: a modalias that leads to nothing, or to a module
// that the kernel refuses, costs one try however often its device says hello.
func TestU13_FailuresAreRemembered(t *testing.T) {
	l, k := loader(t)
	k.fails["bus"] = errBroken
	for range 1000 {
		if o := l.Load("pci:v00001AF4d00001001sv00sd00"); !errors.Is(o.Err, errBroken) || o.Text() != "load bus: broken" {
			t.Fatalf("%+v", o)
		}
		if o := l.Load("no:such"); !errors.Is(o.Err, ErrUnknown) {
			t.Fatalf("%+v", o)
		}
	}
	// What needs the broken one is not tried; what does not is.
	k.want(t, "1000 events", "core bus loop generic_disk")
	if o := l.Load("disk"); !errors.Is(o.Err, errBroken) {
		t.Errorf("by another name: %+v", o)
	}
	k.want(t, "by another name", "")
	for i := range maxNames + 10 {
		l.Load("no:such" + strings.Repeat("x", i%7) + string(rune('a'+i)))
	}
	if len(l.names) > maxNames {
		t.Errorf("%d names are remembered", len(l.names))
	}
}

func TestRefusedAndOptional(t *testing.T) {
	l, k := loader(t, "etc/modprobe.d/a.conf", "install bus /bin/false\ninstall generic-disk /bin/true\nsoftdep libcrc32c pre: nosuch disk\n")
	if o := l.Load("disk"); o.Err == nil || o.Text() != "load bus: /etc/modprobe.d/a.conf:1 forbids it" {
		t.Errorf("%+v", o)
	}
	if o := l.Load("xfs"); o.Err != nil {
		t.Errorf("an optional module that is refused: %+v", o)
	}
	if o := l.Load("generic-disk"); o.Err != nil {
		t.Errorf("/bin/true: %+v", o)
	}
	if slices.Contains(k.inserted, "bus") || slices.Contains(k.inserted, "generic_disk") {
		t.Errorf("inserted %q", k.inserted)
	}
}

// TestEachModuleOnce: two devices that need the same module wait for one insert.
func TestEachModuleOnce(t *testing.T) {
	l, k := loader(t)
	k.entered, k.gate = make(chan string), make(chan struct{})
	var wg sync.WaitGroup
	for _, name := range []string{"generic-disk", "generic_disk", "pci:v00001AF4d00009999sv0"} {
		wg.Go(func() {
			if o := l.Load(name); o.Err != nil {
				t.Errorf("%+v", o)
			}
		})
	}
	if m := <-k.entered; m != "generic_disk" {
		t.Errorf("first %s", m)
	}
	close(k.gate)
	wg.Wait()
	k.want(t, "three at once", "generic_disk")
}

func TestUnpack(t *testing.T) {
	want := bytes.Repeat([]byte("\x7fELF module "), 5000)
	pack := func(w io.WriteCloser, err error) {
		if err == nil {
			_, err = w.Write(want)
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	files := map[string]*bytes.Buffer{"a.ko.gz": {}, "a.ko.xz": {}, "a.ko.zst": {}}
	pack(gzip.NewWriter(files["a.ko.gz"]), nil)
	x, err := xz.NewWriter(files["a.ko.xz"])
	pack(x, err)
	z, err := zstd.NewWriter(files["a.ko.zst"])
	pack(z, err)
	for name, file := range files {
		whole := file.Bytes()
		got, err := unpack(name, bytes.NewReader(whole))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
		if got, err := unpack(name, bytes.NewReader(whole[:len(whole)/2])); err == nil {
			t.Errorf("%s: half of it is %d bytes of a module", name, len(got))
		}
		if !isPacked(name) {
			t.Errorf("%s is not packed", name)
		}
	}
	if isPacked("a.ko") {
		t.Error("a.ko is packed")
	}
}
