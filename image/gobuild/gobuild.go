// Package gobuild runs the go tool for the programs of an appliance, so that the
// same sources give the same bytes: static binaries, no paths, no version
// control stamps.
//
// Binaries are kept in a cache folder between builds: the go tool links again
// only when something changed, which is what makes a warm image build fast.
package gobuild

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
)

// Program is one main package to build.
type Program struct {
	Package string
	Dir     string   // folder whose go.mod counts
	Tags    []string // further build tags
	Flags   []string // of go build
	Env     []string
	Where   string // position in the appliance file, for messages
}

// Binary is a program that was built.
type Binary struct {
	Data   []byte
	Source string // folder of the package
}

// Config says for what and where to build.
type Config struct {
	Arch  string               // GOARCH
	Cache string               // folder for the binaries; "" = below the user's cache folder
	Logf  func(string, ...any) // hears of what takes long
}

// ErrUnknown is wrapped by errors about packages that cannot be found.
var ErrUnknown = errors.New("unknown program")

// Build builds programs, as many at a time as there are processors. All errors
// are reported, joined.
func Build(ctx context.Context, c Config, programs []Program) ([]Binary, error) {
	if c.Cache == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			dir = os.TempDir()
		}
		c.Cache = filepath.Join(dir, "slashdev", "programs")
	}
	if _, err := exec.LookPath("go"); err != nil {
		return nil, fmt.Errorf("build programs: no go command: install Go from https://go.dev/dl and put it on PATH: %w", err)
	}
	out := make([]Binary, len(programs))
	errs := make([]error, len(programs))
	slots := make(chan struct{}, runtime.NumCPU())
	var all sync.WaitGroup
	for i := range programs {
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			out[i], errs[i] = c.build(ctx, &programs[i])
		})
	}
	all.Wait()
	return out, errors.Join(errs...)
}

// build builds one program under a lock: the cached file must not change
// between the go tool's check and our reading it.
func (c *Config) build(ctx context.Context, p *Program) (Binary, error) {
	file := filepath.Join(c.Cache, c.key(p))
	unlock, err := lock(file + ".lock")
	if err != nil {
		return Binary{}, err
	}
	defer unlock()
	if _, err := os.Stat(file); err != nil && c.Logf != nil {
		c.Logf("compiling %s for %s, which takes longer the first time", p.Package, c.Arch)
	}
	args := append(p.args(), "-o", file, p.Package)
	if _, err := c.run(ctx, p, args); err != nil {
		return Binary{}, err
	}
	dir, err := c.run(ctx, p, []string{"list", "-f", "{{.Name}} {{.Dir}}", p.tags(), p.Package})
	if err != nil {
		return Binary{}, err
	}
	name, source, _ := strings.Cut(strings.TrimSpace(dir), " ")
	if name != "main" {
		return Binary{}, fmt.Errorf("%s: %w: %s is a library (package %s): name a package main", p.Where, ErrUnknown, p.Package, name)
	}
	data, err := os.ReadFile(file)
	return Binary{data, source}, err
}

// key names the cached binary: what changes the result without being an input
// that the go tool checks must be in it.
func (c *Config) key(p *Program) string {
	h := sha256.New()
	fmt.Fprintf(h, "%q", []any{c.Arch, p.Package, p.Dir, p.Tags, p.Flags, p.Env})
	return fmt.Sprintf("%s-%.8x", strings.Map(plainRune, filepath.Base(p.Package)), h.Sum(nil))
}

func plainRune(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
		return r
	}
	return '_'
}

func (p *Program) tags() string {
	return "-tags=" + strings.Join(append([]string{"gokrazy", "netgo", "osusergo"}, p.Tags...), ",")
}

func (p *Program) args() []string {
	args := []string{"build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", p.tags()}
	return append(args, p.Flags...)
}

func (c *Config) run(ctx context.Context, p *Program, args []string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = p.Dir
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+c.Arch, "CGO_ENABLED=0")
	cmd.Env = append(cmd.Env, p.Env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", p.explain(ctx, err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}

// explain turns what the go tool said into the cause and the next step.
func (p *Program) explain(ctx context.Context, err error, said string) error {
	if ctx.Err() != nil {
		return fmt.Errorf("build %s: %w", p.Package, ctx.Err())
	}
	for _, sign := range []string{
		"no required module provides", "cannot find module providing", "is not in std", "missing go.sum entry",
		"directory not found", "no Go files in", "does not contain package", "cannot find main module", "malformed import path",
		"does not contain main module",
	} {
		if strings.Contains(said, sign) {
			return fmt.Errorf("%s: %w %s: run `go get %s` in %s, or correct the name (go says: %s)", p.Where, ErrUnknown, p.Package, p.Package, p.Dir, firstLine(said))
		}
	}
	return fmt.Errorf("%s: build %s in %s: %w\n%s", p.Where, p.Package, p.Dir, err, said)
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return strings.TrimSuffix(line, ";")
}
