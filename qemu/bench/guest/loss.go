package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	storm    = 100_000 // events
	writers  = 2
	smallest = "4096" // bytes of receive buffer: a handful of events
)

// loss sends events much faster than the manager has room for, while devices
// come and go, and measures how long after the last /dev is still not what
// sysfs says.
func loss(p plan) error {
	size := p.sizes[0]
	if err := errors.Join(run("/bin/busybox", "modprobe", "loop"), addLoops(0, size)); err != nil {
		return err
	}
	m := some("devmgr")[0]
	m.start = func(g *group) error { return startWith(g, "-receive-buffer", smallest) }
	for i := range p.runs {
		err := m.with(func(*group) error { return oneStorm(p, size+i*writers) })
		if err != nil {
			return err
		}
	}
	return nil
}

// oneStorm also makes two loop devices, which are to be found afterwards, and
// the devices of virtual terminals, which come and go.
func oneStorm(p plan, loops int) error {
	nodes, err := blocks()
	if err != nil {
		return err
	}
	if err := closeNodes(); err != nil {
		return err
	}
	begun := time.Now()
	if err := writeAll(nodes, loops); err != nil {
		return err
	}
	last := time.Now()
	wrong, at := 1, last
	for wrong > 0 && at.Sub(last) < time.Minute {
		if wrong, err = differences(); err != nil {
			return err
		}
		at = time.Now()
	}
	report(p, "written", last.Sub(begun).Seconds(), "late", at.Sub(last).Seconds(), "wrong", wrong)
	return counted(p)
}

func writeAll(nodes []string, loops int) error {
	var wg sync.WaitGroup
	errs := make([]error, writers)
	for w := range writers {
		wg.Go(func() { errs[w] = write(nodes, w, loops+w) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// counted prints what devmgr says of what it has lost.
func counted(p plan) error {
	out, err := exec.Command("/sbin/dev", "status").Output()
	status := strings.Fields(string(out))
	for i := 0; i+1 < len(status); i += 2 {
		if key := status[i]; key == "events" || key == "overruns" || key == "resyncs" {
			report(p, key, status[i+1])
		}
	}
	return err
}

// write is one of the writers.
func write(nodes []string, w, loop int) error {
	for i := range storm / writers {
		node := nodes[(i*writers+w)%len(nodes)]
		if i%10 == 0 { // the event that tells of it may be lost
			if err := os.Chmod(node, shut); err != nil {
				return err
			}
		}
		if err := trigger(node); err != nil {
			return err
		}
		if err := change(i, w, loop); err != nil {
			return err
		}
	}
	return nil
}

// change makes devices now and then.
func change(i, w, loop int) error {
	switch {
	case i%100 == 50:
		return terminal(20 + w)
	case i == storm/writers/2:
		return addLoops(loop, loop+1)
	}
	return nil
}

// terminal makes the devices of a virtual terminal, and takes them away.
func terminal(number int) error {
	f, err := os.OpenFile(fmt.Sprint("/dev/tty", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return err
	}
	f.Close()
	console, err := os.OpenFile("/dev/tty0", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return err
	}
	defer console.Close()
	const disallocate = 0x5608                                                                            // VT_DISALLOCATE
	if err := unix.IoctlSetInt(int(console.Fd()), disallocate, number); err != nil && err != unix.EBUSY { // the next time, then
		return fmt.Errorf("free terminal %d: %w", number, err)
	}
	return nil
}

// differences counts what is wrong in /dev: nodes without their rights, devices
// without their link, links that lead nowhere, records of devices that went.
func differences() (wrong int, err error) {
	nodes, err := blocks()
	if err != nil {
		return 0, err
	}
	for _, node := range nodes {
		if !isOpen(node) {
			wrong++
		}
	}
	for _, kind := range []string{"block", "char"} {
		n, err := misled(kind)
		if err != nil {
			return 0, err
		}
		wrong += n
	}
	n, err := dangling()
	return wrong + n, err
}

// dangling counts the links that lead nowhere.
func dangling() (wrong int, err error) {
	err = filepath.WalkDir("/dev", func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type() == fs.ModeSymlink {
			if _, err := os.Stat(name); err != nil && !strings.HasPrefix(name, "/dev/std") {
				wrong++
			}
		}
		return err
	})
	return wrong, err
}

// misled compares the devices of sysfs, by number, with the links and with the
// database.
func misled(kind string) (wrong int, err error) {
	devices, err := os.ReadDir("/sys/dev/" + kind)
	if err != nil {
		return 0, err
	}
	there := map[string]bool{}
	for _, d := range devices {
		there[kind[:1]+d.Name()] = true
		var st unix.Stat_t
		if unix.Stat("/dev/"+kind+"/"+d.Name(), &st) != nil ||
			fmt.Sprintf("%d:%d", unix.Major(st.Rdev), unix.Minor(st.Rdev)) != d.Name() {
			wrong++
		}
	}
	records, err := os.ReadDir("/run/udev/data")
	for _, r := range records {
		if r.Name()[:1] == kind[:1] && !there[r.Name()] {
			wrong++
		}
	}
	return wrong, err
}
