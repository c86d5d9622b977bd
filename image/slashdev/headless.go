package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"slashdev/qemu"
)

// Exit codes of run --exec; smaller ones are the command's.
const (
	exitHighest  = 123
	exitTooLate  = 124
	exitNoAnswer = 125
)

// Durations for a machine with KVM; others get more, see qemu.Config.Scale.
const (
	execTimeout     = 2 * time.Minute
	poweroffTimeout = 30 * time.Second
)

// headless boots, runs the command and powers off. The error carries the
// command's status when that is not 0.
func (o *runOptions) headless(ctx context.Context, config qemu.Config) error {
	timeout := o.timeout
	if timeout == 0 {
		timeout = config.Scale(execTimeout)
	}
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	m, err := qemu.Start(limited, config)
	if err != nil {
		return err
	}
	defer m.Close()
	status, err := runIn(limited, m, o.exec)
	if err != nil {
		return err
	}
	return errors.Join(statusError(status, config.Logf), powerOff(ctx, m))
}

func runIn(ctx context.Context, m *qemu.Machine, command string) (int, error) {
	if err := m.Login(ctx, os.Getenv("SLASHDEV_PASSWORD")); err != nil {
		return 0, err
	}
	return m.Run(ctx, command, os.Stdout, os.Stderr)
}

// powerOff has a deadline of its own: the command may have used up the other.
func powerOff(ctx context.Context, m *qemu.Machine) error {
	ctx, cancel := context.WithTimeout(ctx, m.Scale(poweroffTimeout))
	defer cancel()
	if err := m.PowerOff(ctx); err != nil {
		return fmt.Errorf("power off: %w", err)
	}
	return nil
}

func statusError(status int, logf logFunc) error {
	switch {
	case status == 0:
		return nil
	case status > exitHighest:
		logf("the command's status was %d", status)
		status = exitHighest
	}
	return &exitError{code: status}
}

// headlessError gives an error of run --exec its exit code. The command's own
// status, and the code for a wrong command line, stay as they are.
func headlessError(headless bool, err error) error {
	var own *exitError
	var boot *qemu.BootError
	switch {
	case err == nil || !headless || exitCode(err) == exitUsage:
		return err
	case errors.As(err, &own) && own.err == nil:
		return err
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &boot) && boot.Timeout:
		return &exitError{exitTooLate, err}
	}
	return &exitError{exitNoAnswer, err}
}
