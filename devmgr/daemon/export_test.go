package daemon

import (
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"slashdev/devmgr/devtree"
	"slashdev/devmgr/netname"
	udevrules "slashdev/devmgr/rules/udev"
	"slashdev/devmgr/sysfs"
	"slashdev/devmgr/uevent"
	"slashdev/drivers/ask"
	"slashdev/drivers/blockid"
	"slashdev/drivers/kmod"
)

// WithSource replaces the kernel's socket in a test.
func WithSource(c Config, s source) Config {
	c.source = s
	return c
}

// WithSender makes a test the listener of libudev's messages.
func WithSender(c Config, send func(properties uevent.Env, tags []string)) Config {
	c.sender = testSender(send)
	return c
}

type testSender func(properties uevent.Env, tags []string)

func (s testSender) Send(properties uevent.Env, tags []string) error {
	s(properties, tags)
	return nil
}

func (testSender) Close() error { return nil }

// WithKernel makes a test what takes modules.
func WithKernel(c Config, k kmod.Kernel) Config {
	c.kernel = k
	return c
}

// WithTool answers for a builtin that has to wait.
func WithTool(c Config, name string, run func(devpath string) []udevrules.Property) Config {
	c.tools = maps.Clone(tools())
	c.tools[name] = tool{builtin: true, device: true, run: func(p probe) ([]udevrules.Property, error) {
		return run(p.device.DevPath), nil
	}}
	return c
}

// Content is what the builtin blkid, called with some words, sees on a disk.
func Content(disk io.ReaderAt, size int64, words ...string) (blockid.Info, error) {
	return probe{Call: udevrules.Call{Argv: append([]string{"blkid"}, words...)}}.content(disk, size)
}

// WholeDisk is the node that is locked while a device is probed.
func WholeDisk(sys sysfs.FS, devpath string) string {
	truth, err := sys.Read(devpath)
	if err != nil {
		return err.Error()
	}
	return (&host{sys: sys, device: devtree.NewDevice(truth)}).wholeDisk()
}

// WithDevices makes a test what answers for nodes, and names the drivers of
// network interfaces.
func WithDevices(c Config, open func(devname string) (ask.Device, error), driver func(name string) (string, error)) Config {
	c.driver = driver
	if open != nil {
		c.node = func(devname string) (node, error) {
			d, err := open(devname)
			return testNode{d, strings.NewReader(""), io.NopCloser(nil)}, err
		}
	}
	return c
}

type testNode struct {
	ask.Device
	io.ReaderAt
	io.Closer
}

// WithReread is told which disk's partition table is to be read again.
func WithReread(c Config, reread func(node string) error) Config {
	c.reread = reread
	return c
}

// WithClock makes a test what says how late it is.
func WithClock(c Config, clock func() time.Time) Config {
	c.clock = clock
	return c
}

// WithRename is told which interface is to have which name, and what else.
func WithRename(c Config, rename func(index int, name string) error, set func(index int, s netname.Settings) error) Config {
	c.rename, c.set = rename, set
	return c
}

// Tools returns the names of the builtins and programs that are built in.
func Tools() []string { return slices.Sorted(maps.Keys(tools())) }
