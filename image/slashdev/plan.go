package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"slashdev/image"
	"slashdev/qemu"
)

type logFunc = func(format string, args ...any)

// bootPlan says what is to be booted on which machine.
type bootPlan struct {
	machine   string
	direct    bool
	words     []string // more kernel words
	add       []string // FILE:PATH
	appliance string   // "" is the default appliance
	image     string   // a ready image instead of an appliance
	dir       string   // where files may be made
	writable  bool     // the machine may write to the disk in dir; else it gets an overlay
	logf      logFunc
}

// detect tells an appliance from a ready image.
func (p *bootPlan) detect(source string) error {
	if source == "" {
		return nil
	}
	info, err := os.Stat(source)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: %w: give an appliance (a folder with config.json) or an image (made by slashdev build -o %s)",
			source, fs.ErrNotExist, source)
	case err != nil:
		return err
	case info.IsDir():
		p.appliance = source
		return nil
	case !info.Mode().IsRegular():
		return &exitError{exitRefused, fmt.Errorf("%s: neither a file nor a folder: a disk of this host is not booted", source)}
	}
	return p.detectFile(source)
}

func (p *bootPlan) detectFile(source string) error {
	f, err := os.Open(source)
	if err != nil {
		return err
	}
	defer f.Close()
	start := make([]byte, 1024)
	n, err := io.ReadFull(f, start)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return err
	}
	start = start[:n]
	switch {
	case isDisk(start):
		p.image = source
	case isJSON(start):
		p.appliance = source
	default:
		return fmt.Errorf("%s: neither a disk image (it has no partition table) nor an appliance file (it is not JSON)", source)
	}
	return nil
}

// isDisk looks for an MBR, which a GPT has too, or a GPT's own header.
func isDisk(start []byte) bool {
	return len(start) >= 512 && start[510] == 0x55 && start[511] == 0xaa ||
		len(start) >= 520 && bytes.Equal(start[512:520], []byte("EFI PART"))
}

// isJSON accepts files that begin like an object, so that a damaged appliance
// file is reported by its reader, with line and column.
func isJSON(start []byte) bool {
	text := bytes.TrimLeft(start, " \t\r\n\ufeff")
	return len(text) > 0 && text[0] == '{' || json.Valid(start)
}

// check finds flags that do not go together.
func (p *bootPlan) check() error {
	for _, text := range p.add {
		file, path, _ := strings.Cut(text, ":")
		if file == "" || !strings.HasPrefix(path, "/") {
			return usageError("add %q: not FILE:PATH with an absolute path on the appliance", text)
		}
	}
	switch {
	case p.image != "" && len(p.add) > 0:
		return usageError("--add with a ready image: files can only be added while an image is built: give the appliance instead of %s", p.image)
	case p.image != "" && p.direct:
		return usageError("--direct with a ready image: it boots without a disk: give the appliance instead of %s", p.image)
	}
	return nil
}

// prepare builds or patches what the machine boots from.
func (p *bootPlan) prepare(ctx context.Context) (config qemu.Config, err error) {
	if p.image != "" {
		config, err = p.fromImage()
	} else {
		config, err = p.build(ctx)
	}
	if err != nil {
		return config, err
	}
	config.Machine = p.machine
	config.Cmdline = machineWords(p.machine, config.Cmdline)
	return config, p.firmware(&config)
}

// build makes an image of the appliance.
func (p *bootPlan) build(ctx context.Context) (qemu.Config, error) {
	options := image.Options{Appliance: p.appliance, Append: strings.Join(p.words, " "), Logf: p.logf}
	options.Target, options.Board = target(p.machine, p.direct)
	if options.Target == "pc" { // this image is for the emulator only
		options.Append = strings.TrimSpace(qemu.TimerWord + " " + options.Append)
	}
	options.Arch, _ = qemu.Arch(p.machine)
	options.Output = filepath.Join(p.dir, options.Target+".img")
	for _, text := range p.add {
		file, path, _ := strings.Cut(text, ":")
		options.Add = append(options.Add, image.Extra{File: file, Path: path})
	}
	var err error
	if options.Parts, err = partsDir(); err != nil {
		return qemu.Config{}, err
	}
	if options.Binaries, err = binariesDir(); err != nil {
		return qemu.Config{}, err
	}
	result, err := image.Build(ctx, options)
	if err != nil {
		return qemu.Config{}, err
	}
	for _, warning := range result.Warnings {
		p.logf("%s", warning)
	}
	return p.config(result)
}

// config takes from a build what the machine needs: a PC boots its disk by
// itself, the others and --direct get a kernel.
func (p *bootPlan) config(r *image.Result) (qemu.Config, error) {
	if p.direct {
		return qemu.Config{Kernel: r.Kernel, Initrd: r.Initrd, DTB: p.deviceTree(r.DTB), Cmdline: r.Cmdline}, nil
	}
	c := qemu.Config{Disk: r.File}
	if qemu.NeedsKernel(p.machine) {
		c.Kernel, c.DTB, c.Cmdline = r.Kernel, p.deviceTree(r.DTB), r.Cmdline
	}
	return c, nil
}

func (p *bootPlan) deviceTree(file string) string {
	if p.machine != "rpi3" {
		return ""
	}
	return file
}

// target is the builder's name for what a machine boots.
func target(machine string, direct bool) (target, board string) {
	board = map[string]string{"pc": "pc", "pc-uefi": "pc", "virt": "virt", "rpi3": "rpi"}[machine]
	if direct {
		return "initramfs", board
	}
	return board, ""
}

// machineWords adds what only the emulated machine needs. QEMU's Pi has no
// firmware to translate serial0, resets when its watchdog is opened, and its
// USB controller has no fast interrupts.
func machineWords(machine, cmdline string) string {
	if machine != "rpi3" || cmdline == "" {
		return cmdline
	}
	words := strings.Fields(cmdline)
	for i, w := range words {
		if strings.HasPrefix(w, "console=serial0") {
			words[i] = "console=ttyS0,115200"
		}
	}
	for _, w := range []string{"init.watchdog=off", "dwc_otg.fiq_enable=0", "dwc_otg.fiq_fsm_enable=0", "dwc_otg.nak_holdoff=0"} {
		if !slices.Contains(words, w) {
			words = append(words, w)
		}
	}
	return strings.Join(words, " ")
}
