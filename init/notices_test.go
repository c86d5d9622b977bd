package main

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"slashdev/init/children"
	"slashdev/init/linux"
	"slashdev/init/notify"
	"slashdev/init/plan"
)

// closes returns which descriptors have been closed.
func (r *rig) closes() string {
	var fds []string
	for _, c := range r.k.Log() {
		if fd, ok := strings.CutPrefix(c, "close "); ok {
			fds = append(fds, fd)
		}
	}
	return strings.Join(fds, " ")
}

// What a program has stored comes back at its next start, until it is stopped.
func TestStoredDescriptorsComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.finish()
		r.up()
		hello := r.m.unit("hello")
		r.notify(hello.Proc.Pid, "FDSTORE=1\nFDNAME=view", 201, 203)
		r.notify(hello.Proc.Pid, "FDSTORE=1\nFDNAME=socket", 205)
		r.notify(hello.Proc.Pid, "BARRIER=1", 206)
		r.notify(hello.Proc.Pid, "READY=1", 207) // not to be stored
		r.notify(hello.Proc.Pid, "FDSTOREREMOVE=1\nFDNAME=view")
		r.want("closed", r.closes(), "206 207 201 203")
		r.slay("hello")
		c := r.k.Started["/sbin/userland"] // launch, with the plan's entry on 3
		if !slices.Equal(c.Args, []string{"launch"}) || !slices.Equal(c.Files[4:], []int{205}) || !slices.Contains(c.Env, "LISTEN_FDS=1") || !slices.Contains(c.Env, "LISTEN_FDNAMES=socket") {
			t.Errorf("started with descriptors %v and %q", c.Files, c.Env)
		}
		r.do(func() { r.m.tell(hello, children.Event{Kind: children.Stop}) })
		r.end(hello.Proc.Pid, 0)
		r.want("closed at last", r.closes(), "206 207 201 203 205")
	})
}

// S-08: a child's child counts for its unit; strangers, other units, earlier
// lives and messages that say nothing change nothing, and leave no descriptor.
func TestS08_OnlyItsOwnWordsCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &plan.Program{Name: "db", Path: "/db", Ready: "notify"}, &plan.Program{Name: "web", Path: "/web"})
		defer r.finish()
		r.up()
		db := r.m.unit("db")
		for pid, cgroup := range map[int]string{
			900: "0::/", 901: "0::/slashdev/web/0", 902: "0::/slashdev/db/7", 903: "0::/slashdev/nosuch/0", 904: "0::/slashdev/db/0/deep", 905: "",
		} {
			r.k.Files["/proc/"+strconv.Itoa(pid)+"/cgroup"] = cgroup
		}
		for _, pid := range []int{0, 900, 901, 902, 903, 905} {
			r.notify(pid, "READY=1\nSTATUS=spoofed\nFDSTORE=1", 301)
			if pid != 901 && len(db.Stored)+len(r.m.unit("web").Stored) > 0 {
				t.Fatalf("a descriptor of %d is stored", pid)
			}
			r.m.unit("web").Stored = nil
		}
		r.notify(904, "", 302)
		if db.State != children.Starting || db.Status != "" {
			t.Errorf("db is %s %q by the words of others", db.State, db.Status)
		}
		r.want("closed", r.closes(), strings.Join(slices.Repeat([]string{"301"}, 5), " ")+" 302")
		r.notify(904, "READY=1\nSTATUS=serving")
		if db.State != children.Up || db.Status != "serving" {
			t.Errorf("db is %s %q after its own words", db.State, db.Status)
		}
	})
}

func TestDeviceNamesAreDevmgrs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.finish()
		r.up()
		r.notify(r.m.unit("hello").Proc.Pid, "DEVICE=+ttyUSB0")
		if r.m.devices["ttyUSB0"] {
			t.Error("a program has made a device")
		}
		r.notify(100, "DEVICE=+ttyUSB0\nDEVICE=+sda\nDEVICE=-sda")
		if !r.m.devices["ttyUSB0"] || r.m.devices["sda"] {
			t.Errorf("devices %v", r.m.devices)
		}
	})
}

// A message may come before its sender is known; on a kernel without control
// groups only the birth tells whose it is.
func TestReadyBeforeItsBirthIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.finish()
		r.up()
		devmgr := r.m.unit("devmgr")
		r.do(func() {
			r.m.ended(devmgr, linux.Exit{Pid: devmgr.Proc.Pid, Code: 1})
			r.m.advance()
			r.m.noticed(105, "", notify.Decode([]byte("READY=1")), nil) // the next number
		})
		if devmgr.Proc.Pid != 105 || devmgr.State != children.Up {
			t.Errorf("devmgr, process %d, is %s", devmgr.Proc.Pid, devmgr.State)
		}
	})
}
