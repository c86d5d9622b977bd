package launch

import (
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"slashdev/init/plan"
)

// limits are the steps of the resource limits. Those on memory come last: what
// this process takes itself may be above them.
func limits(list []plan.Limit) (early, late []step, err error) {
	for _, l := range list {
		resource := slices.Index(resources, l.Name)
		if resource < 0 {
			return nil, nil, fmt.Errorf("limit %s: no such resource", l.Name)
		}
		s := step{
			fmt.Sprintf("prlimit --%s=%s:%s", l.Name, amount(l.Soft), amount(l.Hard)),
			func() error { return unix.Setrlimit(resource, &unix.Rlimit{Cur: l.Soft, Max: l.Hard}) },
		}
		if resource == unix.RLIMIT_AS || resource == unix.RLIMIT_DATA {
			late = append(late, s)
		} else {
			early = append(early, s)
		}
	}
	if len(late) > 0 {
		late = slices.Insert(late, 0, step{"reserve memory", reserve})
	}
	return early, late, nil
}

// reserve makes the heap large enough for the steps behind a limit on memory: the
// collector leaves it what was used before.
func reserve() error {
	spare := make([]byte, 1<<20)
	runtime.KeepAlive(spare)
	runtime.GC()
	return nil
}

func amount(n uint64) string {
	if n == plan.Unlimited {
		return "unlimited"
	}
	return strconv.FormatUint(n, 10)
}

// resources are named and numbered as in setrlimit(2).
var resources = []string{
	"cpu", "fsize", "data", "stack", "core", "rss", "nproc", "nofile", "memlock", "as",
	"locks", "sigpending", "msgqueue", "nice", "rtprio", "rttime",
}

// rights are the steps to the program's user, groups and capabilities.
func rights(p *plan.Program) ([]step, error) {
	set, err := capabilitySet(p)
	if err != nil {
		return nil, err
	}
	listed := "all but cap_sys_boot"
	if p.HasCapabilities {
		listed = strings.Join(p.Capabilities, " ")
	}
	steps := []step{{"bounding set: " + listed, func() error { return bound(set) }}}
	if p.HasUser {
		steps = append(steps, user(p)...)
	}
	if p.HasCapabilities {
		steps = append(steps, step{"capabilities: " + listed, func() error { return take(set) }})
	}
	if p.UID != 0 {
		steps = append(steps, step{"no new privileges", func() error {
			return unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
		}})
	}
	return steps, nil
}

func user(p *plan.Program) []step {
	groups := []int{}
	text := "setgroups"
	for _, g := range p.Groups {
		groups = append(groups, int(g))
		text += fmt.Sprintf(" %d", g)
	}
	uid, gid := int(p.UID), int(p.GID)
	return []step{
		{text, func() error { return unix.Setgroups(groups) }},
		{fmt.Sprintf("setgid %d", gid), func() error { return unix.Setresgid(gid, gid, gid) }},
		{fmt.Sprintf("setuid %d", uid), func() error {
			if err := unix.Prctl(unix.PR_SET_KEEPCAPS, 1, 0, 0, 0); err != nil { // until capset
				return err
			}
			return unix.Setresuid(uid, uid, uid)
		}},
	}
}

// capabilitySet has a bit for each capability that the program may ever have.
func capabilitySet(p *plan.Program) (set uint64, err error) {
	if !p.HasCapabilities {
		return ^uint64(1 << unix.CAP_SYS_BOOT), nil
	}
	for _, name := range p.Capabilities {
		n := slices.Index(capabilities, strings.TrimPrefix(name, "cap_"))
		if n < 0 {
			return 0, fmt.Errorf("capability %s: no such capability", name)
		}
		set |= 1 << n
	}
	return set, nil
}

// bound drops from the bounding set what is not in set. Capabilities that the
// kernel does not know end the list.
func bound(set uint64) error {
	for n := range 64 {
		have, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, uintptr(n), 0, 0, 0)
		if err != nil {
			return nil
		}
		if have == 0 || set&(1<<n) != 0 {
			continue
		}
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(n), 0, 0, 0); err != nil {
			return err
		}
	}
	return nil
}

// take makes set all that the process has, and what it keeps over exec.
func take(set uint64) error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	for i := range data {
		half := uint32(set >> (32 * i))
		data[i] = unix.CapUserData{Effective: half, Permitted: half, Inheritable: half}
	}
	if err := unix.Capset(&header, &data[0]); err != nil {
		return err
	}
	for n := range 64 {
		if set&(1<<n) == 0 {
			continue
		}
		if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, uintptr(n), 0, 0); err != nil {
			return err
		}
	}
	return nil
}

// capabilities are named and numbered as in capabilities(7), without cap_.
var capabilities = []string{
	"chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid",
	"setpcap", "linux_immutable", "net_bind_service", "net_broadcast", "net_admin", "net_raw",
	"ipc_lock", "ipc_owner", "sys_module", "sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct",
	"sys_admin", "sys_boot", "sys_nice", "sys_resource", "sys_time", "sys_tty_config", "mknod",
	"lease", "audit_write", "audit_control", "setfcap", "mac_override", "mac_admin", "syslog",
	"wake_alarm", "block_suspend", "audit_read", "perfmon", "bpf", "checkpoint_restore",
}
