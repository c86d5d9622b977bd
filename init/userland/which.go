package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"slashdev/init/userland/tool"
)

func which(_ context.Context, e *tool.Env, args []string) error {
	_, names, err := tool.Parse("", args)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return tool.Usagef("which needs NAME")
	}
	var bad error
	for _, name := range names {
		path := search(e.Getenv("PATH"), name)
		if _, ours := findApplet(name); ours && path == "" {
			path = name + " (of this shell)"
		}
		if path == "" {
			bad = tool.Silent(tool.NotFound)
			continue
		}
		e.Printf("%s\n", tool.Clean(path))
	}
	return bad
}

func search(path, name string) string {
	for dir := range strings.SplitSeq(path, ":") {
		file := filepath.Join(dir, name)
		if fi, err := os.Stat(file); err == nil && fi.Mode().IsRegular() && fi.Mode()&0o111 != 0 {
			return file
		}
	}
	return ""
}
