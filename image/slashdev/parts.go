package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"slashdev/qemu"
)

// partsDir is the folder of kernels, boot loaders and firmware.
func partsDir() (string, error) {
	dir := os.Getenv("SLASHDEV_PARTS")
	if dir == "" {
		bin, err := programDir()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(bin, "parts")
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%s: %w: kernels and boot loaders are missing: run `make build`, or set SLASHDEV_PARTS", dir, fs.ErrNotExist)
	}
	return dir, nil
}

// binariesDir is the folder with amd64/ and arm64/, which hold the device's
// programs.
func binariesDir() (string, error) {
	dir, err := programDir()
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Join(dir, "amd64", "init")); errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%s: %w: the device's programs are missing: run `make build`", filepath.Join(dir, "amd64", "init"), fs.ErrNotExist)
	}
	return dir, nil
}

func programDir() (string, error) {
	file, err := os.Executable()
	if err == nil {
		file, err = filepath.EvalSymlinks(file)
	}
	return filepath.Dir(file), err
}

// probeKernel is the kernel with which KVM is tried, or "".
func probeKernel() string {
	parts, err := partsDir()
	if err != nil {
		return ""
	}
	file := filepath.Join(parts, "kernel.amd64", "vmlinuz")
	if _, err := os.Stat(file); err != nil {
		return ""
	}
	return file
}

// firmware adds OVMF to a machine that needs it.
func (p *bootPlan) firmware(c *qemu.Config) error {
	if p.machine != "pc-uefi" {
		return nil
	}
	parts, err := partsDir()
	if err != nil {
		return err
	}
	c.FirmwareCode = filepath.Join(parts, "ovmf", "OVMF_CODE_4M.fd")
	c.FirmwareVars = filepath.Join(parts, "ovmf", "OVMF_VARS_4M.fd")
	if _, err := os.Stat(c.FirmwareCode); err != nil {
		return fmt.Errorf("firmware: %w: run `make build`, which installs it", err)
	}
	return nil
}

// workDir makes a folder for images: on a disk, because /tmp may be memory.
func workDir() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return os.MkdirTemp("", "slashdev-run-")
	}
	parent := filepath.Join(cache, "slashdev")
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", err
	}
	return os.MkdirTemp(parent, "run-")
}
