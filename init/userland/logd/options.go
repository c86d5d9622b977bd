package logd

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"slashdev/init/userland/logd/ring"
)

// Options are what the appliance file says about logs.
type Options struct {
	Ring int64    // bytes of lines that are kept in /run
	Tee  int      // lines at least that grave are always shown on the consoles
	Drop []string // programs of which a flood is dropped
}

// LevelNames are what levels are called, from 0 on.
func LevelNames() []string {
	return []string{"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"}
}

// ParseOptions reads words KEY=VALUE. What is wrong keeps its default: a logger
// that does not start is worse.
func ParseOptions(words []string) (o Options, err error) {
	o = Options{Ring: ring.DefaultSize, Tee: -1}
	var errs []error
	for _, w := range words {
		key, value, _ := strings.Cut(w, "=")
		if err := o.set(key, value); err != nil {
			errs = append(errs, fmt.Errorf("option %s: %w", key, err))
		}
	}
	return o, errors.Join(errs...)
}

func (o *Options) set(key, value string) error {
	switch key {
	case "tee":
		for i, name := range LevelNames() {
			if name == value {
				o.Tee = i
				return nil
			}
		}
		return fmt.Errorf("%q is not one of %s", value, strings.Join(LevelNames(), ", "))
	case "ring":
		return parseSize(&o.Ring, value)
	case "drop":
		o.Drop = strings.Split(value, ",")
		return nil
	}
	return errors.New("unknown")
}

// parseSize reads a number of bytes such as 512K, 16M or 1G.
func parseSize(dst *int64, s string) error {
	number := strings.TrimRight(s, "KMG")
	shift, ok := map[string]int{"": 0, "K": 10, "M": 20, "G": 30}[s[len(number):]]
	n, err := strconv.ParseInt(number, 10, 32)
	if err != nil || !ok || n<<shift < minSize {
		return fmt.Errorf("%q is not a size such as 512K, 16M or 1G (at least 256K)", s)
	}
	*dst = n << shift
	return nil
}

// minSize is what a log must hold for its own book-keeping to be small beside it.
const minSize = 256 << 10
