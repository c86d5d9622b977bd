package spec

import (
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"
)

// socket is one that a program asks for.
type socket struct{ addr, program string }

// checkListen refuses a socket that two programs ask for, or that is ours.
func (s *Spec) checkListen(src *source) {
	var all []socket
	for _, p := range s.Programs {
		for i, addr := range p.entry.Listen {
			if why := refusal(addr, all); why != "" {
				key := "Listen[" + strconv.Itoa(i) + "]"
				src.failf("Slashdev.Programs."+p.key+"."+key, "%s.%s: %s", p.Name, key, why)
			}
			all = append(all, socket{addr, p.Name})
		}
	}
}

// refusal says why a program cannot have a socket beside those of others.
func refusal(addr string, taken []socket) string {
	kind, _, where := socketOf(addr)
	if kind == "unix" && (strings.HasPrefix(where, "/run/slashdev/") || where == "/run/initctl" || where == "/dev/log") {
		return where + " is a socket of slashdev's own: use another path below /run"
	}
	if i := slices.IndexFunc(taken, func(t socket) bool { return collide(addr, t.addr) }); i >= 0 {
		return taken[i].program + " listens on " + taken[i].addr + " already"
	}
	return ""
}

// collide says whether two sockets cannot be there at once: a host that stands for
// many takes the port of each.
func collide(a, b string) bool {
	kindA, hostA, portA := socketOf(a)
	kindB, hostB, portB := socketOf(b)
	return kindA == kindB && portA == portB && (hostA == hostB || covers(hostA, hostB) || covers(hostB, hostA))
}

// covers says whether host stands for the other too: [::] for all, 0.0.0.0 for
// those of IPv4.
func covers(host, other netip.Addr) bool {
	return host.IsUnspecified() && (host.Is6() || other.Is4())
}

// socketOf takes an address apart. A socket in the file system is its own port.
func socketOf(addr string) (kind string, host netip.Addr, port string) {
	kind, rest, _ := strings.Cut(addr, ":")
	if kind == "unix" {
		return kind, host, path.Clean(rest)
	}
	if strings.HasPrefix(rest, ":") { // all hosts
		rest = "[::]" + rest
	}
	colon := strings.LastIndexByte(rest, ':')
	host, _ = netip.ParseAddr(strings.Trim(rest[:max(colon, 0)], "[]")) // not one: refused elsewhere
	n, _ := strconv.Atoi(rest[colon+1:])
	return kind, host.Unmap(), strconv.Itoa(n)
}
