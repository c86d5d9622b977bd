package main

import (
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"

	"slashdev/image"
)

// printSizes prints what the parts take on a disk.
func printSizes(r *image.Result) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
	defer w.Flush()
	fmt.Fprintf(w, "\nsizes, bytes\t\tgoal\n")
	for _, name := range []string{"init", "devmgr", "userland"} {
		for _, arch := range []string{"amd64", "arm64"} {
			st, err := os.Stat(filepath.Join("bin", arch, name))
			if err != nil {
				return err
			}
			goal := ""
			if name == "init" {
				goal = "3145728"
			}
			fmt.Fprintf(w, "bin/%s/%s\t%d\t%s\n", arch, name, st.Size(), goal)
		}
	}
	for _, s := range r.Sizes {
		fmt.Fprintf(w, "%s\t%d\t\n", s.Name, s.Bytes)
	}
	return nil
}
