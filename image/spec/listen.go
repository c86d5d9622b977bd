package spec

import (
	"net/netip"
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
	path, ok := strings.CutPrefix(addr, "unix:")
	if ok && (strings.HasPrefix(path, "/run/slashdev/") || path == "/run/initctl" || path == "/dev/log") {
		return path + " is a socket of slashdev's own: use another path below /run"
	}
	if i := slices.IndexFunc(taken, func(t socket) bool { return collide(addr, t.addr) }); i >= 0 {
		return taken[i].program + " listens on " + taken[i].addr + " already"
	}
	return ""
}

// collide says whether two sockets cannot be there at once: a host that stands for
// all of them takes the port of each.
func collide(a, b string) bool {
	kindA, hostA, portA := socketOf(a)
	kindB, hostB, portB := socketOf(b)
	return kindA == kindB && portA == portB && (hostA == hostB || hostA == "" || hostB == "")
}

// socketOf takes an address apart. A socket in the file system is its own port.
func socketOf(addr string) (kind, host, port string) {
	kind, rest, _ := strings.Cut(addr, ":")
	if ap, err := netip.ParseAddrPort(rest); kind != "unix" && err == nil {
		if port = strconv.Itoa(int(ap.Port())); !ap.Addr().IsUnspecified() {
			host = ap.Addr().Unmap().String()
		}
		return kind, host, port
	}
	return kind, "", strings.TrimPrefix(rest, ":")
}
