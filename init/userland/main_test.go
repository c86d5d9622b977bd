package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"slashdev/init/userland/tool"
)

// The test binary is userland when USERLAND_ROOT is set: the shell starts
// itself again for its applets. The variable says where the shell looks for
// the plan and the password.
const rootVariable = "USERLAND_ROOT"

func TestMain(m *testing.M) {
	root := os.Getenv(rootVariable)
	if root == "" {
		os.Exit(m.Run())
	}
	if filepath.Base(os.Args[0]) != "sh" {
		main()
	}
	a, _ := findApplet("sh")
	e := &tool.Env{
		Name: "sh", In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Dir: "/",
		Getenv: os.Getenv, Root: os.DirFS(root),
	}
	os.Exit(a.Start(context.Background(), e, os.Args[1:]))
}
