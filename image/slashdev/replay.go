package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"slashdev/devmgr/devtest"
	"slashdev/devmgr/recording"
)

// maxRecording bounds what is read of a file.
const maxRecording = 256 << 20

func replayCommand() *cobra.Command {
	asJSON := false
	var folders []string
	cmd := &cobra.Command{
		Use:   "replay [--rules DIR]... [--json] FILE",
		Short: "Run the device manager's logic on a recorded machine",
		Long: `replay reads a recording that dev capture wrote on an appliance, or
umockdev-record elsewhere, and prints what devmgr makes of it: nodes with owner
and mode, links, tags and properties of each device. What happened while it was
recorded is replayed too. It needs no root and changes nothing. FILE "-" is the
standard input.

Rules that ask a program or a disk get no answer: neither is in the recording.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			seen, faults, err := replay(args[0], folders)
			if err != nil {
				return err
			}
			for _, f := range faults {
				fmt.Fprintf(cmd.ErrOrStderr(), "slashdev: %s\n", f)
			}
			return printSeen(cmd.OutOrStdout(), seen, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print an array of devices as JSON")
	cmd.Flags().StringArrayVar(&folders, "rules", nil, "apply the udev rules (*.rules) in this folder; may be repeated")
	return cmd
}

func replay(file string, folders []string) (seen []devtest.Seen, faults []string, err error) {
	in := os.Stdin
	if file != "-" {
		if in, err = os.Open(file); err != nil {
			return nil, nil, err
		}
		defer in.Close()
	}
	text, err := io.ReadAll(io.LimitReader(in, maxRecording+1))
	if err != nil {
		return nil, nil, err
	}
	r, err := recording.Parse(string(text))
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	policy, faults, err := devtest.Rules(folders...)
	if err != nil {
		return nil, nil, err
	}
	p := devtest.NewReplay(r, policy)
	if err := p.Coldplug(); err != nil {
		return nil, nil, err
	}
	for _, e := range r.Events {
		if err := p.Event(e); err != nil {
			faults = append(faults, err.Error())
		}
	}
	return p.Devices(), append(faults, p.Faults()...), nil
}

func printSeen(w io.Writer, seen []devtest.Seen, asJSON bool) error {
	if !asJSON {
		for _, s := range seen {
			fmt.Fprint(w, s)
		}
		return nil
	}
	if seen == nil {
		seen = []devtest.Seen{}
	}
	out, err := json.MarshalIndent(seen, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", out)
	return err
}
