package image

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"slashdev/image/spec"
	"slashdev/image/tree"
)

// fixedTime is the time of every file in every image (2026-01-01): the same
// sources must give the same bytes tomorrow.
const fixedTime = 1767225600

// configName is what an appliance file is called in its folder.
const configName = "config.json"

// builder carries one build from step to step.
type builder struct {
	Options
	result *Result
	spec   *spec.Spec
	config []byte // the appliance file's text
	dir    string // its folder
	source string // the slashdev source tree
	board  board
	kernel kernel
	root   tree.Tree
	list   []tree.Entry // root, assembled
	bins   []program
}

// readAppliance finds and parses the appliance file.
func (b *builder) readAppliance(context.Context) error {
	if b.Parts == "" || b.Binaries == "" {
		return errorf(codeUsage, "build image: the folders of parts and device binaries are not set")
	}
	source, err := filepath.Abs(filepath.Dir(filepath.Clean(b.Binaries)))
	if err != nil {
		return err
	}
	b.source = source
	if b.Appliance == "" {
		b.Appliance = filepath.Join(b.source, "image", "default")
	}
	file, err := ApplianceFile(b.Appliance)
	if err != nil {
		return err
	}
	b.dir = filepath.Dir(file)
	if b.config, err = os.ReadFile(file); err != nil {
		return err
	}
	if b.spec, err = spec.Parse(file, b.config); err != nil {
		return withCode(codeUsage, err)
	}
	if err := b.refuseWarnings(); err != nil {
		return err
	}
	b.result.Warnings = append(b.result.Warnings, b.spec.Warnings...)
	return b.chooseBoard()
}

// ApplianceFile returns the appliance file that an argument means: itself, or
// the config.json in a folder.
func ApplianceFile(arg string) (string, error) {
	info, err := os.Stat(arg)
	if err == nil && info.IsDir() {
		arg = filepath.Join(arg, configName)
		_, err = os.Stat(arg)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return "", errorf(codeNotFound, "read appliance file: no %s: name a config.json or the folder that holds one", arg)
	}
	return arg, err
}

// refuseWarnings is --strict: what the file asks for and does not get is fatal.
func (b *builder) refuseWarnings() error {
	if !b.Strict || len(b.spec.Warnings) == 0 {
		return nil
	}
	return errorf(codeRefused, "build image: --strict refuses: %s", strings.Join(b.spec.Warnings, "; "))
}
