package main

import (
	"os"

	"golang.org/x/sys/unix"

	"slashdev/init/userland/tool"
)

// applets is the table of all applets, in the order in which help lists them.
func applets() []tool.Applet {
	list := statusApplets()
	list = append(list, systemApplets()...)
	list = append(list, fileApplets()...)
	list = append(list, coreApplets()...)
	list = append(list, powerApplets()...)
	return append(list, serviceApplets()...)
}

// statusApplets show what the machine is and does. They end by themselves, so
// the shell runs them in its own process.
func statusApplets() []tool.Applet {
	return []tool.Applet{
		{Name: "svc", Use: "[VERB] [--json] [NAME...]", Summary: "programs: svc ls, status, start, stop, restart, log, why, graph, check", Help: helpSvc(), Inside: true, Run: svc},
		{Name: "dmesg", Use: "[-n LEVEL] [-l] [-w]", Summary: "the kernel's log and the programs' (-w follows, -n err filters)", Help: helpDmesg, Run: dmesg},
		{Name: "ps", Use: "[-a] [-w]", Summary: "processes (-a also the kernel's)", Inside: true, Run: ps},
		{Name: "free", Use: "[-hm]", Summary: "memory", Inside: true, Run: free},
		{Name: "df", Use: "[-a] [PATH...]", Summary: "room on file systems", Run: df},
		{Name: "uptime", Summary: "time, time since boot, load", Inside: true, Run: uptime},
		{Name: "lsblk", Use: "[-a] [--json]", Summary: "disks and partitions", Inside: true, Run: lsblk},
		{Name: "lspci", Use: "[--json]", Summary: "devices on the PCI bus", Inside: true, Run: lspci},
		{Name: "lsusb", Use: "[--json]", Summary: "devices on the USB", Inside: true, Run: lsusb},
		{Name: "ip", Use: "[-4|-6] [addr|link|route] [VERB ...]", Summary: "interfaces, addresses, routes", Help: helpIP, Inside: true, Run: ip},
		{Name: "mount", Use: "[-t TYPE] [-o OPTIONS] [SOURCE DIR]", Summary: "list the mounts, or mount a file system", Help: helpMount, Run: mount},
		{Name: "umount", Use: "[-l] [-f] DIR...", Summary: "take a mount away", Run: umount},
		{Name: "sysctl", Use: "[-n] NAME[=VALUE]... | -a", Summary: "read and write the kernel's settings", Run: sysctl},
		{Name: "hexdump", Use: "[-C] [-v] [-n BYTES] [-s SKIP] [FILE]", Summary: "bytes in hex and as text", Run: hexdump},
		{Name: "more", Use: "[FILE...]", Summary: "show a page at a time: dmesg | more", Run: more},
	}
}

// systemApplets are known from every Unix.
func systemApplets() []tool.Applet {
	return []tool.Applet{
		{Name: "sh", Use: "[-c COMMAND [NAME ARG...] | FILE [ARG...]]", Summary: "this shell", Plain: true, Run: sh},
		{Name: "kill", Use: "[-SIGNAL | -l] PID...", Summary: "send a signal, TERM by default", Plain: true, Inside: true, Run: kill},
		{Name: "sleep", Use: "DURATION", Summary: "wait: 2, 0.5, 250ms, 5m", Plain: true, Inside: true, Run: sleep},
		{Name: "sync", Summary: "write everything to the disks", Plain: true, Run: syncDisks},
		{Name: "date", Use: "[+%s | -s TIME]", Summary: "print or set the time, UTC", Plain: true, Inside: true, Run: date},
		{Name: "uname", Use: "[-asnrvm]", Summary: "name and version of the kernel", Plain: true, Inside: true, Run: uname},
		{Name: "hostname", Use: "[NAME]", Summary: "print or set the machine's name", Plain: true, Inside: true, Run: hostname},
		{Name: "id", Summary: "who I am", Plain: true, Inside: true, Run: id},
		{Name: "whoami", Summary: "my user name", Plain: true, Inside: true, Run: id},
		{Name: "env", Summary: "the environment", Help: "To set a variable: NAME=VALUE COMMAND", Plain: true, Run: env},
		{Name: "which", Use: "NAME...", Summary: "which file a command is", Plain: true, Inside: true, Run: which},
		{Name: "clear", Summary: "clear the screen", Plain: true, Inside: true, Run: clearTerminal},
	}
}

func fileApplets() []tool.Applet {
	return []tool.Applet{
		{Name: "ls", Use: "[-ladh1RtSrn] [FILE...]", Summary: "list files", Plain: true, Inside: true, Run: ls},
		{Name: "stat", Use: "[-L] FILE...", Summary: "all about files", Plain: true, Inside: true, Run: stat},
		{Name: "ln", Use: "[-sfn] TARGET LINK", Summary: "make links", Plain: true, Inside: true, Run: ln},
		{Name: "readlink", Use: "[-f] FILE...", Summary: "where links lead", Plain: true, Inside: true, Run: readlink},
		{Name: "rmdir", Use: "DIR...", Summary: "remove empty directories", Plain: true, Inside: true, Run: rmdir},
		{Name: "chown", Use: "[-h] USER[:GROUP] FILE...", Summary: "change owners", Plain: true, Inside: true, Run: chown},
		{Name: "grep", Use: "[-ivcnqlhFE] PATTERN [FILE...]", Summary: "find lines (Go's regular expressions)", Plain: true, Run: grep},
		{Name: "head", Use: "[-n LINES | -c BYTES] [FILE...]", Summary: "the first lines or bytes", Plain: true, Run: head},
		{Name: "tail", Use: "[-n LINES] [FILE...]", Summary: "the last lines", Plain: true, Run: tail},
		{Name: "tee", Use: "[-a] FILE...", Summary: "copy input to files and output", Plain: true, Run: teeFiles},
		{Name: "wc", Use: "[-lwc] [FILE...]", Summary: "count lines, words, bytes", Plain: true, Run: wc},
	}
}

// powerApplets and services have no summary: help does not list them.
func powerApplets() []tool.Applet {
	return []tool.Applet{
		{Name: "halt", Use: "[-fnp] [-d SECONDS]", Help: helpPower, Run: powerTool},
		{Name: "poweroff", Use: "[-fn] [-d SECONDS]", Help: helpPower, Run: powerTool},
		{Name: "reboot", Use: "[-fn] [-d SECONDS] [--kexec] [WORD]", Help: helpPower, Run: powerTool},
		{Name: "shutdown", Use: "[-hPHrknc] [-t SECONDS] [now|+MINUTES|HH:MM [MESSAGE...]]", Help: helpShutdown, Run: powerTool},
		{Name: "telinit", Use: "[-t SECONDS] [-e INIT_NAME[=VALUE]]... LEVEL", Help: helpTelinit, Run: powerTool},
	}
}

// serviceApplets are started by PID 1.
func serviceApplets() []tool.Applet {
	return []tool.Applet{
		{Name: "logd", Help: "The logger. PID 1 starts it and hands it the programs' pipes.", Run: logger},
		{Name: "census", Help: "Finds out what runs when PID 1 has lost its state, and executes PID 1 again.", Run: takeCensus},
		{Name: "perm", Help: "Mounts /perm as the plan says. PID 1 starts it once.", Run: perm},
		{Name: "hooks", Use: "EVENT", Help: helpHooks, Run: hooks},
		{Name: "teardown", Use: "[--plan]", Help: helpTeardown, Run: takeDown},
		{Name: "launch", Help: helpLaunch, Run: becomeProgram},
		{Name: "health", Use: "URL|tcp:ADDR", Help: helpHealth, Run: health},
		{Name: "await", Use: "net|clock|tcp:ADDR|unix:PATH|file:PATH", Help: helpAwait, Run: await},
	}
}

const (
	helpPower = `Asks PID 1 to stop everything cleanly.
-f      sync, then at once, without init (-n: not even a sync)
-d SECONDS  later
-p      halt: and power off
WORD    for the firmware, as tryboot on a Raspberry Pi
Options of sysvinit and BusyBox that mean nothing here (-w -i -h) are taken.`
	helpShutdown = `Powers off (-h, -P), halts (-H), reboots (-r) or starts the kernel that kexec
has loaded (--kexec), now or later, and tells everybody. It stays until then.
-c      cancel the one that waits
-k      only tell
-t SECONDS  between SIGTERM and SIGKILL
-n      without init
--dry-run   print what would be done
Options of sysvinit that mean nothing here (-a -f -F) are taken.`
	helpTelinit = `Changes the run level: 0 powers off, 6 reboots, 1 and S stop all programs, 2 to
5 start them again, Q reads the plan, U re-executes PID 1.
-t SECONDS  between SIGTERM and SIGKILL
-e      set or unset a variable for programs; nothing but INIT_ names
--plan      print what a shutdown would do`
	helpLaunch = `Becomes a program. PID 1 starts it for a user, capabilities, limits and what
else takes more than fork and exec, with the plan's lines on descriptor 3.
Exit 111: it was refused, for the reason given.`
	helpHooks    = "Runs the image's executables in /etc/slashdev/EVENT.d. PID 1 starts it."
	helpTeardown = "Unmounts everything. PID 1 starts it last of all; --plan only prints the steps."
	helpHealth   = "Exit 0 when the program answers: a connection, or a status below 400."
	helpAwait    = `Ends when it is there: net is a default route, clock a time after 2020, tcp and
unix somebody who takes connections.`
	helpSvcMore = `--json: for programs, with every verb that reads
svc log -f: and what comes, until Ctrl-C; -n LINES, 20 if not said; --since AGE
as 90s, 10m, 2h, 1d; --boot -1: the boot before this one, or a number of
svc log --boots. svc graph --svg: a drawing`
	helpDmesg = `-n LEVEL  this level and worse: emerg alert crit err warn notice info debug
-l        show the level
-w        go on with what comes, until Ctrl-C`
	helpIP = `ip addr [show [DEV]]            ip addr add|del A.B.C.D/BITS dev DEV
ip link [show]                  ip link set DEV up|down|mtu N
ip route [show]                 ip route add|del default|A.B.C.D/BITS
                                    [via GATEWAY] [dev DEV] [metric N]`
	helpMount = `Without -t the disk file systems that the kernel knows are tried.
Device nodes on what is mounted do not work unless -o dev is given.
OPTIONS: ro noexec nosuid noatime sync bind rbind move remount dev, and the
file system's own, separated by commas.`
)

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}
