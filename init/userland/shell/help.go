package shell

import (
	"context"
	"fmt"
	"strings"

	"mvdan.cc/sh/v3/interp"

	"slashdev/init/userland/tool"
)

// help prints the list of commands, or what one of them has to say.
func (s *Shell) help(ctx context.Context, args []string) int {
	hc := interp.HandlerCtx(ctx)
	if len(args) == 0 {
		fmt.Fprint(hc.Stdout, s.helpText())
		return tool.OK
	}
	if a, ok := s.applets[args[0]]; ok {
		fmt.Fprint(hc.Stdout, a.Usage())
		return tool.OK
	}
	for _, l := range foreign() {
		if l[0] == args[0] {
			fmt.Fprintf(hc.Stdout, "%s\n%s --help says more\n", l[1], l[0])
			return tool.OK
		}
	}
	fmt.Fprintf(hc.Stderr, "help: %s: no such command\n", tool.Clean(args[0]))
	return tool.NotFound
}

// foreign are commands of other binaries, and builtins, that belong in the list.
func foreign() [][2]string {
	return [][2]string{
		{"dev", "devices: dev ls, tree, info, monitor, trigger, settle"},
		{"reboot", "restart the machine cleanly (also: poweroff, halt)"},
		{"console", "console on|off: print the programs' lines here, or not"},
		{"history", "the lines entered before"},
	}
}

// helpText lists the commands with a line each; those that every Unix has
// share a few lines at the end.
func (s *Shell) helpText() string {
	table := tool.Table{}
	for _, l := range foreign()[:2] {
		table.Row(l[:]...)
	}
	var plain []string
	for _, a := range s.cfg.Applets() {
		switch {
		case a.Summary == "":
		case a.Plain:
			plain = append(plain, a.Name)
		default:
			table.Row(a.Name, a.Summary)
		}
	}
	for _, l := range foreign()[2:] {
		table.Row(l[:]...)
	}
	var b strings.Builder
	table.WriteTo(&b)
	b.WriteString("As on every Unix:\n")
	for _, l := range wrap(plain, tool.Width-4) {
		b.WriteString("  " + l + "\n")
	}
	b.WriteString("NAME --help says more. Tab completes, Up recalls, Ctrl-C interrupts,\n")
	b.WriteString("Ctrl-D starts the shell anew. Pipes, loops and $(...) work as in sh.\n")
	return b.String()
}

func wrap(words []string, width int) (lines []string) {
	l := ""
	for _, w := range words {
		if len(l)+1+len(w) > width {
			lines, l = append(lines, l), ""
		}
		l = strings.TrimPrefix(l+" "+w, " ")
	}
	return append(lines, l)
}
