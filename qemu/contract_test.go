package qemu_test

import (
	"regexp"
	"strings"
	"testing"
)

const contractConfig = `{
	"Hostname": "box",
	"Packages": ["slashdev/qemu/testdata/contract", "slashdev/qemu/testdata/ticker"],
	"GokrazyPackages": ["github.com/gokrazy/gokrazy/cmd/dhcp", "github.com/gokrazy/gokrazy/cmd/ntp"],
	"PackageConfig": {"slashdev/qemu/testdata/ticker": {"WaitForClock": true}},
	"Slashdev": {"Version": 1, "Shell": {"Mode": "open"}}
}`

// bornIn1970 is a machine whose clock has no battery.
func bornIn1970(t *testing.T) *box {
	return bootBox(t, "pc", contractConfig, "-rtc", "base=1970-01-01T00:00:00")
}

// TestGokrazyProgram runs a program that uses gokrazy's own library, beside
// gokrazy's own dhcp and ntp.
func TestGokrazyProgram(t *testing.T) {
	t.Parallel()
	b := bornIn1970(t)
	// DontStartOnBoot: it was started once, and said 125.
	b.until("svc why contract", "exit 125")
	b.wants("svc ls", `contract +down +- +\S+ +0 +125`)
	b.wants("svc ls", `dhcp +up `)
	b.until("svc log dhcp", "DHCPACK")
	b.until("cat /tmp/resolv.conf", "nameserver 10.0.2.3")

	// What PID 1 starts for WaitFor net sees the route go and come.
	b.run("ip route del default via 10.0.2.2 && { /sbin/userland await net & } && sleep 1 && ip route add default via 10.0.2.2 && wait")

	b.run("svc start contract")
	b.until("svc log contract", `GOKRAZY_FIRST_START=""`)
	b.wants("svc log contract", `started in /perm/home/contract\n`)
	b.wants("svc log contract", `HOME="/perm/home/contract"\n`)
	b.wants("svc log contract", `USER="root"\n`)
	b.wants("svc log contract", `PATH="/user:/gokrazy`)
	b.wants("ls -ld /perm/home/contract", `^drwx------ `)

	// WaitForClock, by the library and by the appliance file.
	b.wants("date +%s", `^\d{1,5}\n`)
	b.wants("svc why ticker", "waits for the clock")
	if got := b.run("svc log contract"); strings.Contains(got, "the clock is set") {
		t.Errorf("it did not wait for the clock:\n%s", got)
	}
	b.run("date -s '2030-01-01 00:00:00'")
	b.until("svc log contract", "the clock is set")
	b.until("svc log ticker", "tick 1")

	b.run("svc stop contract")
	b.until("svc log contract", "told to stop")
	if err := b.m.PowerOff(b.ctx); err != nil {
		t.Error(err)
	}
}

// wants runs a command that must print what fits the pattern.
func (b *box) wants(command, pattern string) {
	b.t.Helper()
	if got := b.run(command); !regexp.MustCompile("(?m)" + pattern).MatchString(got) {
		b.t.Errorf("%s: no match for %s in\n%s", command, pattern, got)
	}
}

// TestP15_ClockJumps: deadlines are not by the clock on the wall.
func TestP15_ClockJumps(t *testing.T) {
	t.Parallel()
	b := bornIn1970(t)
	b.run("svc start contract")
	before := b.run("cat /proc/uptime")
	for _, date := range []string{"2030-01-01 00:00:00", "2080-01-01 00:00:00", "2079-12-31 23:00:00", "1970-01-02 00:00:00"} {
		b.run("date -s '" + date + "'")
		b.until("svc log ticker", "tick 1") // the loop has seen it
		n := b.tick(0)
		b.tick(n)
	}
	table := b.run("svc ls")
	for _, name := range []string{"devmgr", "logd", "ticker", "dhcp", "ntp"} {
		if !regexp.MustCompile(`(?m)^` + name + ` +up +\d+ +\d+[smh] +0 `).MatchString(table) {
			t.Errorf("%s was not left alone", name)
		}
	}
	if t.Failed() {
		t.Logf("uptime was %s, now %s\n%s", before, b.run("cat /proc/uptime"), table)
	}
	if err := b.m.PowerOff(b.ctx); err != nil {
		t.Error(err)
	}
}
