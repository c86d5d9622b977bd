package daemon

import (
	"context"
	"net"
	"path/filepath"
	"strings"

	"slashdev/devmgr/udevctl"
)

// listenUdev opens udev's control socket. A machine without it is no worse off
// but for programs that ask it whether a device manager runs.
func (d *daemon) listenUdev() *net.UnixListener {
	l, err := udevctl.Listen(filepath.Join(d.cfg.Udev, "control"))
	if err != nil {
		d.cfg.Logf("udev control: %v", err)
		return nil
	}
	return l
}

// obey does what udevadm control orders. It answers when the loop has done it.
func (d *daemon) obey(ctx context.Context, m udevctl.Message) {
	switch m.Kind {
	case udevctl.StopQueue, udevctl.StartQueue:
		_ = d.do(ctx, func() { d.paused = m.Kind == udevctl.StopQueue })
	case udevctl.Reload:
		_ = d.do(ctx, d.reload)
	case udevctl.Ping:
		_ = d.do(ctx, d.lookAtQueue)
	case udevctl.SetProperty:
		_ = d.do(ctx, func() { d.pipe.setGlobal(m.Text) })
	case udevctl.Exit:
		d.stop()
	default:
		d.cfg.Logf("udev control: order %d (%d, %q) has no meaning here", m.Kind, m.Number, m.Text)
	}
}

// reload reads the rules and the configuration of modules again; they hold for
// the events that come, and modules that failed may be tried again.
func (d *daemon) reload() {
	policy := loadPolicy(d.cfg)
	policy.run = d.programs.output
	d.pipe.policy = &policy
	d.programs.load(d.cfg)
	d.modules.reload()
}

// lookAtQueue makes the file queue exist until all that the kernel has sent up
// to now is done: who pings and then looks for the file misses nothing.
func (d *daemon) lookAtQueue() {
	d.kicked = d.src.Kick()
	d.showQueue(true)
}

// maxGlobal bounds the properties that every event has.
const maxGlobal = 4 << 10

// setGlobal takes "KEY=VALUE"; without a value the property is forgotten.
func (p *Pipeline) setGlobal(text string) {
	key, value, _ := strings.Cut(text, "=")
	rest := p.global.Without(key)
	if value != "" && key != "" && len(rest)+len(text) < maxGlobal {
		rest = rest.With(key, value)
	}
	p.global = rest
}
