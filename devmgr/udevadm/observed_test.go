package udevadm

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestExitCodesAreThoseOfUdevadm runs Debian's udevadm and ours on this machine,
// where no device manager runs.
func TestExitCodesAreThoseOfUdevadm(t *testing.T) {
	udev, err := filepath.Abs("../../bin/parts/udev")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(udev + "/bin/udevadm"); err != nil {
		t.Skip("needs bin/parts/udev: make setup")
	}
	libraries, _ := filepath.Glob(udev + "/*lib/*-linux-gnu*")
	more, _ := filepath.Glob(udev + "/usr/lib/*-linux-gnu*/systemd")
	deeper, _ := filepath.Glob(udev + "/usr/lib/*-linux-gnu*")
	path := "LD_LIBRARY_PATH=" + strings.Join(append(append(libraries, more...), deeper...), ":")
	for _, line := range []string{
		"", "--help", "--version", "bogus", "--bogus",
		"info", "info --bogus", "info /dev/null", "info /dev/nosuch", "info -p /sys/nosuch", "info -q bogus -n /dev/null",
		"info -q name -p /class/net/lo", "info -q property --property=X -n /dev/null", "info -a -n /dev/null", "info -d /nosuch", "info x -n /dev/null",
		"trigger -n -t bogus", "trigger -n -c bogus", "trigger -n /dev/nosuch", "trigger -n", "trigger -a",
		"settle -t x", "settle -t 0", "settle -t 0 x", "control", "control -l bogus", "control -p bogus", "control -m x", "control x",
		"test", "test /sys/nosuch", "test-builtin", "test-builtin bogus /sys/class/net/lo",
		"wait", "wait x", "wait -t 0.01 /dev/nosuch", "wait -t 0.01 --removed /dev/null",
		"lock", "lock true", "lock -d /dev/nosuch true", "lock -d /dev/null true", "hwdb",
	} {
		words := strings.Fields(line)
		cmd := exec.Command(udev+"/bin/udevadm", words...)
		cmd.Env = []string{path}
		_ = cmd.Run() // the code says all
		want := cmd.ProcessState.ExitCode()
		if want < 0 {
			t.Fatalf("udevadm %s: %v", line, cmd.ProcessState)
		}
		if got := Main(Host(io.Discard, io.Discard), words); got != want {
			t.Errorf("udevadm %s: ended with %d, udev's with %d", line, got, want)
		}
	}
}
