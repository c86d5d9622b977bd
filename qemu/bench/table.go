package main

import (
	"fmt"
	"os"
	"slices"
	"text/tabwriter"
)

// row is a figure of devmgr beside that of udevd with its stock rules.
type row struct {
	title, phase, size, key string
	goal                    string
}

func (b *deviceBench) print() error {
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
	names := []string{"udevd", "udevd-small", "mdev-s", "mdev-d", "devmgr", "devmgr-small"}
	fmt.Fprintf(w, "\ndevice managers, one machine, medians\tudevd\tudevd, small\tmdev -s\tmdev -d\tdevmgr\tdevmgr, small\tdevmgr/udevd\tsmall/udevd\tgoals\n")
	for _, x := range b.rows() {
		fmt.Fprint(w, x.title)
		values := map[string]float64{}
		for _, name := range names {
			if m, ok := b.median(x, name); ok {
				values[name] = m
				fmt.Fprintf(w, "\t%s", short(m))
			} else {
				fmt.Fprint(w, "\t-")
			}
		}
		for _, name := range []string{"devmgr", "devmgr-small"} {
			if values[name] > 0 && values["udevd"] > 0 {
				fmt.Fprintf(w, "\t%.3f", values[name]/values["udevd"])
			} else {
				fmt.Fprint(w, "\t-")
			}
		}
		fmt.Fprintf(w, "\t%s\n", x.goal)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return b.printLoss()
}

// rows are the figures, in the order in which they were measured.
func (b *deviceBench) rows() (list []row) {
	sizes := map[string][]string{}
	for _, r := range b.results {
		phase := r["phase"]
		if _, ok := r.number("seconds"); ok && !slices.Contains(sizes[phase], r["size"]) {
			sizes[phase] = append(sizes[phase], r["size"])
		}
	}
	for _, s := range sizes["loops"] {
		list = append(list, row{"start with " + s + " loop devices, s", "loops", s, "seconds", "0.1, small 0.07"})
	}
	for _, s := range sizes["disks"] {
		list = append(list, row{"start with " + s + " SCSI disks, s", "disks", s, "seconds", "0.1"})
	}
	list = append(list, row{"start of the bare machine with its modules, s", "base", "0", "seconds", "0.25"},
		row{"events a second", "events", "", "rate", "10"},
		row{"new device to its link, p50, ms", "events", "", "p50", "0.25"})
	for _, s := range sizes["loops"] {
		goal := map[string]string{"1000": "0.7", "10000": "0.25"}[s]
		list = append(list, row{"peak memory with " + s + " loop devices, bytes", "loops", s, "peak", goal})
	}
	for _, s := range sizes["loops"] {
		list = append(list, row{"processor time with " + s + " loop devices, s", "loops", s, "cpu", ""},
			row{"links", "loops", s, "links", ""}, row{"records below /run/udev/data", "loops", s, "records", ""})
	}
	return append(list, row{"modules loaded on the bare machine", "base", "", "modules", "1"})
}

func (b *deviceBench) median(x row, manager string) (float64, bool) {
	var all []float64
	for _, r := range b.results {
		if n, ok := r.number(x.key); ok && r["phase"] == x.phase && r["manager"] == manager && r["size"] == x.size {
			all = append(all, n)
		}
	}
	if len(all) == 0 {
		return 0, false
	}
	slices.Sort(all)
	return all[len(all)/2], true
}

func short(n float64) string {
	if n >= 1000 {
		return fmt.Sprintf("%.0f", n)
	}
	return fmt.Sprintf("%.3g", n)
}

// printLoss prints the storms one by one: each has to come out right.
func (b *deviceBench) printLoss() error {
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintf(w, "\n100,000 events, receive buffer of 4 KiB\twritten in, s\tright after, s\twrong then\theard\toverruns told\tcomparisons\tgoal\n")
	var cells result
	for _, r := range b.results {
		switch {
		case r["phase"] != "loss":
		case r["late"] != "":
			cells = r
		default:
			for key, value := range r {
				cells[key] = value
			}
			if cells["resyncs"] != "" {
				fmt.Fprintf(w, "devmgr\t%s\t%s\t%s\t%s\t%s\t%s\t2, and 0 wrong\n",
					cells["written"], cells["late"], cells["wrong"], cells["events"], cells["overruns"], cells["resyncs"])
			}
		}
	}
	return w.Flush()
}
