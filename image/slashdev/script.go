package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// scriptT is the part of testing.T that testscript needs.
type scriptT struct {
	out      io.Writer
	verbose  bool
	log      strings.Builder
	failed   bool
	skipped  bool
	failures int // of the scripts below it
}

// Skip ends the script; it does not count.
func (t *scriptT) Skip(args ...any) {
	t.skipped = true
	t.Log(args...)
	runtime.Goexit()
}

// Fatal ends the script and fails it.
func (t *scriptT) Fatal(args ...any) {
	t.Log(args...)
	t.FailNow()
}

// Parallel does nothing: machines share two cores better one after the other.
func (t *scriptT) Parallel() {}

// Log keeps text until the script's verdict is known.
func (t *scriptT) Log(args ...any) { fmt.Fprintln(&t.log, args...) }

// FailNow ends the script and fails it.
func (t *scriptT) FailNow() {
	t.failed = true
	runtime.Goexit()
}

// Failed reports whether the script has failed.
func (t *scriptT) Failed() bool { return t.failed || t.failures > 0 }

// Verbose makes testscript log phases that passed.
func (t *scriptT) Verbose() bool { return t.verbose }

// Run runs one script and prints its verdict.
func (t *scriptT) Run(name string, f func(testscript.T)) {
	child := &scriptT{out: t.out, verbose: t.verbose}
	began := time.Now()
	child.guard(func() { f(child) })
	verdict := "ok  "
	switch {
	case child.failed:
		verdict = "FAIL"
		t.failures++
	case child.skipped:
		verdict = "skip"
	}
	fmt.Fprintf(t.out, "%s  %s  %.1fs\n", verdict, name, time.Since(began).Seconds())
	if child.failed || child.skipped || t.verbose {
		fmt.Fprint(t.out, child.log.String())
	}
}

// guard runs f to its end, which Goexit or a panic may bring.
func (t *scriptT) guard(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if r := recover(); r != nil {
				t.failed = true
				t.Log("panic:", r, string(debug.Stack()))
			}
		}()
		f()
	}()
	<-done
}
