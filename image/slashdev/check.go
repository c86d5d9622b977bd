package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"slashdev/image"
	"slashdev/image/spec"
)

func checkCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check FILE",
		Short: "Check an appliance file",
		Long: `check reads an appliance file (a config.json or the folder that holds one) and
reports everything that is wrong with it, each with file, line and column. It
compiles nothing. Exit code 2 means that the file is wrong.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return check(cmd, args[0]) },
	}
}

func check(cmd *cobra.Command, arg string) error {
	file, err := image.ApplianceFile(arg)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	s, err := spec.Parse(file, text)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	for _, w := range s.Warnings {
		fmt.Fprintf(cmd.ErrOrStderr(), "slashdev: warning: %s\n", w)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s: ok: %s, %d programs, shell %s\n", file, s.Hostname, len(s.Programs), s.Shell)
	return nil
}
