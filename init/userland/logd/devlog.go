package logd

import (
	"context"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"slashdev/init/plan"
	"slashdev/init/userland/logd/ring"
	"slashdev/init/userland/logd/syslog"
	"slashdev/init/userland/tool"
)

// strangers is the name of messages whose sender is no program of the plan, or
// is gone.
const strangers = "syslog"

// devLog reads what is sent to /dev/log. A message is looked at, added to the
// ring and only then taken: a logger that is killed leaves it for the next one,
// who may add it a second time.
type devLog struct {
	*Logger
	buf, oob []byte
}

func (l *Logger) readDevLog(ctx context.Context) {
	f := l.cfg.DevLog
	defer interrupt(ctx, f)()
	raw, err := f.SyscallConn()
	if err != nil {
		return
	}
	d := devLog{l, make([]byte, maxLine), make([]byte, 256)}
	for err == nil {
		e := raw.Read(func(fd uintptr) bool {
			err = d.receive(int(fd))
			return err != unix.EAGAIN
		})
		if e != nil {
			break
		}
	}
	_ = raw.Control(func(fd uintptr) { // what is there when ctx ends
		for d.receive(int(fd)) == nil {
		}
	})
}

// receive takes one message.
func (d *devLog) receive(fd int) error {
	n, oobn, _, _, err := unix.Recvmsg(fd, d.buf, d.oob, unix.MSG_PEEK|unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC)
	if err == unix.EINTR {
		return nil
	}
	if err != nil {
		return err
	}
	if err := d.ring.Add(messages(string(d.buf[:n]), sender(d.oob[:oobn]))...); err != nil {
		d.cfg.Logf("logd: %v", err)
	}
	_, _, _, _, err = unix.Recvmsg(fd, nil, nil, unix.MSG_DONTWAIT)
	return err
}

// sender says which process the kernel says it was; 0: it does not say.
func sender(oob []byte) (pid int) {
	list, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return 0
	}
	for i := range list {
		if cred, err := unix.ParseUnixCredentials(&list[i]); err == nil {
			pid = int(cred.Pid)
		}
		if fds, err := unix.ParseUnixRights(&list[i]); err == nil {
			for _, fd := range fds {
				unix.Close(fd)
			}
		}
	}
	return pid
}

// messages are the lines of a message, under the name of the program that the
// sender belongs to. What it calls itself is part of the text.
func messages(raw string, pid int) (list []ring.Record) {
	m := syslog.Parse(raw)
	name := program(pid)
	who := ""
	if m.Tag != "" && m.Tag != name {
		who = fmt.Sprintf("%s[%d]: ", m.Tag, pid)
	}
	for l := range strings.SplitSeq(m.Text, "\n") {
		list = append(list, ring.Record{Level: m.Level, Name: name, Text: tool.Clean(who + l)})
	}
	return list
}

// program is whose control group a process is in: slashdev/NAME/LIFE.
func program(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil {
		return strangers
	}
	return groupName(string(text))
}

func groupName(text string) string {
	_, path, _ := strings.Cut(text, "0::/slashdev/")
	name, _, _ := strings.Cut(path, "/")
	if !plan.ValidName(name) {
		return strangers
	}
	return name
}
