package linux

import (
	"os"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Command is one process to start.
type Command struct {
	Path   string
	Args   []string // with the name in front
	Env    []string
	Dir    string
	Files  []int  // the child's descriptors, from 0
	Tty    string // opened as 0-2 and made the controlling terminal, instead of Files
	Cgroup string // folder to start in; empty: PID 1's own
	Score  int    // oom_score_adj
}

// Process is a started child. The descriptor stands for it even when its
// number has gone to another process (S-11).
type Process struct {
	Pid int
	FD  int // pidfd, -1 on kernels without
}

// Start runs a command in a session of its own. It may block while the program
// is read from a disk: never call it from PID 1's loop.
func (k Kernel) Start(c Command) (Process, error) {
	files, closeFiles, err := openFiles(c)
	if err != nil {
		return Process{}, err
	}
	defer closeFiles()
	if c.Dir == "" || !isDir(c.Dir) {
		c.Dir = "/"
	}
	p := Process{FD: -1}
	attr := &syscall.ProcAttr{Dir: c.Dir, Env: c.Env, Files: files, Sys: &syscall.SysProcAttr{
		Setsid: true, Setctty: c.Tty != "", PidFD: &p.FD,
	}}
	if fd, err := open("open", c.Cgroup, unix.O_RDONLY|unix.O_DIRECTORY); err == nil {
		defer unix.Close(fd)
		attr.Sys.UseCgroupFD, attr.Sys.CgroupFD = true, fd
	}
	// Inherited, so that its own children have it too. The kernel spares PID 1 whatever its score.
	own, _ := k.Read(score)
	_ = k.Write(score, strconv.Itoa(c.Score))
	// A child inherits the thread's mask too. A re-executed PID 1 has all blocked.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	_ = unix.PthreadSigmask(unix.SIG_SETMASK, &unix.Sigset_t{}, nil)
	p.Pid, err = syscall.ForkExec(c.Path, c.Args, attr)
	_ = k.Write(score, own)
	if err != nil {
		return Process{}, wrap("start "+c.Path, err)
	}
	return p, nil
}

const score = "/proc/self/oom_score_adj"

func openFiles(c Command) (files []uintptr, closeFiles func(), err error) {
	if c.Tty == "" {
		for _, fd := range c.Files {
			files = append(files, uintptr(fd))
		}
		return files, func() {}, nil
	}
	// Without O_NONBLOCK the open of a serial line waits for its carrier.
	fd, err := open("open terminal", c.Tty, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK)
	if err != nil {
		return nil, nil, err
	}
	if err := unix.SetNonblock(fd, false); err != nil {
		unix.Close(fd)
		return nil, nil, wrap("open terminal "+c.Tty, err)
	}
	tty := uintptr(fd)
	return []uintptr{tty, tty, tty}, func() { unix.Close(fd) }, nil
}

// Signal sends a signal to a child, by its descriptor where it has one.
func (Kernel) Signal(p Process, sig syscall.Signal) error {
	if p.FD >= 0 {
		return wrap("signal "+strconv.Itoa(p.Pid), unix.PidfdSendSignal(p.FD, sig, nil, 0))
	}
	return wrap("signal "+strconv.Itoa(p.Pid), unix.Kill(p.Pid, sig))
}

// Close closes a descriptor; -1 is none.
func (Kernel) Close(fd int) {
	if fd >= 0 {
		unix.Close(fd)
	}
}

// KillCgroup kills every process in a cgroup, also those that left their
// session. No new one can be started there any more: a kernel with
// CLONE_INTO_CGROUP kills it at birth (seen on 7.1), so each start has a new one.
func (k Kernel) KillCgroup(dir string) error { return k.Write(dir+"/cgroup.kill", "1") }

// RemoveCgroup removes a cgroup; EBUSY while there are processes in it.
func (Kernel) RemoveCgroup(dir string) error { return wrap("remove "+dir, unix.Rmdir(dir)) }

// KillAll sends a signal to every process but PID 1.
func (Kernel) KillAll(sig syscall.Signal) error {
	if err := unix.Kill(-1, sig); err != unix.ESRCH {
		return wrap("signal all", err)
	}
	return nil
}

// Exit says how a process ended.
type Exit struct {
	Pid    int
	Code   int            // exit status, or 128+signal
	Signal syscall.Signal // 0 when it exited by itself
}

// Reap collects one child that has ended. It looks before it takes (WNOWAIT),
// so that the number stays reserved until the caller has seen it; ok is false
// when none is waiting. This is the only wait in PID 1 (trap G4).
func (Kernel) Reap() (e Exit, ok bool) {
	info, err := waitid(unix.P_ALL, 0, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT)
	if err != nil || info.pid == 0 {
		return Exit{}, false
	}
	if _, err := waitid(unix.P_PID, int(info.pid), unix.WEXITED|unix.WNOHANG); err != nil {
		return Exit{}, false
	}
	e = Exit{Pid: int(info.pid), Code: int(info.status)}
	if info.code != cldExited {
		e.Signal = syscall.Signal(info.status)
		e.Code += 128
	}
	return e, true
}

const cldExited = 1 // CLD_EXITED of sigaction(2)

// childInfo is the part of siginfo_t that waitid(2) fills, on 64-bit Linux.
type childInfo struct {
	signo, errno, code, _ int32
	pid, uid, status      int32
	_                     [100]byte
}

func waitid(kind, id, options int) (childInfo, error) {
	var info childInfo
	for {
		err := unix.Waitid(kind, id, (*unix.Siginfo)(unsafe.Pointer(&info)), options, nil)
		if err != unix.EINTR {
			return info, err
		}
	}
}

// Open opens a device for children to inherit. It never becomes a controlling
// terminal.
func (Kernel) Open(path string) (int, error) {
	return open("open", path, unix.O_RDWR|unix.O_NOCTTY)
}

// CloseOnExec keeps every descriptor but 0-2 from children, also those that the
// kernel or a boot loader left open (trap G15).
func (Kernel) CloseOnExec() { _ = unix.CloseRange(3, 1<<31-1, unix.CLOSE_RANGE_CLOEXEC) }

// Exec replaces this process. It returns only with an error.
func (Kernel) Exec(path string, args []string) error {
	return wrap("exec "+path, unix.Exec(path, args, os.Environ()))
}
