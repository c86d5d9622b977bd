package naming

import (
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"unicode/utf8"

	"slashdev/devmgr/devtree"
)

// Known is a device as a Resolver is told of it.
type Known struct {
	Device *devtree.Device
	Names  Names
	Links  []string // that it has below /dev
	Identity
}

// Identity is what a medium and its table of partitions say of themselves,
// written as in the links of udev: plain bytes only.
type Identity struct{ Label, UUID, PartLabel, PartUUID string }

// IdentityOf takes the identity out of properties of udev and of the kernel.
// The parts of a RAID all say that they are it; only the whole is meant.
func IdentityOf(get func(key string) string) Identity {
	id := Identity{PartUUID: get("ID_PART_ENTRY_UUID"), PartLabel: get("ID_PART_ENTRY_NAME")}
	if id.PartUUID == "" {
		id.PartUUID, id.PartLabel = get("PARTUUID"), encode(get("PARTNAME"))
	}
	if get("ID_FS_USAGE") != "raid" {
		id.Label, id.UUID = get("ID_FS_LABEL_ENC"), get("ID_FS_UUID_ENC")
	}
	return id
}

// ErrUnknown means that no device has the name.
var ErrUnknown = errors.New("no device has this name")

// Resolver finds a device by any of its names. It is a value of one moment:
// make a new one when devices come and go. The Scheme of an answer is what
// found it, "kernel", "link", "label", "number" and so on besides the schemes.
type Resolver struct {
	by    map[Scheme]map[string]*Known
	disks map[string]string // discs/disc0: where it leads
}

// order is that of the ways to take a name without "=" and ":".
var order = []Scheme{"kernel", Devfs, NewCompat, OldCompat, "link"}

// NewResolver takes the devices in the order of their paths: of several that
// have one name the first is found.
func NewResolver(all []Known) *Resolver {
	r := &Resolver{by: map[Scheme]map[string]*Known{}, disks: map[string]string{}}
	for i := range all {
		r.add(&all[i])
	}
	return r
}

func (r *Resolver) add(k *Known) {
	d := k.Device
	if d.HasNode() {
		r.put("kernel", d.DevName, k)
		if d.Block {
			r.put("number", d.Number(), k)
			r.put("link", "block/"+d.Number(), k)
		} else {
			r.put("number of char", d.Number(), k)
			r.put("link", "char/"+d.Number(), k)
		}
	}
	for _, n := range k.Names.List {
		r.put(n.Scheme, n.Text, k)
	}
	if c := k.Names.Counted(); c != "" && r.disks[c] == "" {
		r.disks[c] = k.Names.Leads
	}
	for _, l := range k.Links {
		r.put("link", l, k)
	}
	r.put("LABEL", k.Label, k)
	r.put("UUID", strings.ToLower(k.UUID), k)
	r.put("PARTLABEL", k.PartLabel, k)
	r.put("PARTUUID", strings.ToLower(k.PartUUID), k)
}

func (r *Resolver) put(s Scheme, name string, k *Known) {
	if r.by[s] == nil {
		r.by[s] = map[string]*Known{}
	}
	if name != "" && r.by[s][name] == nil {
		r.by[s][name] = k
	}
}

// maxName bounds a name.
const maxName = 4096

// Resolve finds the device of a name as it stands in root=, fstab and on
// command lines: /dev/NAME or NAME by any scheme, LABEL=, UUID=, PARTLABEL=,
// PARTUUID= (also with the kernel's /PARTNROFF=), or MAJOR:MINOR, of a disk if
// there is one. The kernel's names come first.
func (r *Resolver) Resolve(name string) (*devtree.Device, Scheme, error) {
	k, s := r.find(name)
	if k == nil {
		return nil, "", fmt.Errorf("%.200q: %w", name, ErrUnknown)
	}
	return k.Device, s, nil
}

// ByContent says whether a name asks for what is on a medium.
func ByContent(name string) bool {
	tag, _, ok := strings.Cut(name, "=")
	return ok && (tag == "LABEL" || tag == "UUID" || tag == "PARTLABEL" || tag == "PARTUUID")
}

func (r *Resolver) find(name string) (*Known, Scheme) {
	if len(name) > maxName {
		return nil, ""
	}
	if tag, value, ok := strings.Cut(name, "="); ok && !strings.Contains(tag, "/") {
		return r.tagged(Scheme(tag), value), Scheme(tag)
	}
	for _, dir := range []string{"/dev/", "/devices/"} {
		name = strings.TrimPrefix(name, dir)
	}
	text := r.uncounted(name)
	for _, s := range order {
		if k := r.by[s][text]; k != nil {
			return k, s
		}
	}
	for _, s := range []Scheme{"number", "number of char"} {
		if k := r.by[s][name]; k != nil {
			return k, "number"
		}
	}
	return nil, ""
}

// uncounted follows discs/disc0/part1 to where the disk is.
func (r *Resolver) uncounted(name string) string {
	at := strings.IndexByte(name, '/')
	if at < 0 {
		return name
	}
	if next := strings.IndexByte(name[at+1:], '/'); next >= 0 {
		at += 1 + next
	} else {
		at = len(name)
	}
	if leads := r.disks[name[:at]]; leads != "" {
		return leads + name[at:]
	}
	return name
}

// tagged finds what a medium says of itself. A label may be quoted, as in
// fstab.
func (r *Resolver) tagged(tag Scheme, value string) *Known {
	if n := len(value); n >= 2 && value[0] == '"' && value[n-1] == '"' {
		value = value[1 : n-1]
	}
	offset := 0
	switch tag {
	case "LABEL", "PARTLABEL":
	case "UUID":
		value = strings.ToLower(value)
	case "PARTUUID":
		id, off, more := strings.Cut(strings.ToLower(value), "/partnroff=")
		n, err := strconv.Atoi(off)
		if more && err != nil {
			return nil
		}
		value, offset = id, n
	default:
		return nil
	}
	value = encode(value)
	k := r.by["link"]["disk/by-"+strings.ToLower(string(tag))+"/"+value]
	if k == nil {
		k = r.by[tag][value]
	}
	if k == nil || offset == 0 {
		return k
	}
	return r.neighbour(k.Device, offset)
}

// encode writes a string of a medium as udev does in the names of links.
func encode(s string) string {
	var b strings.Builder
	for i, c := range s {
		_, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case c >= utf8.RuneSelf && size > 1, clean(string(c)) == string(c):
			b.WriteString(s[i : i+size])
		default:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		}
	}
	return b.String()
}

// Through returns the name that leads through a counted one to a device, such
// as discs/disc0/part1, or "".
func (r *Resolver) Through(n Names) string {
	devfs := n.First(Devfs)
	for counted, leads := range r.disks {
		if rest, ok := strings.CutPrefix(devfs, leads); ok && (rest == "" || rest[0] == '/') {
			return counted + rest
		}
	}
	return ""
}

// neighbour finds the partition of the same disk whose number is so much
// higher.
func (r *Resolver) neighbour(d *devtree.Device, offset int) *Known {
	own, err := strconv.Atoi(d.Env.Get("PARTN"))
	if err != nil {
		return nil
	}
	want := strconv.Itoa(own + offset)
	for _, k := range r.by["kernel"] {
		o := k.Device
		if o.Block && path.Dir(o.DevPath) == path.Dir(d.DevPath) && o.Env.Get("PARTN") == want {
			return k
		}
	}
	return nil
}
