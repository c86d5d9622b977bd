package main

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"slashdev/init/userland/tool"
)

// ip takes the object and the verb by their first letters, as iproute2 does.
func ip(_ context.Context, e *tool.Env, args []string) error {
	family := netlink.FAMILY_ALL
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		switch args[0] {
		case "-4":
			family = netlink.FAMILY_V4
		case "-6":
			family = netlink.FAMILY_V6
		default:
			return tool.Usagef("unknown option %s", args[0])
		}
		args = args[1:]
	}
	if len(args) == 0 {
		args = []string{"addr"}
	}
	object, args := args[0], args[1:]
	verb := "show"
	if len(args) > 0 {
		verb, args = args[0], args[1:]
	}
	switch {
	case abbreviates(object, "address"):
		return ipAddr(e, family, verb, args)
	case abbreviates(object, "link"):
		return ipLink(e, verb, args)
	case abbreviates(object, "route"):
		return ipRoute(e, family, verb, args)
	}
	return tool.Usagef("unknown object %s", object)
}

func abbreviates(s, word string) bool { return s != "" && strings.HasPrefix(word, s) }

// words reads pairs such as "dev eth0"; a word that is no key stands alone
// under "".
func ipWords(args []string, keys string) (map[string]string, error) {
	m := map[string]string{}
	for i := 0; i < len(args); i++ {
		key := args[i]
		if !strings.Contains(" "+keys+" ", " "+key+" ") {
			if m[""] != "" {
				return nil, tool.Usagef("unexpected word %s", key)
			}
			m[""] = key
			continue
		}
		if i++; i == len(args) {
			return nil, tool.Usagef("%s needs a value", key)
		}
		m[key] = args[i]
	}
	return m, nil
}

func link(name string) (netlink.Link, error) {
	if name == "" {
		return nil, tool.Usagef("name the interface: dev NAME")
	}
	l, err := netlink.LinkByName(name)
	if _, missing := err.(netlink.LinkNotFoundError); missing {
		return nil, tool.Errorf(tool.NotFound, "%s: no such interface (ip link lists them)", name)
	}
	return l, err
}

func ipAddr(e *tool.Env, family int, verb string, args []string) error {
	w, err := ipWords(args, "dev")
	if err != nil {
		return err
	}
	if abbreviates(verb, "show") || abbreviates(verb, "list") {
		return showAddrs(e, family, w["dev"]+w[""])
	}
	addr, err := netlink.ParseAddr(withPrefix(w[""]))
	if err != nil {
		return tool.Usagef("address %q: use a.b.c.d/bits", w[""])
	}
	l, err := link(w["dev"])
	if err != nil {
		return err
	}
	switch {
	case abbreviates(verb, "add"):
		return told("add address", netlink.AddrAdd(l, addr))
	case abbreviates(verb, "delete"):
		return told("delete address", netlink.AddrDel(l, addr))
	}
	return tool.Usagef("unknown verb %s", verb)
}

func withPrefix(s string) string {
	switch {
	case strings.Contains(s, "/"):
		return s
	case strings.Contains(s, ":"):
		return s + "/128"
	}
	return s + "/32"
}

// told explains what the kernel answers in one word.
func told(what string, err error) error {
	switch err {
	case nil:
		return nil
	case unix.EEXIST:
		return fmt.Errorf("%s: it is there already", what)
	case unix.ENETUNREACH:
		return fmt.Errorf("%s: the gateway cannot be reached: is the interface up and has it an address?", what)
	case unix.ESRCH, unix.EADDRNOTAVAIL:
		return tool.Errorf(tool.NotFound, "%s: there is no such one", what)
	}
	return fmt.Errorf("%s: %w", what, err)
}

func showAddrs(e *tool.Env, family int, only string) error {
	links, err := netlink.LinkList()
	if err != nil {
		return fmt.Errorf("list interfaces: %w", err)
	}
	found := false
	for _, l := range links {
		if only != "" && l.Attrs().Name != only {
			continue
		}
		found = true
		e.Printf("%s\n", linkLine(l.Attrs()))
		addrs, err := netlink.AddrList(l, family)
		if err != nil {
			return fmt.Errorf("list addresses: %w", err)
		}
		for _, a := range addrs {
			e.Printf("    %s\n", addrLine(a))
		}
	}
	if !found && only != "" {
		return tool.Errorf(tool.NotFound, "%s: no such interface", only)
	}
	return nil
}

func linkLine(a *netlink.LinkAttrs) string {
	state := "down"
	if a.Flags&net.FlagUp != 0 {
		state = "up"
		if a.OperState == netlink.OperDown || a.OperState == netlink.OperLowerLayerDown {
			state = "up, no carrier"
		}
	}
	s := fmt.Sprintf("%d: %s: %s, mtu %d", a.Index, tool.Clean(a.Name), state, a.MTU)
	if len(a.HardwareAddr) > 0 {
		s += ", " + a.HardwareAddr.String()
	}
	return s
}

func addrLine(a netlink.Addr) string {
	kind := "inet6"
	if a.IP.To4() != nil {
		kind = "inet"
	}
	s := kind + " " + a.IPNet.String()
	if a.Scope == int(netlink.SCOPE_LINK) {
		s += " link"
	}
	if a.ValidLft > 0 && a.ValidLft < 1<<31-1 {
		s += fmt.Sprintf(" valid %d s", a.ValidLft)
	}
	return s
}

func ipLink(e *tool.Env, verb string, args []string) error {
	if abbreviates(verb, "show") || abbreviates(verb, "list") {
		links, err := netlink.LinkList()
		if err != nil {
			return fmt.Errorf("list interfaces: %w", err)
		}
		for _, l := range links {
			e.Printf("%s\n", linkLine(l.Attrs()))
		}
		return nil
	}
	args = without(args, "dev")
	if verb != "set" || len(args) < 2 {
		return tool.Usagef("ip link set NAME up|down|mtu N")
	}
	l, err := link(args[0])
	if err != nil {
		return err
	}
	switch {
	case args[1] == "up":
		return told("set link up", netlink.LinkSetUp(l))
	case args[1] == "down":
		return told("set link down", netlink.LinkSetDown(l))
	case args[1] == "mtu" && len(args) == 3:
		mtu, err := strconv.Atoi(args[2])
		if err != nil {
			return tool.Usagef("mtu %q is not a number", args[2])
		}
		return told("set mtu", netlink.LinkSetMTU(l, mtu))
	}
	return tool.Usagef("ip link set NAME up|down|mtu N")
}

func without(args []string, word string) (rest []string) {
	for _, a := range args {
		if a != word {
			rest = append(rest, a)
		}
	}
	return rest
}

func ipRoute(e *tool.Env, family int, verb string, args []string) error {
	w, err := ipWords(args, "dev via metric")
	if err != nil {
		return err
	}
	if abbreviates(verb, "show") || abbreviates(verb, "list") {
		return showRoutes(e, family)
	}
	r, err := newRoute(w)
	if err != nil {
		return err
	}
	switch {
	case abbreviates(verb, "add"):
		return told("add route", netlink.RouteAdd(r))
	case abbreviates(verb, "delete"):
		return told("delete route", netlink.RouteDel(r))
	}
	return tool.Usagef("unknown verb %s", verb)
}

func newRoute(w map[string]string) (*netlink.Route, error) {
	r := &netlink.Route{}
	if to := w[""]; to != "default" {
		_, dst, err := net.ParseCIDR(withPrefix(to))
		if err != nil {
			return nil, tool.Usagef("destination %q: use default or a.b.c.d/bits", to)
		}
		r.Dst = dst
	}
	if via := w["via"]; via != "" {
		if r.Gw = net.ParseIP(via); r.Gw == nil {
			return nil, tool.Usagef("via %q is not an address", via)
		}
	}
	if w["metric"] != "" {
		n, err := strconv.Atoi(w["metric"])
		if err != nil {
			return nil, tool.Usagef("metric %q is not a number", w["metric"])
		}
		r.Priority = n
	}
	if w["dev"] != "" {
		l, err := link(w["dev"])
		if err != nil {
			return nil, err
		}
		r.LinkIndex = l.Attrs().Index
	}
	return r, nil
}

func showRoutes(e *tool.Env, family int) error {
	routes, err := netlink.RouteList(nil, family)
	if err != nil {
		return fmt.Errorf("list routes: %w", err)
	}
	links, err := netlink.LinkList()
	if err != nil {
		return fmt.Errorf("list interfaces: %w", err)
	}
	byIndex := map[int]string{}
	for _, l := range links {
		byIndex[l.Attrs().Index] = l.Attrs().Name
	}
	for _, r := range routes {
		e.Printf("%s\n", tool.Clean(routeLine(r, byIndex[r.LinkIndex])))
	}
	return nil
}

func routeLine(r netlink.Route, dev string) string {
	s := "default"
	if r.Dst != nil {
		if ones, bits := r.Dst.Mask.Size(); ones > 0 || bits == 0 {
			s = r.Dst.String()
		}
	}
	if r.Gw != nil {
		s += " via " + r.Gw.String()
	}
	if dev != "" {
		s += " dev " + dev
	}
	if r.Src != nil {
		s += " src " + r.Src.String()
	}
	if r.Priority != 0 {
		s += fmt.Sprintf(" metric %d", r.Priority)
	}
	return s
}
