package devdir

import (
	"errors"
	"os"
	"slices"
	"testing"
)

func TestWatcherTellsOfWritersOnly(t *testing.T) {
	d, root := open(t)
	write(t, root+"/sda")
	write(t, root+"/sdb")
	w, err := NewWatcher()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"sda", "sdb", "sda"} {
		if err := w.Add(d, name, "/devices/"+name); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Add(d, "../etc", "x"); err == nil {
		t.Error("a path that leads out is watched")
	}
	w.Remove("/devices/nosuch")
	touch := func(name string, flags int) {
		t.Helper()
		f, err := os.OpenFile(root+"/"+name, flags, 0)
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	touch("sdb", os.O_RDONLY)
	touch("sda", os.O_RDWR)
	if keys, err := w.Next(); err != nil || !slices.Equal(keys, []string{"/devices/sda"}) {
		t.Errorf("got %q, %v", keys, err)
	}
	w.Remove("/devices/sda")
	touch("sda", os.O_RDWR)
	touch("sdb", os.O_WRONLY)
	if keys, err := w.Next(); err != nil || !slices.Equal(keys, []string{"/devices/sdb"}) {
		t.Errorf("after Remove: got %q, %v", keys, err)
	}
	os.Remove(root + "/sdb")
	ended := make(chan error)
	go func() {
		_, err := w.Next()
		ended <- err
	}()
	w.Close()
	if err := <-ended; !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}
