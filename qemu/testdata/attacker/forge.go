package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// kinds are the ways to forge: who sends, and where to. A sender is root, user
// (uid 1000), admin (uid 1000 with CAP_NET_ADMIN), userns (root of a user
// namespace of its own) or netns (the same with a network namespace). It goes
// to the kernel's group, to udev's, to devmgr's own port, or to the kernel,
// which hands on what the root of a namespace gives it.
//
// forge runs a sender as that user and makes the kernel say something true
// after each hundred messages.
func forge(kind string, n int) error {
	who, _, _ := strings.Cut(kind, "-")
	cmd := exec.Command("/proc/self/exe", "send", kind, strconv.Itoa(n))
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = sender(who)
	if cmd.SysProcAttr == nil {
		return fmt.Errorf("who is %q?", who)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	last := ""
	for in := bufio.NewScanner(out); in.Scan(); {
		if last = in.Text(); last != "." {
			continue
		}
		if err := os.WriteFile("/sys/devices/virtual/mem/zero/uevent", []byte("change"), 0); err != nil {
			return err
		}
	}
	fmt.Println(last)
	return cmd.Wait()
}

func sender(who string) *syscall.SysProcAttr {
	user := &syscall.Credential{Uid: 1000, Gid: 1000}
	root := &syscall.Credential{NoSetGroups: true} // as the namespace sees it
	ids := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 1000, Size: 1}}
	switch who {
	case "root":
		return &syscall.SysProcAttr{}
	case "user":
		return &syscall.SysProcAttr{Credential: user}
	case "admin":
		return &syscall.SysProcAttr{Credential: user, AmbientCaps: []uintptr{unix.CAP_NET_ADMIN}}
	case "userns":
		return &syscall.SysProcAttr{Credential: root, Cloneflags: syscall.CLONE_NEWUSER, UidMappings: ids, GidMappings: ids}
	case "netns":
		return &syscall.SysProcAttr{Credential: root, Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
			UidMappings: ids, GidMappings: ids}
	}
	return nil
}

// send prints a dot after each hundred messages, and in the end how many were
// sent and how many the kernel refused.
func send(kind string, n int) error {
	_, where, _ := strings.Cut(kind, "-")
	to := &unix.SockaddrNetlink{Family: unix.AF_NETLINK}
	switch where {
	case "group1":
		to.Groups = 1
	case "group2":
		to.Groups = 2
	case "port":
		port, err := listener()
		if err != nil {
			return err
		}
		to.Pid = port
	}
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_KOBJECT_UEVENT)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	sent, refused := 0, 0
	for i := range n {
		message := forged(i)
		if where == "kernel" {
			message = request(message)
		}
		switch err := unix.Sendto(fd, message, 0, to); {
		case errors.Is(err, unix.EPERM):
			refused++
		case err == nil || errors.Is(err, unix.ECONNREFUSED): // nobody is in the group
			sent++
		default:
			return err
		}
		if i%100 == 99 {
			fmt.Println(".")
		}
	}
	fmt.Printf("%s: sent %d refused %d\n", kind, sent, refused)
	return nil
}

// forged returns messages that would each do something else: a node, a link
// and a database entry, the end of /dev/null, an action, and an event of udev's.
func forged(i int) []byte {
	text := func(action, path string, pairs ...string) []byte {
		all := append([]string{action + "@" + path, "ACTION=" + action, "DEVPATH=" + path}, pairs...)
		return []byte(strings.Join(append(all, "SEQNUM="+strconv.Itoa(1_000_000+i)), "\x00") + "\x00")
	}
	switch i % 4 {
	case 0:
		return text("add", "/devices/virtual/block/evil", "SUBSYSTEM=block", "DEVNAME=evil", "DEVTYPE=disk", "MAJOR=7", "MINOR=66")
	case 1:
		return text("remove", "/devices/virtual/mem/null", "SUBSYSTEM=mem", "DEVNAME=null", "MAJOR=1", "MINOR=3")
	case 2:
		return text("change", "/devices/virtual/mem/kmsg", "SUBSYSTEM=mem", "DEVNAME=kmsg", "MAJOR=1", "MINOR=11", "EVIL=1")
	}
	return udevMessage("ACTION=change\x00DEVPATH=/devices/virtual/mem/full\x00SUBSYSTEM=mem\x00DEVNAME=/dev/full\x00EVIL=1\x00")
}

// udevMessage puts the header of libudev's messages in front.
func udevMessage(properties string) []byte {
	b := make([]byte, 40)
	copy(b, "libudev")
	binary.BigEndian.PutUint32(b[8:], 0xfeedcafe)
	binary.NativeEndian.PutUint32(b[12:], 40)
	binary.NativeEndian.PutUint32(b[16:], 40)
	binary.NativeEndian.PutUint32(b[20:], uint32(len(properties)))
	return append(b, properties...)
}

// request wraps a message for the kernel to hand on.
func request(message []byte) []byte {
	b := make([]byte, unix.NLMSG_HDRLEN)
	binary.NativeEndian.PutUint32(b, uint32(len(b)+len(message)))
	binary.NativeEndian.PutUint16(b[4:], unix.NLMSG_MIN_TYPE)
	binary.NativeEndian.PutUint16(b[6:], unix.NLM_F_REQUEST)
	return append(b, message...)
}

// listener returns the port of devmgr's socket: that which hears the kernel.
func listener() (uint32, error) {
	text, err := os.ReadFile("/proc/net/netlink")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line) // sk Eth Pid Groups ...
		if len(f) > 3 && f[1] == strconv.Itoa(unix.NETLINK_KOBJECT_UEVENT) && f[2] != "0" && f[3] == "00000001" {
			port, err := strconv.ParseUint(f[2], 10, 32)
			return uint32(port), err
		}
	}
	return 0, errors.New("nobody listens to the kernel")
}
