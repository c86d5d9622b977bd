package daemon

import (
	"fmt"
	"net"
)

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
