package qemu_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"slashdev/image"
	"slashdev/qemu"
)

// forgers are the ways to forge an event, and whether the kernel delivers it to
// devmgr at all.
var forgers = []struct {
	kind      string
	delivered bool
}{
	{"root-group1", true}, {"root-group2", false}, {"root-port", true}, {"root-kernel", true},
	{"user-group1", false}, {"user-port", false}, {"user-kernel", false},
	{"admin-group1", true}, {"admin-group2", false}, {"admin-port", true}, {"admin-kernel", false},
	{"userns-group1", false}, {"userns-port", false}, {"userns-kernel", false},
	{"netns-group1", false}, {"netns-kernel", false},
}

// runForged starts a program for the device that forgers name.
const runForged = `KERNEL=="kmsg", ACTION=="change", RUN+="/other/attacker say evil-program"
KERNEL=="evil", SYMLINK+="evil-link"
ENV{EVIL}=="?*", SYMLINK+="evil-link", RUN+="/other/attacker say evil-program"
`

// Events that the kernel has not sent have no effect, whoever sends them: no
// node goes or comes, no link, no entry of the database, no program, and nobody
// hears of them. Those of the kernel in between are all heard.
func TestU01_ForgedEventsHaveNoEffect(t *testing.T) {
	t.Parallel()
	b := attackedBox(t)
	const each = forgedEvents
	b.run("dev monitor > /tmp/mon & udevadm monitor -k -u -p > /tmp/umon & udevadm settle; rm /run/udev/data/c1:11; dev settle")
	state := "ls -l /dev | grep -v ttyS0; ls /run/udev/data /run/udev/links /run/udev/tags; cat /run/udev/data/c1:3"
	before := b.run(state)
	for _, f := range forgers {
		began := b.status()
		said := b.run("/other/attacker forge " + f.kind + " " + strconv.Itoa(each) + "; dev settle")
		ended := b.status()
		t.Logf("%s; forged %d", strings.TrimSpace(said), ended["forged"]-began["forged"])
		want := 0
		if f.delivered {
			want = each
		}
		if got := ended["forged"] - began["forged"]; got != want {
			t.Errorf("%s: %d counted as forged, want %d: %s", f.kind, got, want, said)
		}
		if got := ended["events"] - began["events"]; got != each/100 {
			t.Errorf("%s: %d events, want the %d of the kernel", f.kind, got, each/100)
		}
		if ended["malformed"] != began["malformed"] || ended["devices"] != began["devices"] {
			t.Errorf("%s: %v, then %v", f.kind, began, ended)
		}
	}
	if after := b.run(state); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
	b.hearsOnly(len(forgers)*each/100, each/4)
	if said := b.run("svc log -n 1000 devmgr"); strings.Contains(said, "evil") {
		t.Errorf("the log: %s", said)
	}
	t.Run("U02_LostEvents", func(t *testing.T) { b.loses(t) })
	if err := b.m.PowerOff(b.ctx); err != nil {
		t.Error(err)
	}
}

// hearsOnly wants so many changes of /dev/zero at the subscribers, each once,
// and nothing of other devices; but root, and nobody else, may speak as udev does.
func (b *box) hearsOnly(want, ofRoot int) {
	b.t.Helper()
	for _, c := range []struct {
		file, real, evil string
		want             int
	}{
		{"/tmp/mon", " change mem zero /devices/", ` (null|kmsg|full|evil) `, want},
		{"/tmp/umon", `^KERNEL\[.*/mem/zero`, `^KERNEL.*/(null|kmsg|full|evil) `, want},
		{"/tmp/umon", `^UDEV .*/mem/zero`, `^UDEV .*/(null|kmsg|evil) `, want},
		{"/tmp/umon", `^UDEV .*/mem/full`, `^UDEV .*/(null|kmsg|evil) `, ofRoot},
	} {
		if got := strings.TrimSpace(b.run("grep -E -c '" + c.real + "' " + c.file)); got != strconv.Itoa(c.want) {
			b.t.Errorf("%s: %s times %q, want %d", c.file, got, c.real, c.want)
		}
		if got := b.run("grep -E '" + c.evil + "' " + c.file + "; true"); got != "" {
			b.t.Errorf("%s: %.500s", c.file, got)
		}
	}
}

// loses has the kernel send more than devmgr's socket can queue. Afterwards
// devmgr knows what there is, and says that it lost something.
func (b *box) loses(t *testing.T) {
	began := b.status()
	b.run("/other/attacker starve")
	b.run("/other/attacker storm " + strconv.Itoa(stormEvents) + "; dev settle")
	ended := b.status()
	t.Logf("%d events: %d received, %d overruns, %d comparisons with sysfs", stormEvents, ended["events"]-began["events"],
		ended["overruns"]-began["overruns"], ended["resyncs"]-began["resyncs"])
	if ended["overruns"] == began["overruns"] || ended["resyncs"] == began["resyncs"] {
		t.Errorf("no loss is counted: %v, then %v", began, ended)
	}
	if ended["devices"] < began["devices"]+2*35 { // each with its bdi
		t.Errorf("%d devices, then %d", began["devices"], ended["devices"])
	}
	if got := b.run("/other/attacker compare"); !strings.Contains(got, " 0 differences") {
		t.Error(got)
	}
	if said := b.run("svc log -n 100 devmgr"); !strings.Contains(said, "resync after overrun: ") {
		t.Errorf("the log: %s", said)
	}
}

// status returns devmgr's counters.
func (b *box) status() map[string]int {
	b.t.Helper()
	counters := map[string]int{}
	for line := range strings.Lines(b.run("dev status")) {
		var name string
		var n int
		if _, err := fmt.Sscan(line, &name, &n); err == nil {
			counters[name] = n
		}
	}
	return counters
}

// attackedBox is a machine with Debian's kernel, which has user namespaces, and
// with a program that attacks devmgr.
func attackedBox(t *testing.T) *box {
	t.Helper()
	add := append(stockRules(t), image.Extra{File: buildProgram(t, "./testdata/attacker"), Path: "/other/attacker"},
		image.Extra{File: textFile(t, runForged), Path: "/etc/udev/rules.d/99-forged.rules"})
	return bootImage(t, image.Options{Board: "pc", Parts: debianParts(t), Add: add}, smallBox, qemu.Config{Machine: "pc"})
}

func textFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, []byte(text), 0o644))
	return file
}

// stockRules are Debian's, as its package has them.
func stockRules(t *testing.T) (add []image.Extra) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(repoRoot(t), "bin/parts/udev/lib/udev/rules.d/*.rules"))
	if err != nil || len(files) == 0 {
		t.Skipf("needs bin/parts: %v", err)
	}
	for _, f := range files {
		add = append(add, image.Extra{File: f, Path: "/lib/udev/rules.d/" + filepath.Base(f)})
	}
	return add
}

const smallBox = `{"Hostname": "box", "GokrazyPackages": []}`
