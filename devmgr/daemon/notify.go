package daemon

import (
	"fmt"
	"net"
	"time"
)

// announce tells the supervisor which of the names that it asked for have come
// or gone since it was told last, behind text. A message that was not taken is
// tried again with the next event.
func (d *daemon) announce(text string) {
	var changed []string
	for _, name := range d.cfg.Announce {
		if _, there := d.owner(name); there != d.there[name] {
			changed = append(changed, name)
			sign := map[bool]string{true: "+", false: "-"}[there]
			text += "DEVICE=" + sign + name + "\n"
		}
	}
	if text == "" {
		return
	}
	if err := notify(d.cfg.Notify, text); err != nil {
		d.warnf("notify: %v", err)
		return
	}
	for _, name := range changed {
		d.there[name] = !d.there[name]
	}
}

// notify tells the supervisor, in the words of sd_notify.
func notify(socket, text string) error {
	if socket == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("send to supervisor: %w", err)
	}
	defer conn.Close()
	_ = conn.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)) // its queue may be full
	if _, err := conn.Write([]byte(text)); err != nil {
		return fmt.Errorf("send to supervisor: %w", err)
	}
	return nil
}

// prove tells the supervisor that the loop goes round. Only the loop calls it,
// at the end of a pass.
func (d *daemon) prove(now time.Time) {
	if d.cfg.Watchdog == 0 || now.Before(d.nextProof) {
		return
	}
	d.nextProof = now.Add(d.cfg.Watchdog / 4)
	if err := notify(d.cfg.Notify, "WATCHDOG=1\n"); err != nil {
		d.nextProof = now.Add(d.cfg.Watchdog / 20)
		d.warnf("%v", err)
	}
}
