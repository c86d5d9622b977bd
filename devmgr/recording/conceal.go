package recording

import (
	"hash/maphash"
	"maps"
	"regexp"
	"slices"
	"strings"

	"slashdev/devmgr/uevent"
)

// Conceal replaces serial numbers, hardware addresses and the like by made-up
// ones of the same form; equal ones stay equal within the recording. The key
// is forgotten, so nobody can tell what they were.
func (r *Recording) Conceal() {
	c := concealer{seed: maphash.MakeSeed(), secrets: map[string]string{}}
	r.each(c.gather)
	for _, e := range r.Events {
		c.gather(&Device{Subsystem: e.Subsystem, Env: e.Env})
	}
	var pairs []string
	for _, secret := range slices.SortedFunc(maps.Keys(c.secrets), func(a, b string) int { return len(b) - len(a) }) {
		if len(secret) >= 6 { // a shorter one would hit what is none
			pairs = append(pairs, secret, c.secrets[secret])
		}
	}
	replacer := strings.NewReplacer(pairs...)
	r.each(func(d *Device) { c.replace(d, replacer) })
	for i := range r.Events {
		e := &r.Events[i]
		e.DevPath = replacer.Replace(e.DevPath)
		e.Env = c.env(&Device{Subsystem: e.Subsystem, Env: e.Env}, replacer)
	}
}

func (r *Recording) each(do func(*Device)) {
	for i := range r.Devices {
		do(&r.Devices[i])
	}
	for i := range r.Events {
		if d := r.Events[i].Device; d != nil {
			do(d)
		}
	}
}

// What tells one specimen from another, by the names of attributes and keys.
var identifying = regexp.MustCompile(`(?i)^(.*_)?(serial(_number)?|iserial|uniq|unique_id|wwid|wwn|uuid|partuuid|eui|nguid|cid|asset_tag|address|permanent_address|vpd_pg80|vpd_pg83|phys_port_id|phys_switch_id|fwnode_mac)$`)

type concealer struct {
	seed    maphash.Seed
	secrets map[string]string
}

func (c *concealer) gather(d *Device) {
	for _, a := range d.Attrs {
		c.note(d, a.Name[strings.LastIndexByte(a.Name, '/')+1:], a.Value)
	}
	for key, value := range d.Env.All() {
		c.note(d, key, value)
	}
}

func (c *concealer) note(d *Device, name, value string) {
	secret := strings.TrimSpace(value)
	if c.secret(d, name, secret) && isText(secret) {
		c.secrets[secret] = c.madeUp(secret)
	}
}

// secret leaves what says nothing, such as a row of zeros, and what is the name
// of a place: a root hub has that of its controller for a serial number.
func (c *concealer) secret(d *Device, name, value string) bool {
	switch {
	case !identifying.MatchString(name), strings.Trim(value, "0-:. \n") == "":
		return false
	case strings.Contains(d.DevPath+"/", "/"+value+"/"):
		return false
	case name == "cid" && d.Subsystem != "mmc": // of ACPI: what it is compatible with
		return false
	}
	return !strings.HasSuffix(strings.ToLower(name), "address") || d.Subsystem == "net" || d.Subsystem == "bluetooth" || d.Subsystem == "ieee80211"
}

func (c *concealer) replace(d *Device, replacer *strings.Replacer) {
	d.DevPath = replacer.Replace(d.DevPath)
	for i, a := range d.Attrs {
		secret := strings.TrimSpace(a.Value)
		switch name := a.Name[strings.LastIndexByte(a.Name, '/')+1:]; {
		case !isText(a.Value) && identifying.MatchString(name):
			d.Attrs[i].Value = c.page(a.Value)
		case c.secret(d, name, secret):
			d.Attrs[i].Value = strings.Replace(a.Value, secret, c.secrets[secret], 1)
		case isText(a.Value):
			d.Attrs[i].Value = replacer.Replace(a.Value)
		}
	}
	for i, l := range d.Links {
		d.Links[i].Value = replacer.Replace(l.Value)
	}
	d.Env = c.env(d, replacer)
}

func (c *concealer) env(d *Device, replacer *strings.Replacer) (env uevent.Env) {
	for key, value := range d.Env.All() {
		if secret := strings.TrimSpace(value); c.secret(d, key, secret) {
			value = strings.Replace(value, secret, c.secrets[secret], 1)
		} else {
			value = replacer.Replace(value)
		}
		env = env.With(key, value)
	}
	return env
}

// madeUp keeps what is public: the maker in a hardware address, the word that
// says what sort of number it is.
func (c *concealer) madeUp(s string) string {
	keep := 0
	if len(s) == 17 && strings.Count(s, ":") == 5 {
		keep = 9
	} else if strings.HasPrefix(s, "0x") {
		keep = 2
	} else if i := strings.IndexByte(s, '.'); i > 0 && i < 6 {
		keep = i + 1
	}
	return s[:keep] + c.scramble(s[keep:], s)
}

// scramble replaces digits by digits and letters by letters.
func (c *concealer) scramble(s, key string) string {
	letters := "abcdefghijklmnopqrstuvwxyz"
	if strings.Trim(strings.ToLower(s), "0123456789abcdef-:. ") == "" {
		letters = letters[:6]
	}
	b := []byte(s)
	var bits uint64
	for i, ch := range b {
		if i%8 == 0 {
			bits = maphash.String(c.seed, key+string(rune('0'+i/8)))
		}
		n := bits & 0xff
		bits >>= 8
		switch {
		case ch >= '0' && ch <= '9':
			b[i] = '0' + byte(n%10)
		case ch >= 'a' && ch <= 'z':
			b[i] = letters[n%uint64(len(letters))]
		case ch >= 'A' && ch <= 'Z':
			b[i] = letters[n%uint64(len(letters))] - 'a' + 'A'
		}
	}
	return string(b)
}

// page conceals a page of a SCSI device but its head of four bytes.
func (c *concealer) page(s string) string {
	const head = 4
	if len(s) <= head || s[1] != 0x80 {
		return s[:min(len(s), head)] // designators of many forms: left out
	}
	return s[:head] + c.scramble(s[head:], s)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
