package boot

// First is what it takes to open the consoles. devtmpfs has one superblock
// however often it is mounted, so the mount on /dev shows the same nodes, owners
// and links as /devices.
func First() []Step {
	return []Step{
		Mount{Type: "devtmpfs", Target: "/devices", Flags: NoSuid | NoExec, Data: "mode=0755", Config: "CONFIG_DEVTMPFS"},
		Mount{Type: "proc", Target: "/proc", Flags: NoSuid | NoDev | NoExec, Config: "CONFIG_PROC_FS"},
		Set{"/proc/sys/kernel/printk_devkmsg", "on\n"}, // or the kernel drops our lines at boot
	}
}

// Early is the rest of step 2 of the boot order: the file systems that
// everything else stands on.
func Early() []Step {
	return []Step{
		Mount{Type: "devtmpfs", Target: "/dev", Flags: NoSuid | NoExec, Data: "mode=0755", Config: "CONFIG_DEVTMPFS"},
		Set{"/proc/sys/kernel/modprobe", "\n"}, // start no program for each module that is missing; devmgr allows it later
		Mount{Type: "sysfs", Target: "/sys", Flags: NoSuid | NoDev | NoExec, Config: "CONFIG_SYSFS"},
		Mount{Type: "tmpfs", Target: "/run", Flags: NoSuid | NoDev, Data: "mode=0755", Config: "CONFIG_TMPFS"},
		Mount{Type: "tmpfs", Target: "/tmp", Flags: NoSuid | NoDev, Data: "mode=1777", Config: "CONFIG_TMPFS"},
		Mount{Type: "cgroup2", Target: "/sys/fs/cgroup", Flags: NoSuid | NoDev | NoExec, Data: "nsdelegate", Config: "CONFIG_CGROUPS"},
		Dir{Cgroups, 0o755},
		Dir{"/run/slashdev", 0o755},
		Dir{"/run/log", 0o755},
		Dir{"/run/log/slashdev", 0o755},
		Set{"/proc/self/oom_score_adj", "-1000"},
		Set{"/sys/kernel/uevent_helper", ""}, // nothing is started by the kernel
	}
}

// Rest is what programs expect and neither PID 1 nor devmgr needs. It is done
// while devmgr looks around.
func Rest() []Step {
	return []Step{
		Mount{Type: "devpts", Target: "/dev/pts", Flags: NoSuid | NoExec, Data: "gid=5,mode=620,ptmxmode=666", Config: "CONFIG_UNIX98_PTYS"},
		Mount{Type: "tmpfs", Target: "/dev/shm", Flags: NoSuid | NoDev, Data: "mode=1777", Config: "CONFIG_TMPFS"},
		Mount{Type: "mqueue", Target: "/dev/mqueue", Flags: NoSuid | NoDev | NoExec, Config: "CONFIG_POSIX_MQUEUE", Optional: true},
		Mount{Type: "bpf", Target: "/sys/fs/bpf", Flags: NoSuid | NoDev | NoExec, Data: "mode=0700", Config: "CONFIG_BPF_SYSCALL", Optional: true},
		Mount{Type: "pstore", Target: "/sys/fs/pstore", Flags: NoSuid | NoDev | NoExec, Config: "CONFIG_PSTORE", Optional: true},
		Mount{Type: "fusectl", Target: "/sys/fs/fuse/connections", Flags: NoSuid | NoDev | NoExec, Config: "CONFIG_FUSE_FS", Optional: true},
		Mount{Type: "efivarfs", Target: "/sys/firmware/efi/efivars", Flags: NoSuid | NoDev | NoExec, Config: "CONFIG_EFIVAR_FS", Optional: true},
		Link{"/run/slashdev/log", "/dev/log"},     // where logd listens
		Link{"/proc/net/pnp", "/tmp/resolv.conf"}, // gokrazy's place; dhcp replaces it
	}
}

// Cgroups is the folder below which every child has a control group.
const Cgroups = "/sys/fs/cgroup/slashdev"
