package udevadm

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"slashdev/devmgr/ctl"
)

const lockHelp = `udevadm lock [OPTIONS] COMMAND [ARGUMENT]...
udevadm lock [OPTIONS] --print

Lock a block device and run a command.

  -d --device=DEVICE   Block device to lock
  -b --backing=FILE    File whose backing block device to lock
  -t --timeout=SECS    Block at most the specified time waiting for lock
  -p --print           Only show which block device the lock would be taken on
`

var lockOptions = []option{{"device", 'd', '!'}, {"backing", 'b', '!'}, {"timeout", 't', '!'}, {"print", 'p', 0}}

func (s *System) lock(o options) error {
	limit, err := o.seconds("timeout", forever)
	if err != nil {
		return err
	}
	nodes, err := s.lockNodes(o)
	if err != nil {
		return err
	}
	switch {
	case o.has("print"):
		s.out.WriteString(strings.Join(nodes, "\n") + "\n")
		return nil
	case len(o.args) == 0:
		return ctl.Errorf(ctl.Usage, "Too few arguments, command to execute.")
	}
	deadline := time.Now().Add(limit)
	for _, node := range nodes { // in the order of their names, so that two of us cannot block each other
		f, err := os.Open(node)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := s.flock(f, deadline); err != nil {
			return err
		}
	}
	return s.execute(o.args)
}

// lockNodes returns the nodes of the whole disks.
func (s *System) lockNodes(o options) (nodes []string, err error) {
	for _, g := range o.given {
		var d *device
		switch g.name {
		case "device":
			d, err = s.find(g.value)
		case "backing":
			d, err = s.backing(g.value)
		default:
			continue
		}
		if err != nil {
			return nil, err
		}
		if d.ev.Subsystem != "block" {
			return nil, ctl.Errorf(ctl.Failed, "%s: is no block device", g.value)
		}
		if d.ev.Env.Get("DEVTYPE") == "partition" {
			if above := s.parents(d); len(above) > 0 {
				d = above[0]
			}
		}
		nodes = append(nodes, "/dev/"+d.node())
	}
	if nodes == nil {
		return nil, ctl.Errorf(ctl.Usage, "No devices specified: use --device or --backing")
	}
	slices.Sort(nodes)
	return slices.Compact(nodes), nil
}

func (s *System) backing(file string) (*device, error) {
	dev, err := s.Where(file)
	if err != nil {
		return nil, err
	}
	number := strconv.FormatUint(major(dev), 10) + ":" + strconv.FormatUint(minor(dev), 10)
	return s.findPath("/dev/block/"+number, file)
}

// flock takes the lock that keeps the device manager from probing the disk.
func (s *System) flock(f *os.File, deadline time.Time) error {
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return nil
		}
		if err != unix.EWOULDBLOCK && err != unix.EINTR {
			return fmt.Errorf("lock %s: %w", f.Name(), err)
		}
		if !s.pause(deadline) {
			return ctl.Errorf(ctl.Timeout, "lock %s: somebody else holds it", f.Name())
		}
	}
}

// execute runs a command and takes its exit code.
func (s *System) execute(words []string) error {
	program, err := lookPath(words[0])
	if err != nil {
		return err
	}
	p, err := os.StartProcess(program, words, &os.ProcAttr{Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}})
	if err != nil {
		return err
	}
	state, err := p.Wait()
	if err != nil {
		return err
	}
	if code := state.ExitCode(); code != 0 {
		if code < 0 { // ended by a signal
			code = ctl.Failed
		}
		return exitError(code)
	}
	return nil
}

func lookPath(name string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		full := filepath.Join(dir, name)
		if st, err := os.Stat(full); err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0 {
			return full, nil
		}
	}
	return "", ctl.Errorf(ctl.NotFound, "%s: no such program", name)
}
