package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"slashdev": main,
		"fakeqemu": fakeQEMU,
	})
}

// TestScripts runs the program without QEMU: what stands in for it is
// fakeQEMU, by a link in the script's bin folder.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                "testdata/script",
		RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			path := env.Getenv("PATH")
			env.Setenv("BIN", filepath.SplitList(path)[0])
			env.Setenv("PATH", filepath.Join(env.WorkDir, "bin")+string(filepath.ListSeparator)+path)
			env.Setenv("XDG_CACHE_HOME", filepath.Join(env.WorkDir, "cache"))
			env.Setenv("SLASHDEV_ACCEL", "tcg")
			env.Setenv("SLASHDEV_ARTIFACTS", filepath.Join(env.WorkDir, "artifacts"))
			return makeBin(env.WorkDir)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"mkdisk": mkdisk, "listen": listen, "status": status,
		},
	})
}

// makeBin installs fakeQEMU under QEMU's name.
func makeBin(work string) error {
	dir := filepath.Join(work, "bin")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "qemu-system-x86_64"), []byte("#!/bin/sh\nexec fakeqemu \"$@\"\n"), 0o755)
}

// mkdisk FILE makes a file with a partition table's signature.
func mkdisk(ts *testscript.TestScript, _ bool, args []string) {
	disk := make([]byte, 1<<20)
	disk[510], disk[511] = 0x55, 0xaa
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), disk, 0o644))
}

// listen takes a TCP port and puts its number into $PORT.
func listen(ts *testscript.TestScript, _ bool, _ []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { l.Close() })
	ts.Setenv("PORT", fmt.Sprint(l.Addr().(*net.TCPAddr).Port))
}

// status CODE COMMAND... runs a command that must end with this exit code.
func status(ts *testscript.TestScript, _ bool, args []string) {
	want, code := args[0], "0"
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := err.(interface{ ExitCode() int })
		if !ok {
			ts.Fatalf("%v", err)
		}
		code = fmt.Sprint(exit.ExitCode())
	}
	if code != want {
		ts.Fatalf("exit code %s, want %s", code, want)
	}
}
