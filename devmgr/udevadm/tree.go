package udevadm

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// allDevices returns the devices that are present, in the order of their paths.
func (s *System) allDevices() (all []*device, err error) {
	for ev, err := range s.Sys.Scan() {
		if err != nil {
			return all, err
		}
		all = append(all, s.complete(ev))
	}
	return all, nil
}

// printTree draws what is below the devices given, or all.
func (s *System) printTree(roots []*device) error {
	found, err := s.allDevices()
	if err != nil {
		return err
	}
	if len(roots) == 0 {
		found = sorted(append(found, s.subsystems()...))
	}
	byPath, children := map[string]*device{}, map[string][]string{}
	for _, d := range slices.Concat(found, roots) {
		byPath[d.ev.DevPath] = d
	}
	var tops []string
	for _, d := range found {
		p := d.ev.DevPath
		if up := parentDir(p, byPath); up != "" {
			children[up] = append(children[up], p)
		} else if len(roots) == 0 {
			tops = append(tops, p)
		}
	}
	for _, d := range roots {
		tops = append(tops, d.ev.DevPath)
	}
	t := treePrinter{s, byPath, children, 0}
	for i, p := range tops {
		t.print(p, p, "", i == len(tops)-1)
	}
	fmt.Fprintf(s.out, "\n%d items shown.\n", t.count)
	return nil
}

type treePrinter struct {
	s        *System
	devices  map[string]*device
	children map[string][]string
	count    int
}

func (t *treePrinter) print(devpath, label, indent string, last bool) {
	tee, bar := "├─", "│ "
	if last {
		tee, bar = "└─", "  "
	}
	t.count++
	fmt.Fprintf(t.s.out, "%s%s%s\n", indent, tee, label)
	below := t.children[devpath]
	t.s.printRecord(t.devices[devpath], indent+bar+"┆ ")
	for i, child := range below {
		t.print(child, strings.TrimPrefix(child, path.Clean(devpath)+"/"), indent+bar, i == len(below)-1)
	}
}
