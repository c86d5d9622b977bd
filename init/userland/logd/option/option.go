// Package option is what an appliance file says about logs, in the words that
// the plan and the logger's command line have for it:
//
//	remote=tls://logs.example.com:6514 quota=16M tee=warning drop=ntp,dhcp
package option

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
)

// Options are the settings of the logger.
type Options struct {
	Ring   int64    // bytes of lines that are kept in /run
	Quota  int64    // bytes of lines that are kept in /perm/log; 0: none
	Tee    int      // lines at least that grave are always shown on the consoles; -1: none
	Drop   []string // programs of which a flood is dropped
	Remote Remote   // another machine that gets the lines
	CA     string   // file of the authorities for its certificate; empty: the system's
}

// Remote is a server for RFC 5424 messages; the zero Remote is none.
type Remote struct {
	Net  string // udp, tcp or tls
	Addr string // host:port
}

// Defaults are the settings where nothing is said.
func Defaults() Options { return Options{Ring: 4 << 20, Quota: 16 << 20, Tee: -1} }

// Levels are the names of the levels of syslog(3), from 0 on.
func Levels() []string {
	return []string{"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"}
}

// Parse reads words KEY=VALUE. What is wrong keeps its default: a logger that
// does not start is worse.
func Parse(words []string) (o Options, err error) {
	o = Defaults()
	var errs []error
	for _, w := range words {
		key, value, _ := strings.Cut(w, "=")
		if err := o.set(key, value); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", key, err))
		}
	}
	return o, errors.Join(errs...)
}

func (o *Options) set(key, value string) (err error) {
	switch key {
	case "ring":
		return size(&o.Ring, value)
	case "quota":
		if value == "0" {
			o.Quota = 0
			return nil
		}
		return size(&o.Quota, value)
	case "tee":
		n := slices.Index(Levels(), value)
		if n < 0 {
			return fmt.Errorf("%q: use one of %s", value, strings.Join(Levels(), ", "))
		}
		o.Tee = n
	case "drop":
		o.Drop = strings.Split(value, ",")
	case "remote":
		return o.Remote.set(value)
	case "ca":
		if !strings.HasPrefix(value, "/") {
			return fmt.Errorf("%q: use an absolute path on the appliance", value)
		}
		o.CA = value
	default:
		return errors.New("unknown: use ring, quota, tee, drop, remote or ca")
	}
	return nil
}

// minSize is what a log must hold for its own book-keeping to be small beside it.
const minSize = 256 << 10

// size reads a number of bytes such as 512K, 16M or 1G.
func size(dst *int64, s string) error {
	number := strings.TrimRight(s, "KMG")
	shift, ok := map[string]int{"": 0, "K": 10, "M": 20, "G": 30}[s[len(number):]]
	n, err := strconv.ParseInt(number, 10, 32)
	if err != nil || !ok || n<<shift < minSize {
		return fmt.Errorf("%q: use a size such as 512K, 16M or 1G, at least 256K", s)
	}
	*dst = n << shift
	return nil
}

func (r *Remote) set(s string) error {
	network, addr, ok := strings.Cut(s, "://")
	port := map[string]string{"udp": "514", "tcp": "601", "tls": "6514"}[network]
	if !ok || port == "" {
		return fmt.Errorf("%q: use udp://HOST, tcp://HOST or tls://HOST, with :PORT if it is not the usual one", s)
	}
	if _, _, err := net.SplitHostPort(addr); err != nil {
		addr = net.JoinHostPort(strings.Trim(addr, "[]"), port)
	}
	host, number, err := net.SplitHostPort(addr)
	if n, e := strconv.Atoi(number); err != nil || e != nil || n < 1 || n > 65535 || host == "" || strings.ContainsAny(host, "/ @") {
		return fmt.Errorf("%q: not a host and a port", s)
	}
	*r = Remote{network, addr}
	return nil
}
