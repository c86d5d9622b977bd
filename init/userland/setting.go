package main

import (
	"context"
	"io/fs"
	"os"
	"strings"

	"slashdev/init/userland/tool"
)

func sysctl(_ context.Context, e *tool.Env, args []string) error {
	opts, rest, err := tool.Parse("w n a", args)
	if err != nil {
		return err
	}
	if opts.Has("a") {
		return sysctlAll(e)
	}
	if len(rest) == 0 {
		return tool.Usagef("sysctl needs NAME or NAME=VALUE (-a lists all)")
	}
	for _, word := range rest {
		name, value, set := strings.Cut(word, "=")
		file, err := sysctlFile(name)
		if err != nil {
			return err
		}
		if set {
			err = os.WriteFile("/"+file, []byte(value+"\n"), 0)
		}
		if err == nil {
			err = printSysctl(e, file, opts.Has("n"))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sysctlFile turns net.ipv4.ip_forward, or the same with slashes, into a path.
func sysctlFile(name string) (string, error) {
	path := name
	if !strings.Contains(name, "/") {
		path = strings.ReplaceAll(name, ".", "/")
	}
	file := "proc/sys/" + path
	if !fs.ValidPath(file) || path == "" {
		return "", tool.Usagef("%q is not the name of a kernel setting", name)
	}
	return file, nil
}

func printSysctl(e *tool.Env, file string, bare bool) error {
	text, err := fs.ReadFile(e.Root, file)
	if err != nil {
		return err
	}
	value := tool.Clean(strings.ReplaceAll(strings.TrimSpace(string(text)), "\n", " "))
	if !bare {
		e.Printf("%s = ", strings.ReplaceAll(strings.TrimPrefix(file, "proc/sys/"), "/", "."))
	}
	e.Printf("%s\n", value)
	return nil
}

func sysctlAll(e *tool.Env) error {
	return fs.WalkDir(e.Root, "proc/sys", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			printSysctl(e, path, false) // some can be written only
		}
		return nil
	})
}
