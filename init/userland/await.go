package main

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"slashdev/init/userland/tool"
)

// await ends when what a program waits for is there. PID 1 starts it for the
// conditions that it does not know itself.
func await(ctx context.Context, _ *tool.Env, args []string) error {
	if len(args) != 1 {
		return tool.Usagef("one thing to wait for")
	}
	kind, what, _ := strings.Cut(args[0], ":")
	switch {
	case args[0] == "clock":
		return awaitClock()
	case args[0] == "net":
		return awaitRoute(ctx)
	case kind == "tcp" || kind == "unix":
		return awaitTrue(ctx, func() bool { return answers(ctx, kind, what) })
	case kind == "file":
		return awaitTrue(ctx, func() bool { _, err := os.Stat(what); return err == nil })
	}
	return tool.Usagef("%s: net, clock, tcp:ADDR, unix:PATH or file:PATH", args[0])
}

// clockIsSet is a time that no clock shows by itself: without a battery it
// begins with 1970 or 2000.
const clockIsSet = 1577836800 // 2020-01-01

// awaitClock lets the kernel wait: a timer of the wall clock also ends when
// somebody sets the clock beyond it.
func awaitClock() error {
	fd, err := unix.TimerfdCreate(unix.CLOCK_REALTIME, unix.TFD_CLOEXEC)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	at := unix.ItimerSpec{Value: unix.Timespec{Sec: clockIsSet}}
	if err := unix.TimerfdSettime(fd, unix.TFD_TIMER_ABSTIME, &at, nil); err != nil {
		return err
	}
	for {
		if _, err := unix.Read(fd, make([]byte, 8)); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// awaitRoute waits for a default route, as gokrazy's net-route does. It listens
// before it looks.
func awaitRoute(ctx context.Context) error {
	changes, done := make(chan netlink.RouteUpdate), make(chan struct{})
	defer close(done)
	if err := netlink.RouteSubscribe(changes, done); err != nil {
		return err
	}
	for {
		routes, err := netlink.RouteList(nil, netlink.FAMILY_ALL)
		if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
			return err
		}
		for _, r := range routes {
			if isDefault(r) {
				return nil
			}
		}
		select {
		case _, ok := <-changes:
			if !ok {
				return errors.New("the kernel's messages about routes have ended")
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// isDefault says whether a route leads everywhere. IPv6 has one that leads
// nowhere.
func isDefault(r netlink.Route) bool {
	all := r.Dst == nil
	if !all {
		ones, _ := r.Dst.Mask.Size()
		all = ones == 0
	}
	return all && r.Type == unix.RTN_UNICAST
}

// awaitTrue asks again and again, after pauses that grow to a second.
func awaitTrue(ctx context.Context, there func() bool) error {
	for pause := 10 * time.Millisecond; !there(); pause = min(2*pause, time.Second) {
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// answers says whether somebody takes connections there.
func answers(ctx context.Context, network, addr string) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err != nil {
		return false
	}
	c.Close()
	return true
}
