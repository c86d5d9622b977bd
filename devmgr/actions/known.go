package actions

import (
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strings"

	"slashdev/devmgr/uevent"
)

// Known lists the media and interfaces that are used when they come: nothing
// else is ever mounted or set up. Each line of its file is one of
//
//	mount UUID=1234-ABCD DIR [ro]      a file system; also PARTUUID=
//	ifup NAME|HARDWARE-ADDRESS [ADDRESS/BITS]
//
// A medium brings a file system that the kernel has to parse and that others
// may have written, so it is mounted without set-user-ID bits, device nodes and
// programs, and an error in it stops writing and not the machine. This is code
// and cannot be configured (D-05, D-06).
type Known struct {
	media      []medium
	interfaces []iface
}

type medium struct {
	key, value string // of the properties of the device
	dir        string
	readOnly   bool
}

type iface struct{ name, address string }

// ParseKnown reads the file; what it cannot read is told with its line and has
// no effect.
func ParseKnown(name, text string) (*Known, []error) {
	k := &Known{}
	var errs []error
	number := 0
	for row := range strings.Lines(text) {
		number++
		words := strings.Fields(row)
		if len(words) == 0 || words[0][0] == '#' {
			continue
		}
		if err := k.row(words); err != nil {
			errs = append(errs, fmt.Errorf("%s:%d: %w", name, number, err))
		}
	}
	return k, errs
}

// Empty says whether nothing is known.
func (k *Known) Empty() bool { return len(k.media)+len(k.interfaces) == 0 }

func (k *Known) row(words []string) error {
	switch {
	case words[0] == "mount" && (len(words) == 3 || len(words) == 4 && words[3] == "ro"):
		key, value, _ := strings.Cut(words[1], "=")
		property := map[string]string{"UUID": "ID_FS_UUID", "PARTUUID": "ID_PART_ENTRY_UUID"}[key]
		if property == "" || value == "" {
			return fmt.Errorf("%q: name the medium by UUID= or PARTUUID=; a label can be anybody's", words[1])
		}
		dir := words[2]
		if !path.IsAbs(dir) || path.Clean(dir) != dir || slices.Contains(system, "/"+strings.Split(dir, "/")[1]) {
			return fmt.Errorf("%q: mount it on an absolute path outside of %s", dir, strings.Join(system, " "))
		}
		k.media = append(k.media, medium{property, value, dir, len(words) == 4})
		return nil
	case words[0] == "ifup" && (len(words) == 2 || len(words) == 3):
		i := iface{name: words[1]}
		if len(words) == 3 {
			if _, err := netip.ParsePrefix(words[2]); err != nil {
				return fmt.Errorf("%q: write an address and how long its prefix is, as in 192.168.7.1/24", words[2])
			}
			i.address = words[2]
		}
		k.interfaces = append(k.interfaces, i)
		return nil
	}
	return fmt.Errorf("%q: write `mount UUID=... DIR [ro]` or `ifup NAME [ADDRESS/BITS]`", strings.Join(words, " "))
}

// system is where a medium would hide what the machine runs on.
var system = []string{"/", "/bin", "/boot", "/dev", "/devices", "/etc", "/lib", "/proc", "/root", "/sbin", "/sys", "/usr"}

// fileSystems are those that the kernel is asked to mount, with the options
// that each needs beside those of all.
var fileSystems = map[string]string{
	"btrfs": "", "erofs": "ro", "exfat": "", "ext2": "errors=remount-ro", "ext3": "errors=remount-ro",
	"ext4": "errors=remount-ro", "f2fs": "", "iso9660": "ro", "ntfs": "", "squashfs": "ro", "udf": "ro",
	"vfat": "errors=remount-ro", "xfs": "",
}

// Subject is a device that came or went, for Known.
type Subject struct {
	Event      uevent.Event
	Properties uevent.Env // that rules and probes found out
	Address    string     // of an interface
}

// Jobs returns what is to be done about a device: nothing if it is not known.
// Of a device that goes, Properties are what was known of it.
func (k *Known) Jobs(s Subject) []Job {
	switch s.Event.Subsystem {
	case "block":
		return k.mount(s)
	case "net":
		return k.ifup(s)
	}
	return nil
}

func (k *Known) mount(s Subject) []Job {
	node, fstype := s.Event.Env.Get("DEVNAME"), s.Properties.Get("ID_FS_TYPE")
	own, can := fileSystems[fstype]
	for _, m := range k.media {
		if s.Properties.Get(m.key) != m.value || !can || uevent.CheckName(node) != nil {
			continue
		}
		job := func(argv ...string) Job { return Job{DevPath: s.Event.DevPath, Argv: argv, Line: "known media"} }
		switch s.Event.Action {
		case uevent.Add:
			options := []string{"nosuid", "nodev", "noexec"}
			if own != "" {
				options = append(options, own)
			}
			if m.readOnly && own != "ro" {
				options = append(options, "ro")
			}
			return []Job{job("/bin/mkdir", "-p", m.dir), job("/bin/mount", "-t", fstype, "-o", strings.Join(options, ","), "/dev/"+node, m.dir)}
		case uevent.Remove:
			return []Job{job("/bin/umount", "-l", m.dir)}
		}
	}
	return nil
}

func (k *Known) ifup(s Subject) []Job {
	name := s.Event.Env.Get("INTERFACE")
	if s.Event.Action != uevent.Add || name == "" || name[0] == '-' {
		return nil
	}
	for _, i := range k.interfaces {
		if i.name != name && !strings.EqualFold(i.name, s.Address) {
			continue
		}
		job := func(argv ...string) Job {
			return Job{DevPath: s.Event.DevPath, Argv: append([]string{"/bin/ip"}, argv...), Line: "known interfaces"}
		}
		jobs := []Job{job("link", "set", name, "up")}
		if i.address != "" {
			jobs = append([]Job{job("addr", "add", i.address, "dev", name)}, jobs...)
		}
		return jobs
	}
	return nil
}
