package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

const tinyBuffer = 4 << 10

// starve takes devmgr's socket and makes the kernel queue less for it.
func starve() error {
	text, err := os.ReadFile("/sys/fs/cgroup/slashdev/devmgr/0/cgroup.procs")
	if err != nil {
		return err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return err
	}
	process, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return err
	}
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return err
	}
	for _, f := range files {
		number, _ := strconv.Atoi(f.Name())
		fd, err := unix.PidfdGetfd(process, number, 0)
		if err != nil {
			continue
		}
		name, err := unix.Getsockname(fd)
		if nl, ok := name.(*unix.SockaddrNetlink); err == nil && ok && nl.Groups == 1 {
			return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, tinyBuffer)
		}
		unix.Close(fd)
	}
	return errors.New("devmgr has no socket that hears the kernel")
}

// storm has two writers ask for events as fast as they can, while loop devices
// come and a few go again.
func storm(n int) error {
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer control.Close()
	errs := make([]error, 3)
	var wg sync.WaitGroup
	for i, device := range []string{"null", "zero"} {
		wg.Go(func() { errs[i] = write("/sys/devices/virtual/mem/"+device+"/uevent", n/2) })
	}
	wg.Go(func() { errs[2] = loops(int(control.Fd())) })
	wg.Wait()
	return errors.Join(errs...)
}

func write(file string, n int) error {
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	for range n {
		if _, err := f.WriteAt([]byte("change"), 0); err != nil {
			return err
		}
	}
	return nil
}

func loops(control int) error {
	const first, many, few = 100, 40, 5
	for i := range many {
		if err := unix.IoctlSetInt(control, unix.LOOP_CTL_ADD, first+i); err != nil {
			return fmt.Errorf("add loop%d: %w", first+i, err)
		}
		if i%(many/few) == 0 {
			if err := unix.IoctlSetInt(control, unix.LOOP_CTL_REMOVE, first+i); err != nil {
				return fmt.Errorf("remove loop%d: %w", first+i, err)
			}
		}
	}
	return nil
}

// compare prints what devmgr lists and is not there, what is there and it does
// not list, nodes that are not those of a device, and links that lead nowhere.
func compare() error {
	out, err := exec.Command("dev", "ls", "--json").Output()
	if err != nil {
		return err
	}
	var listed []struct {
		Devpath, Devname string
		Major, Minor     *int
		Links            []string
	}
	if err := json.Unmarshal(out, &listed); err != nil {
		return err
	}
	known, nodes, wrong := map[string]bool{}, map[string]bool{}, 0
	differs := func(what, name string) { fmt.Println(what, name); wrong++ }
	for _, d := range listed {
		known[d.Devpath] = true
		if _, err := os.Lstat("/sys" + d.Devpath + "/uevent"); err != nil {
			differs("stale device", d.Devpath)
		}
		if d.Devname == "" {
			continue
		}
		nodes["/devices/"+d.Devname] = true
		var st unix.Stat_t
		if unix.Lstat("/devices/"+d.Devname, &st) != nil || int(unix.Major(st.Rdev)) != *d.Major || int(unix.Minor(st.Rdev)) != *d.Minor {
			differs("no or another node", d.Devname)
		}
		for _, l := range d.Links {
			if to, err := filepath.EvalSymlinks("/devices/" + l); err != nil || to != "/devices/"+d.Devname {
				differs("link leads elsewhere", l+" "+to)
			}
		}
	}
	err = errors.Join(eachDevice(func(devpath string) {
		if !known[devpath] {
			differs("missing device", devpath)
		}
	}), eachEntry(func(name string, link bool) {
		if _, err := os.Stat(name); link && err != nil {
			differs("stale link", name)
		} else if !link && !nodes[name] {
			differs("stale node", name)
		}
	}))
	fmt.Printf("%d devices, %d differences\n", len(known), wrong)
	return err
}

// eachDevice calls found for what the kernel has sent or would send events of.
func eachDevice(found func(devpath string)) error {
	return filepath.WalkDir("/sys/devices", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() != "uevent" {
			return nil
		}
		dir := filepath.Dir(name)
		if _, err := os.Lstat(dir + "/subsystem"); err == nil {
			found(strings.TrimPrefix(dir, "/sys"))
		}
		return nil
	})
}

func eachEntry(found func(name string, link bool)) error {
	return filepath.WalkDir("/devices", func(name string, d fs.DirEntry, err error) error {
		if err == nil && (d.Type()&fs.ModeDevice != 0 || d.Type()&fs.ModeSymlink != 0) {
			found(name, d.Type()&fs.ModeSymlink != 0)
		}
		return err
	})
}
