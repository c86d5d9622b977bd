package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"slashdev/devmgr/bootwords"
	"slashdev/devmgr/daemon"
	"slashdev/devmgr/udevadm"
	"slashdev/init/plan"
)

const daemonUsage = `usage: devmgr daemon [-n] [-sys DIR] [-dev DIR] [-run DIR] [-udev DIR]
                     [-root DIR] [-receive-buffer BYTES] [-announce NAME]...
                     [-devfs WORDS]

Keeps owners, modes and links below /devices as they should be, and says what
it knows to programs that use libudev.
  -n        dry run: print what would be done for the devices present, and exit
  -sys DIR  sysfs (/sys)
  -dev DIR  the devtmpfs to work in (/devices)
  -run DIR  directory of the control sockets (/run/slashdev)
  -udev DIR directory of the database for programs that use libudev (/run/udev)
  -root DIR where the directories of rules are (/)
  -receive-buffer BYTES
            of the uevent socket (67108864): what does not fit is lost, and repaired
  -announce NAME
            tell the supervisor when this name below /dev comes and goes
  -devfs WORDS
            what devfs= says, instead of the plan and the kernel's command line
`

func runDaemon(env environment, args []string) int {
	cfg := daemon.Config{Notify: env.getenv("NOTIFY_SOCKET"), Modules: "/"}
	if us, err := strconv.Atoi(env.getenv("WATCHDOG_USEC")); err == nil && us > 0 {
		cfg.Watchdog = time.Duration(us) * time.Microsecond
	}
	cfg.Logf = func(format string, a ...any) { // one line, whatever a device calls itself
		fmt.Fprintf(env.stderr, "devmgr: %s\n", udevadm.Visible(fmt.Sprintf(format, a...)))
	}
	dry, words := false, ""
	dirs := map[string]*string{"sys": &cfg.Sys, "dev": &cfg.Dev, "run": &cfg.Run, "udev": &cfg.Udev, "root": &cfg.Root}
	for i := 0; i < len(args); i++ {
		name := trimDashes(args[i])
		switch dir := dirs[name]; {
		case isHelp(args[i]):
			fmt.Fprint(env.stdout, daemonUsage)
			return exitOK
		case args[i] == "-n":
			dry = true
		case dir != nil && name != args[i] && i+1 < len(args):
			i++
			*dir = args[i]
		case name == "devfs" && name != args[i] && i+1 < len(args):
			i++
			words = "devfs=" + args[i]
		case name == "receive-buffer" && name != args[i] && i+1 < len(args):
			i++
			n, err := strconv.ParseUint(args[i], 10, 31)
			if err != nil {
				return env.fail(exitUsage, "devmgr daemon: -receive-buffer %q is no number of bytes", args[i])
			}
			cfg.ReceiveBuf = int(n)
		case name == "announce" && name != args[i] && i+1 < len(args):
			i++
			cfg.Announce = append(cfg.Announce, args[i])
		default:
			return env.fail(exitUsage, "devmgr daemon: unexpected argument %q\n%s", args[i], daemonUsage)
		}
	}
	cfg.Devfs = devfsWords(cfg, words)
	if dry {
		return dryRun(env, cfg)
	}
	return serve(env, cfg)
}

// devfsWords takes the words of the plan, and those of the kernel's command
// line on top of them.
func devfsWords(cfg daemon.Config, given string) bootwords.Options {
	if given == "" {
		if text, err := os.ReadFile(plan.File); err == nil {
			if p, err := plan.Parse(string(text)); err == nil {
				given = "devfs=" + p.Devfs + " "
			}
		}
		text, _ := os.ReadFile("/proc/cmdline")
		given += string(text)
	}
	o, errs := bootwords.Parse(given)
	for _, err := range errs {
		cfg.Logf("%v", err)
	}
	return o
}

// minProcs is how many goroutines may run at a time, even on fewer processors.
const minProcs = 4

func trimDashes(s string) string {
	for len(s) > 0 && s[0] == '-' {
		s = s[1:]
	}
	return s
}

func serve(env environment, cfg daemon.Config) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	signal.Ignore(syscall.SIGHUP, syscall.SIGPIPE)
	// With a processor to spare for the scheduler none is taken away from a
	// goroutine in a system call, which costs a slow machine dear.
	runtime.GOMAXPROCS(max(minProcs, runtime.GOMAXPROCS(0)))
	if os.Getuid() != 0 {
		cfg.Logf("not root: nodes cannot be changed")
	}
	if err := daemon.Run(ctx, cfg); err != nil {
		return env.fail(exitFailed, "devmgr: %v", err)
	}
	return exitOK
}

func dryRun(env environment, cfg daemon.Config) int {
	ops, err := daemon.Plan(cfg)
	out := bufio.NewWriter(env.stdout)
	for _, op := range ops {
		fmt.Fprintln(out, op)
	}
	out.Flush()
	if err != nil {
		return env.fail(exitFailed, "devmgr: %v", err)
	}
	return exitOK
}
