package qemu

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite golden files")

func TestArgsGolden(t *testing.T) {
	direct := Config{Kernel: "vmlinuz", Initrd: "initrd.gz", Cmdline: "console=ttyS0 quiet"}
	with := func(c Config, change func(*Config)) Config { change(&c); return c }
	cases := map[string]Config{
		"pc":             {Machine: "pc", Disk: "pc.img", QMPSocket: "/tmp/x/qmp"},
		"pc-kvm":         {Machine: "pc", Disk: "pc.img", Accel: KVM},
		"pc-snapshot":    {Machine: "pc", Disk: "a,b.img", Snapshot: true, Reboot: true},
		"pc-direct":      with(direct, func(c *Config) { c.Machine = "pc" }),
		"pc-extras":      {Machine: "pc", Disk: "pc.img", Watchdog: true, Memory: 256, Forwards: []Forward{{8080, 80}, {2222, 22}}, Extra: []string{"-device", "usb-tablet"}},
		"pc-uefi":        {Machine: "pc-uefi", Disk: "pc.img", FirmwareCode: "CODE.fd", FirmwareVars: "VARS.fd"},
		"pc-uefi-direct": with(direct, func(c *Config) { c.Machine, c.FirmwareCode, c.FirmwareVars = "pc-uefi", "CODE.fd", "VARS.fd" }),
		"virt":           {Machine: "virt", Kernel: "Image", Cmdline: "console=ttyAMA0 root=PARTUUID=x", Disk: "virt.img", Watchdog: true},
		"virt-direct":    with(direct, func(c *Config) { c.Machine = "virt" }),
		"rpi3":           {Machine: "rpi3", Kernel: "Image", DTB: "b.dtb", Cmdline: "console=ttyS0,115200", Disk: "sd.img", Snapshot: true},
		"rpi3-direct":    with(direct, func(c *Config) { c.Machine, c.DTB = "rpi3", "b.dtb" }),
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			args, err := Args(c)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "args-"+name+".golden", strings.Join(lines(args), "\n")+"\n")
		})
	}
}

// lines puts each option and its value on a line of its own.
func lines(args []string) []string {
	var out []string
	for _, a := range args {
		if n := len(out); n > 0 && !strings.HasPrefix(a, "-") {
			out[n-1] += " " + a
			continue
		}
		out = append(out, a)
	}
	return out
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s (-update rewrites it):\ngot:\n%s\nwant:\n%s", file, got, want)
	}
}

func TestArgsRefuses(t *testing.T) {
	cases := []struct {
		c    Config
		want string
	}{
		{Config{Machine: "virt", Disk: "x"}, "no kernel"},
		{Config{Machine: "rpi3", Kernel: "x"}, "no device tree"},
		{Config{Machine: "pc-uefi", Disk: "x"}, "no firmware"},
		{Config{Machine: "pc"}, "nothing to boot"},
		{Config{Machine: "pc", Disk: "x", Cmdline: "quiet"}, "without a kernel"},
		{Config{Machine: "rpi3", Kernel: "x", DTB: "y", Watchdog: true}, "its own watchdog"},
		{Config{Machine: "rpi3", Kernel: "x", DTB: "y", Memory: 512}, "the board has 1024"},
		{Config{Machine: "rpi4"}, "use one of pc, pc-uefi, virt, rpi3"},
	}
	for _, c := range cases {
		if _, err := Args(c.c); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Args(%+v) = %v, want %q", c.c, err, c.want)
		}
	}
	_, err := Args(Config{Machine: "rpi4"})
	var unknown *UnknownMachineError
	if !errors.As(err, &unknown) || unknown.Name != "rpi4" {
		t.Errorf("unknown machine: %v", err)
	}
}

func TestRPi3NeverSetsSMP(t *testing.T) {
	args, err := Args(Config{Machine: "rpi3", Kernel: "k", DTB: "d", Accel: KVM})
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(args, " ")
	if strings.Contains(text, "-smp") || !strings.Contains(text, "-accel tcg,thread=single") {
		t.Errorf("rpi3: %s", text)
	}
}
