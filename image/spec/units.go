package spec

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"slashdev/init/plan"
)

// size reads a number of bytes: 4096, 64K, 64M or 1.5G, by powers of 1024.
func size(s string) (uint64, error) {
	const units = "KMGT"
	digits, factor := s, 1.0
	if n := len(s); n > 0 {
		if k := strings.IndexByte(units, s[n-1]); k >= 0 {
			digits, factor = s[:n-1], math.Pow(1024, float64(k+1))
		}
	}
	f, err := strconv.ParseFloat(digits, 64)
	if err != nil || strings.Trim(digits, "0123456789.") != "" || f < 0 || f*factor >= 1<<63 {
		return 0, fmt.Errorf("%q is no size: write bytes, or a number and K, M, G or T: 64M", s)
	}
	return uint64(f * factor), nil
}

// duration reads 500ms, 10s, 5m or 1h30m.
func duration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d < time.Millisecond || d > math.MaxInt32*time.Second {
		return 0, fmt.Errorf("%q is no duration: write a number and ms, s, m or h: 10s", s)
	}
	return d.Truncate(time.Millisecond), nil
}

// limit reads one number for both limits, or SOFT:HARD.
func limit(s string) (soft, hard uint64, err error) {
	first, second, both := strings.Cut(s, ":")
	if soft, err = bound(first); err != nil || !both {
		return soft, soft, err
	}
	if hard, err = bound(second); err == nil && soft > hard {
		err = fmt.Errorf("%q: the soft limit is above the hard one: write SOFT:HARD", s)
	}
	return soft, hard, err
}

func bound(s string) (uint64, error) {
	if s == "unlimited" {
		return plan.Unlimited, nil
	}
	n, err := size(s)
	if err != nil {
		return 0, fmt.Errorf("%q is no limit: write a number, 64M, unlimited, or SOFT:HARD", s)
	}
	return n, nil
}

// period of the CPU controller: a share of it may be used in each.
const period = 100000 // microseconds

// cpuShare reads "50%" (of one processor), "weight:50" (beside programs of 100) or both.
func cpuShare(s string) (settings []plan.Setting, err error) {
	for word := range strings.FieldsSeq(s) {
		if w, ok, err := weight(word); ok {
			if err != nil {
				return nil, err
			}
			settings = append(settings, plan.Setting{File: "cpu.weight", Value: w})
			continue
		}
		if slices.ContainsFunc(settings, func(s plan.Setting) bool { return s.File == "cpu.max" }) {
			return nil, fmt.Errorf("%q is a second share: write one", word)
		}
		percent, ok := strings.CutSuffix(word, "%")
		n, err := strconv.ParseFloat(percent, 64)
		if !ok || err != nil || !(n >= 1 && n <= 100000) {
			return nil, fmt.Errorf(`%q is no share of a processor: write "50%%", "200%%" for two processors, or "weight:50"`, word)
		}
		settings = append(settings, plan.Setting{File: "cpu.max", Value: fmt.Sprint(uint64(n*period/100), " ", period)})
	}
	if len(settings) == 0 && s != "" {
		err = errors.New("is empty: write a value, or remove the key")
	}
	return settings, err
}

// ioShare reads "weight:50" and "DISK rbps=1M wbps=1M riops=100 wiops=100".
func ioShare(s string) (settings []plan.Setting, err error) {
	const use = `%q: write "weight:50" or "DISK rbps=10M wbps=1M riops=1000 wiops=100", the disk by its name as lsblk shows it`
	var disk []string
	for word := range strings.FieldsSeq(s) {
		key, value, pair := strings.Cut(word, "=")
		n, err := size(value)
		switch w, ok, wrong := weight(word); {
		case ok && wrong == nil:
			settings = append(settings, plan.Setting{File: "io.weight", Value: w})
		case len(disk) == 0 && !ok && !pair && plan.ValidName(word):
			disk = append(disk, word)
		case len(disk) > 0 && strings.Contains(" rbps wbps riops wiops ", " "+key+" ") && err == nil && n > 0:
			disk = append(disk, key+"="+strconv.FormatUint(n, 10))
		default:
			return nil, fmt.Errorf(use, s)
		}
	}
	if len(disk) == 1 || len(settings)+len(disk) == 0 && s != "" {
		return nil, fmt.Errorf(use, s)
	}
	if len(disk) > 1 {
		settings = append(settings, plan.Setting{File: "io.max", Value: strings.Join(disk, " ")})
	}
	return settings, nil
}

func weight(word string) (value string, ok bool, err error) {
	value, ok = strings.CutPrefix(word, "weight:")
	if n, e := strconv.Atoi(value); ok && (e != nil || n < 1 || n > 10000) {
		err = fmt.Errorf("%q: a weight is from 1 to 10000; others have 100", word)
	}
	return value, ok, err
}
