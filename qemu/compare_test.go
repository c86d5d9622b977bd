package qemu_test

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"slashdev/qemu"
	"slashdev/qemu/peer"
)

// leastEqual is how much of what udevd makes of the devices must be the same
// with devmgr, in percent.
const leastEqual = 98

// TestComparedWithUdevd lets udevd and devmgr do the same work in one machine,
// one after the other, with all rules of Debian's packages: nearly everything
// is equal, and docs/udev.md explains each difference that there is.
func TestComparedWithUdevd(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("boots a machine: left out by -short")
	}
	judge(t, compareMachines(t))
}

// judge compares what the machine wrote.
func judge(t *testing.T, files map[string]string) {
	t.Helper()
	nobody, udevd, devmgr := madeBy(files, "nobody"), madeBy(files, "udevd"), madeBy(files, "devmgr")
	if len(nobody.devices) < 400 || len(udevd.values) < 3000 {
		t.Fatalf("%d devices, %d values: the machine has not what it should have", len(nobody.devices), len(udevd.values))
	}
	equal, found := differences(udevd.without(nobody), devmgr.without(nobody))
	text, err := os.ReadFile("../docs/udev.md")
	must(t, err)
	known, err := explained(string(text))
	must(t, err)
	used := map[explanation]bool{}
	for _, d := range found {
		if i := slices.IndexFunc(known, d.explainedBy); i >= 0 {
			used[known[i]] = true
			t.Logf("known: %s", d)
		} else {
			t.Errorf("not in docs/udev.md: %s", d)
		}
	}
	for _, x := range known {
		if !used[x] {
			t.Errorf("docs/udev.md explains `%s` of `%s`, which does not differ", x.value, x.device)
		}
	}
	percent := 100 * float64(equal) / float64(equal+len(found))
	t.Logf("%d devices: %d values are equal, %d differ: %.2f %%", len(udevd.devices), equal, len(found), percent)
	if percent < leastEqual {
		t.Errorf("%.2f %% are equal, want %d", percent, leastEqual)
	}
	if t.Failed() {
		t.Logf("devmgr's log:\n%s", files["devmgr.log"])
	}
}

// compareMachines boots the machine and returns the files that it wrote.
func compareMachines(t *testing.T) map[string]string {
	t.Helper()
	root, dir := repoRoot(t), t.TempDir()
	parts := filepath.Join(root, "bin/parts")
	rules, err := filepath.Glob(parts + "/rules/*/*.rules")
	must(t, err)
	add := map[string]string{}
	for _, file := range rules {
		add["/lib/udev/rules.d/"+filepath.Base(file)] = file
	}
	config, err := peer.Build(peer.Options{Parts: parts, Binaries: filepath.Join(root, "bin"), Kernel: "kernel.amd64",
		Init: "testdata/compare/init", Output: filepath.Join(dir, "initrd"), Add: add})
	if errors.Is(err, peer.ErrNoParts) {
		t.Skipf("needs bin/parts: %v", err)
	}
	must(t, err)
	makeDisks(t, parts+"/formats", dir)
	config.Memory, config.Extra = 1024, richDevices(dir)
	config.Artifacts, config.Logf = t.ArtifactDir(), t.Logf
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	m, err := qemu.Start(ctx, config)
	must(t, err)
	defer m.Close()
	if err := m.PoweredOff(ctx); err != nil {
		t.Fatal(err)
	}
	for _, line := range m.Console() {
		if strings.Contains(line, "settled") || strings.Contains(line, "kept") {
			t.Log(line)
		}
	}
	return archive(t, filepath.Join(dir, "out.img"))
}

func archive(t *testing.T, name string) map[string]string {
	t.Helper()
	f, err := os.Open(name)
	must(t, err)
	defer f.Close()
	files := map[string]string{}
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		must(t, err)
		text, err := io.ReadAll(r)
		must(t, err)
		files[h.Name] = string(text)
	}
	t.Logf("the machine wrote %s", slices.Sorted(maps.Keys(files)))
	return files
}

// makeDisks makes the images, with the tools of scripts/setup-formats.
func makeDisks(t *testing.T, tools, dir string) {
	t.Helper()
	script, err := filepath.Abs("testdata/compare/disks")
	must(t, err)
	cmd := exec.Command("/bin/sh", "-e", script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+tools+"/lib/x86_64-linux-gnu:"+tools+"/usr/lib/x86_64-linux-gnu",
		"PATH="+tools+"/sbin:"+tools+"/usr/sbin:"+tools+"/usr/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make disks: %v\n%s", err, out)
	}
}

// richDevices are QEMU's arguments for one device of each kind that the kernel
// of our images knows. The machine has a network card and a SCSI host already.
func richDevices(dir string) []string {
	var args []string
	disk := func(id, file, device string) {
		format := ",format=raw,file=" + filepath.Join(dir, file)
		if id != "out" {
			format += ",snapshot=on"
		}
		args = append(args, "-drive", "if=none,id="+id+format, "-device", device+",drive="+id)
	}
	disk("d0", "virtio.img", "virtio-blk-pci,serial=VIRT-1")
	disk("out", "out.img", "virtio-blk-pci,serial=OUT")
	disk("d1", "scsi.img", "scsi-hd,bus=scsi0.0,serial=SCSI-1,vendor=ACME,product=Disk 9000,wwn=0x5000c500a1b2c3d4")
	disk("d2", "blank.img", "scsi-hd,bus=scsi0.0")
	disk("d3", "cd.iso", "ide-cd,bus=ide.0")
	disk("d4", "ata.img", "ide-hd,bus=ide.1,serial=ATA-1,wwn=0x5000c500a1b2c3d5")
	disk("d5", "nvme.img", "nvme,serial=NVME-1")
	disk("d6", "usb.img", "usb-storage,bus=xhci.0,serial=US/B 1\x01")
	args = append(args, "-device", "usb-bot,id=bot,bus=xhci.0")
	disk("d7", "uas.img", "scsi-hd,bus=bot.0")
	for _, device := range strings.Fields("scsi-cd,bus=scsi0.0 usb-kbd usb-mouse usb-tablet usb-wacom-tablet usb-ccid e1000,netdev=n1 usb-net,netdev=n2" +
		" usb-audio,audiodev=a virtio-rng-pci virtio-keyboard-pci virtio-mouse-pci virtio-tablet-pci virtio-gpu-pci" +
		" virtio-serial-pci virtserialport,chardev=c0,name=org.slashdev.port usb-serial,chardev=c1 pci-serial,chardev=c2 i6300esb") {
		args = append(args, "-device", device)
	}
	for _, net := range []string{"n1", "n2"} {
		args = append(args, "-netdev", "user,id="+net)
	}
	for _, line := range []string{"c0", "c1", "c2"} {
		args = append(args, "-chardev", "null,id="+line)
	}
	return args
}
