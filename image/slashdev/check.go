package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"slashdev/image"
	"slashdev/image/spec"
)

func checkCommand() *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:   "check [--json] FILE",
		Short: "Check an appliance file",
		Long: `check reads an appliance file (a config.json or the folder that holds one), or
the plan that one was compiled to (/etc/slashdev/plan of an appliance), and says
everything that is wrong with it, each with file, line and column. It compiles
nothing. Exit code 2 means that the file is wrong.

docs/programs.md explains the keys of Slashdev.Programs.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return check(cmd, args[0], asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print what there is to say as JSON")
	return cmd
}

func check(cmd *cobra.Command, arg string, asJSON bool) error {
	file, err := image.ApplianceFile(arg)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	r := spec.Check(file, text)
	if asJSON {
		out, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s\n", out)
		if !r.OK {
			return &exitError{code: exitUsage}
		}
		return nil
	}
	if !r.OK {
		return &exitError{exitUsage, r.Err()}
	}
	for _, w := range r.Warnings {
		fmt.Fprintf(cmd.ErrOrStderr(), "slashdev: warning: %s\n", w)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s: ok: %s\n", file, r.Summary)
	return nil
}
