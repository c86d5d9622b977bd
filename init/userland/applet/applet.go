// Package applet lists the names that /sbin/userland answers to.
//
// It holds names only, so that the image builder can make the links without
// linking the tools.
package applet

// Names are the commands for people: the builder links each as /bin/NAME.
func Names() []string {
	return []string{
		"base64", "cat", "chmod", "chown", "clear", "cp", "date", "df", "dmesg",
		"env", "find", "free", "grep", "head", "hexdump", "hostname",
		"id", "ip", "kill", "ln", "ls", "lsblk", "lspci", "lsusb", "mkdir", "mktemp",
		"more", "mount", "mv", "ps", "readlink", "rm", "rmdir", "sh", "shasum",
		"sleep", "stat", "svc", "sync", "sysctl", "tail", "tar", "tee", "touch",
		"umount", "uname", "uptime", "wc", "which", "whoami", "xargs",
	}
}

// Power are the names under which /sbin/init, when it is not PID 1, executes
// userland. They have no link of their own: /sbin/NAME is a link to init.
func Power() []string {
	return []string{"halt", "poweroff", "reboot", "shutdown", "telinit"}
}

// Services are started by PID 1 as "userland NAME"; they have no link.
func Services() []string {
	return []string{"logd", "perm", "census", "launch", "health", "await", "hooks", "teardown"}
}
