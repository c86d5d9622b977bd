package daemon

import (
	"fmt"
	"net"
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
	if _, err := conn.Write([]byte(text)); err != nil {
		return fmt.Errorf("send to supervisor: %w", err)
	}
	return nil
}
