package boot

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"

	"slashdev/init/linux/linuxtest"
)

func TestTablePrintsAsCommands(t *testing.T) {
	var b strings.Builder
	for _, s := range slices.Concat(First(), Early(), Rest()) {
		fmt.Fprintln(&b, s)
	}
	for _, want := range []string{
		"mount -t devtmpfs -o nosuid,noexec,mode=0755 devtmpfs /devices\nmount -t proc",
		"mount -t devtmpfs -o nosuid,noexec,mode=0755 devtmpfs /dev\n",
		"mount -t proc -o nosuid,nodev,noexec proc /proc\n",
		"mount -t devpts -o nosuid,noexec,gid=5,mode=620,ptmxmode=666 devpts /dev/pts\n",
		"mkdir -m 0755 /run/slashdev\n",
		"ln -sf /proc/net/pnp /tmp/resolv.conf\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("table lacks %q:\n%s", want, b.String())
		}
	}
}

// P-14: whichever step fails, all others still run.
func TestP14_AnyStepMayFail(t *testing.T) {
	steps := slices.Concat(First(), Early(), Rest())
	all := &linuxtest.Kernel{}
	if errs := Do(all, steps); len(errs) > 0 {
		t.Fatal(errs)
	}
	for n := range all.Calls {
		k := &linuxtest.Kernel{FailCall: n + 1, Err: syscall.EIO}
		errs := Do(k, steps)
		if len(k.Calls) < len(all.Calls) {
			t.Errorf("call %d (%s) failed and %d calls were left out", n+1, all.Calls[n], len(all.Calls)-len(k.Calls))
		}
		if len(errs) == 0 && !strings.HasPrefix(all.Calls[n], "mkdir") {
			t.Errorf("call %d (%s) failed and nobody said so", n+1, all.Calls[n])
		}
	}
}

func TestMountErrors(t *testing.T) {
	proc := Mount{Type: "proc", Target: "/proc", Config: "CONFIG_PROC_FS"}
	pstore := Mount{Type: "pstore", Target: "/sys/fs/pstore", Config: "CONFIG_PSTORE", Optional: true}
	tests := []struct {
		m    Mount
		err  error
		want string
	}{
		{proc, syscall.ENODEV, "mount /proc: no such device: this kernel lacks CONFIG_PROC_FS"},
		{proc, syscall.EBUSY, ""},
		{proc, syscall.EPERM, "mount /proc: operation not permitted"},
		{pstore, syscall.ENODEV, ""},
		{pstore, syscall.ENOENT, ""},
		{pstore, syscall.EIO, "mount /sys/fs/pstore: input/output error"},
	}
	for _, tt := range tests {
		err := tt.m.Do(&linuxtest.Kernel{FailCall: 2, Err: tt.err})
		if got := errText(err); got != tt.want {
			t.Errorf("%s with %v: got %q, want %q", tt.m, tt.err, got, tt.want)
		}
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
