package spec

import "strings"

// checkDevfs makes one line of the words of devfs=, as the kernel's command
// line would have them.
func (s *Spec) checkDevfs(src *source, d *Devfs) {
	if d.Mode != "" {
		s.Devfs = d.Mode
		oneOf(src, "Slashdev.Devfs.Mode", d.Mode, "mount", "nomount", "only", "safe")
	}
	for _, name := range d.Names {
		oneOf(src, "Slashdev.Devfs.Names", name, "devfs", "new-compat", "old-compat")
	}
	if len(d.Names) > 0 {
		s.Devfs += ",names:" + strings.Join(d.Names, ":")
	}
	if d.Numbers != "" {
		oneOf(src, "Slashdev.Devfs.Numbers", d.Numbers, "free", "stable")
		s.Devfs += ",numbers:" + d.Numbers
	}
}
