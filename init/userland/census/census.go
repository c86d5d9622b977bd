// Package census finds out what runs on a machine whose PID 1 has lost its state
// while it executed itself anew (P-09), so that the next one starts none of it
// again.
package census

import (
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"slashdev/init/notify"
	"slashdev/init/state"
)

// Take looks in each control group below dir for the process that PID 1 once
// started, and opens what PID 1 had of it.
func Take(dir string, now time.Time) *state.State {
	s := find(os.DirFS("/"), strings.TrimPrefix(dir, "/"), now)
	for i := range s.Units {
		if s.Units[i].Proc.Pid > 0 {
			s.Files = append(s.Files, reopen(&s.Units[i])...)
		}
	}
	return s
}

// find does not open anything. The logger is to be started again: it must be
// handed the pipes. What does not run is started if it is wanted at boot, but
// perm has done its work.
func find(root fs.FS, dir string, now time.Time) *state.State {
	s := &state.State{Started: now, Stage: state.Ready}
	names, _ := fs.ReadDir(root, dir)
	for _, n := range names {
		if !n.IsDir() {
			continue
		}
		u := look(root, path.Join(dir, n.Name()))
		u.Name, u.Since, u.Born, u.Code = n.Name(), now, now, -1
		switch {
		case u.Proc.Pid > 0 && u.Name == "logd":
			u.State, u.Wanted, u.Starts, u.Deadline = "stopping", true, 1, now
		case u.Proc.Pid > 0:
			u.State, u.Wanted, u.Starts = "up", true, 1
		case u.Name == "perm":
			u.State, u.Starts = "done", 1
		default:
			u.State, u.Wanted = "down", true
		}
		s.Units = append(s.Units, u)
	}
	return s
}

// look looks for the child among the lives of one unit.
func look(root fs.FS, dir string) (u state.Unit) {
	u.Proc.FD = -1
	lives, _ := fs.ReadDir(root, dir)
	for _, l := range lives {
		life, err := strconv.Atoi(l.Name())
		if err != nil {
			continue
		}
		u.Left = append(u.Left, "/"+path.Join(dir, l.Name()))
		u.Lives = max(u.Lives, life+1)
		pids, _ := fs.ReadFile(root, path.Join(dir, l.Name(), "cgroup.procs"))
		born := int(^uint(0) >> 1)
		for p := range strings.FieldsSeq(string(pids)) {
			if pid, at := leader(root, p); pid > 0 && (u.Proc.Pid == 0 || at < born) {
				u.Proc.Pid, born = pid, at
			}
		}
		if u.Proc.Pid > 0 {
			u.Lives, u.Left = life, slices.Delete(u.Left, len(u.Left)-1, len(u.Left))
			break
		}
	}
	return u
}

// leader returns a process that PID 1 has made a session of its own for, and
// when that was: proc_pid_stat(5) behind the name, from state on.
func leader(root fs.FS, pid string) (number, born int) {
	text, _ := fs.ReadFile(root, "proc/"+pid+"/stat")
	stat := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(stat) < 20 || stat[0] == "Z" || stat[1] != "1" || stat[3] != pid {
		return 0, 0
	}
	number, _ = strconv.Atoi(pid)
	born, _ = strconv.Atoi(stat[19])
	return number, born
}

// reopen opens what PID 1 had of a child: its pidfd, and both ends of the pipe
// that it prints into.
func reopen(u *state.Unit) (pipe []notify.File) {
	if fd, err := unix.PidfdOpen(u.Proc.Pid, 0); err == nil {
		u.Proc.FD = fd
	}
	file := "/proc/" + strconv.Itoa(u.Proc.Pid) + "/fd/1"
	var st unix.Stat_t
	if unix.Stat(file, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFIFO {
		return nil
	}
	r, err := unix.Open(file, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	w, err := unix.Open(file, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	return []notify.File{{Name: "read:" + u.Name, FD: r}, {Name: "write:" + u.Name, FD: w}}
}
