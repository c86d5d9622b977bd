package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"slashdev/init/userland/tool"
)

// C-08: what somebody else could have put there is not run.
func TestC08_HooksOfTheImageOnly(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root: hooks belong to it")
	}
	dir := filepath.Join(t.TempDir(), "shutdown.d")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	script := func(name, text string, mode os.FileMode) {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil { // whatever the umask
			t.Fatal(err)
		}
	}
	script("20-second", "echo second; exit 3", 0o755)
	script("10-first", "echo first", 0o755)
	script("30-plain", "echo plain", 0o644)
	script("40-writable", "echo writable", 0o757)
	script("50-foreign", "echo foreign", 0o755)
	script("..;rm", "echo odd", 0o755)
	if err := os.Chown(filepath.Join(dir, "50-foreign"), 65534, 65534); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("10-first", filepath.Join(dir, "60-link")); err != nil {
		t.Fatal(err)
	}
	var out, complaint strings.Builder
	e := &tool.Env{Out: &out, Err: &complaint}
	if err := runHooks(t.Context(), e, dir, filepath.Dir(dir)); err != nil {
		t.Fatal(err)
	}
	if out.String() != "odd\nfirst\nsecond\n" {
		t.Errorf("ran %q", out.String())
	}
	for _, want := range []string{"20-second: exit status 3", "30-plain: refused", "40-writable: refused", "50-foreign: refused", "60-link: refused"} {
		if !strings.Contains(complaint.String(), want) {
			t.Errorf("%q is not among the complaints:\n%s", want, complaint.String())
		}
	}
	if err := mayRun("/proc/self/environ", "/"); err == nil {
		t.Error("a file of /proc may run")
	}
	if err := os.Chmod(filepath.Dir(dir), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := mayRun(filepath.Join(dir, "10-first"), "/"); err == nil || !strings.Contains(err.Error(), "others than root may write") {
		t.Errorf("below a folder that all may write: %v", err)
	}
}

func TestTeardownIsForPID1(t *testing.T) {
	if _, complaint, code := call(t, tree(nil), "teardown"); code != tool.Refused || !strings.Contains(complaint, "only PID 1") {
		t.Errorf("exit %d, %q", code, complaint)
	}
	root := tree(map[string]string{"proc/self/mountinfo": "24 22 8:4 / /perm rw,nodev - ext4 /dev/sda4 rw\n"})
	out, _, _ := call(t, root, "teardown", "--plan")
	if out != "kill -KILL -1\nsync\numount /perm\nmount -o remount,ro /perm\nsync\n" {
		t.Errorf("plan %q", out)
	}
}
