package teardown

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// fake is a kernel that writes down what it is asked; what is taken away goes
// out of its tables.
type fake struct {
	files    map[string]string
	failCall int    // the number, from 1, of the call that fails
	failAll  string // calls that begin so fail
	err      error  // what they fail with
	hangs    string // calls that begin so wait for release
	release  chan struct{}

	mu    sync.Mutex
	calls []string
}

func (k *fake) call(s string) error {
	if k.hangs != "" && strings.HasPrefix(s, k.hangs) {
		<-k.release
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.calls = append(k.calls, s)
	if len(k.calls) == k.failCall || k.failAll != "" && strings.HasPrefix(s, k.failAll) {
		return fmt.Errorf("%s: %w", s, k.err)
	}
	return nil
}

func (k *fake) log() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.calls)
}

func (k *fake) Root() fs.FS {
	k.mu.Lock()
	defer k.mu.Unlock()
	return machine(k.files)
}

func (k *fake) Swapoff(path string) error           { return k.call("swapoff " + path) }
func (k *fake) KillAll(syscall.Signal) error        { return k.call("kill") }
func (k *fake) RemountReadOnly(target string) error { return k.call("remount " + target) }
func (k *fake) Sync()                               { _ = k.call("sync all") }

func (k *fake) Unmount(target string, lazy bool) error {
	verb := "unmount "
	if lazy {
		verb = "detach "
	}
	if err := k.call(verb + target); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	lines := strings.SplitAfter(k.files["proc/self/mountinfo"], "\n")
	k.files["proc/self/mountinfo"] = strings.Join(slices.DeleteFunc(lines, func(l string) bool {
		f := strings.Fields(l)
		return len(f) > 4 && f[4] == strings.ReplaceAll(target, " ", `\040`)
	}), "")
	return nil
}

func (k *fake) Detach(verb, name string) error {
	if err := k.call(verb + " " + name); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for path, text := range k.files {
		device, file, _ := strings.Cut(strings.TrimPrefix(path, "sys/block/"), "/")
		if device == name || file == "dm/name" && text == name {
			k.forget(device)
		}
	}
	return nil
}

func (k *fake) forget(device string) {
	for path := range k.files {
		if strings.HasPrefix(path, "sys/block/"+device+"/") || strings.HasSuffix(path, "/holders/"+device) {
			delete(k.files, path)
		}
	}
}
