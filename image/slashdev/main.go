// Command slashdev builds appliance images, boots them in QEMU and tests them.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"slashdev/image"
	"slashdev/qemu"
)

// Exit codes of every command but `run --exec`.
const (
	exitFailed   = 1
	exitUsage    = 2
	exitNotFound = 3
	exitRefused  = 4
	exitTimeout  = 5
)

// exitError ends the program with a code of its own. A nil err ends it without
// a message.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func usageError(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

func main() { os.Exit(execute(os.Args[1:], os.Stderr)) }

// execute runs one command line and returns the exit code.
func execute(args []string, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	defer stop()
	// A reader that has gone is an error like others; a death by SIGPIPE would leave the image.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	running := false // what goes wrong before a command runs is the command line's fault
	root := rootCommand()
	root.PersistentPreRun = func(*cobra.Command, []string) { running = true }
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	code := exitCode(err)
	if !running {
		code = exitUsage
	}
	if quiet := (*exitError)(nil); !errors.As(err, &quiet) || quiet.err != nil {
		fmt.Fprintf(stderr, "slashdev: %v\n", err)
	}
	return code
}

func exitCode(err error) int {
	var own *exitError
	var machine *qemu.UnknownMachineError
	var built *image.Error
	switch {
	case errors.As(err, &own):
		return own.code
	case errors.As(err, &built):
		return built.Code
	case errors.As(err, &machine):
		return exitUsage
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, qemu.ErrNoQEMU):
		return exitNotFound
	case errors.Is(err, context.DeadlineExceeded):
		return exitTimeout
	}
	return exitFailed
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "slashdev",
		Short: "Build appliance images, boot them in QEMU and test them",
		Long: `slashdev turns a list of Go programs and files into a disk that boots by
itself, runs it in QEMU with the serial console on this terminal, and runs test
scripts against it.

  slashdev run                     boot the default appliance; Ctrl-A x quits
  slashdev run --exec 'dev ls'     boot, run a command, print its output, power off
  slashdev build -o disk.img DIR   build the appliance in DIR for a PC
  slashdev test SCRIPT...          run test scripts

Exit codes: 0 ok, 1 failed, 2 usage, 3 not found, 4 refused for safety,
5 timeout, 6 verification failed, 7 unreachable. run --exec has its own, see
slashdev help run.

Environment:
  SLASHDEV_PARTS      boot loaders, firmware and kernels (default: parts/ beside
                      the program, made by make build)
  SLASHDEV_ACCEL      tcg or kvm, instead of trying which one works
  SLASHDEV_PASSWORD   password of the appliance's shell, for --exec and test
  SLASHDEV_ARTIFACTS  folder for what is left of a machine that failed`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.AddCommand(buildCommand(), checkCommand(), replayCommand(), runCommand(), testCommand(), versionCommand())
	root.CompletionOptions.HiddenDefaultCmd = true
	return root
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of slashdev and of Go",
		Args:  cobra.NoArgs,
		Run: func(cmd *cobra.Command, _ []string) {
			version, goVersion := "unknown", ""
			if info, ok := debug.ReadBuildInfo(); ok {
				version, goVersion = info.Main.Version, info.GoVersion
			}
			fmt.Fprintf(cmd.OutOrStdout(), "slashdev %s %s\n", version, goVersion)
		},
	}
}
