// Package image builds what an appliance boots from: disk images and initramfs
// archives, out of an appliance file, Go packages and parts that set-up made.
//
// Build is a pipeline: read the appliance file (image/spec), compile its
// programs (image/gobuild), list the root file system as a value (image/tree),
// then write it in the target's form. It needs no root and no loop device, and
// the same sources give the same bytes.
//
// A ready image can be looked into and its kernel command line patched in
// place: see AppendCmdline, CmdlineOf and KernelOf.
package image

import (
	"context"
	"errors"
	"fmt"
)

// Exit codes that errors of this package ask for.
const (
	codeUsage    = 2
	codeNotFound = 3
	codeRefused  = 4
)

// Error is an error that a command should turn into an exit code of its own.
type Error struct {
	Code int
	Err  error
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

func errorf(code int, format string, args ...any) error {
	return &Error{code, fmt.Errorf(format, args...)}
}

// withCode gives err an exit code unless it has one.
func withCode(code int, err error) error {
	var coded *Error
	if err == nil || errors.As(err, &coded) {
		return err
	}
	return &Error{code, err}
}

// Extra is a host file that is put into the image's root.
type Extra struct {
	File string // on the host
	Path string // on the appliance, absolute
}

// Options say what to build.
type Options struct {
	Appliance string // appliance file or its folder; "" = the default appliance
	Target    string // pc, rpi, virt or initramfs; "" = what the file's kernel is for
	Arch      string // amd64 or arm64; "" = the target's own
	Board     string // for initramfs, whose kernel: pc, virt or rpi; "" = by Arch
	Output    string // file to write; "" = HOSTNAME-TARGET.img in the current folder
	Append    string // further words for the kernel
	Add       []Extra
	Strict    bool   // refuse what is otherwise a warning
	Parts     string // folder of kernels and boot loaders (bin/parts)
	Binaries  string // folder of the device binaries (bin)
	Logf      func(string, ...any)
}

// Size is how large a part of the image is.
type Size struct {
	Name  string
	Bytes int64
}

// Result is what was built. Kernel, Initrd, DTB and Cmdline start it without a
// boot loader; Initrd is set for an initramfs only.
type Result struct {
	File     string
	Kernel   string
	Initrd   string
	DTB      string
	Cmdline  string
	Sizes    []Size
	Warnings []string
}

// Build makes an image.
func Build(ctx context.Context, o Options) (*Result, error) {
	b := &builder{Options: o, result: new(Result)}
	if b.Logf == nil {
		b.Logf = func(string, ...any) {}
	}
	for _, step := range []func(context.Context) error{
		b.readAppliance, b.findParts, b.checkModules, b.buildPrograms, b.assemble, b.write,
	} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return b.result, nil
}

func (b *builder) warnf(format string, args ...any) {
	b.result.Warnings = append(b.result.Warnings, fmt.Sprintf(format, args...))
}
