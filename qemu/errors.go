package qemu

import (
	"errors"
	"fmt"
	"strings"
)

// ErrNoQEMU says that the emulator is not installed.
var ErrNoQEMU = errors.New("QEMU is not installed")

// BootError says that the guest failed: it panicked, stayed silent or died.
type BootError struct {
	Reason    string // what was seen, or not seen
	Tail      string // the end of the console, safe to print
	Artifacts string // folder with what is left, or ""
	Timeout   bool   // a deadline passed, as opposed to a crash seen
}

func (e *BootError) Error() string {
	return withArtifacts("guest: "+e.Reason, e.Tail, e.Artifacts)
}

// HarnessError says that QEMU or the harness failed, not the guest.
type HarnessError struct {
	Op        string
	Err       error
	Artifacts string
}

func (e *HarnessError) Error() string {
	return withArtifacts(fmt.Sprintf("harness: %s: %v", e.Op, e.Err), "", e.Artifacts)
}

func (e *HarnessError) Unwrap() error { return e.Err }

func withArtifacts(text, tail, folder string) string {
	if tail != "" {
		text += "\nend of the console:\n    " + strings.ReplaceAll(tail, "\n", "\n    ")
	}
	if folder != "" {
		text += "\nconsole, command line and QMP state: " + folder
	}
	return text
}

// EmulationFault says whether a boot failed for a fault of TCG's and not of the
// guest: the int3 of a code patch that is over was executed once more. It is
// seen with Parallel only; the boot may be tried again.
func EmulationFault(err error) bool {
	boot, ok := errors.AsType[*BootError](err)
	return ok && strings.Contains(boot.Reason, "Oops: int3")
}
