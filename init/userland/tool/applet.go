package tool

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
)

// Applet is one command: what it is called, what it says about itself, and
// the function that does it.
type Applet struct {
	Name    string
	Use     string // arguments, as in the usage line; an applet without Use and Help takes none
	Summary string // one line for the list of commands
	Help    string // more, behind the usage line; may be empty
	Inside  bool   // quick and never waiting: the shell runs it in its own process
	Plain   bool   // known from every Unix: shares a line in the list
	Run     Func
}

// Start runs the applet, says what went wrong, and returns its exit code.
func (a *Applet) Start(ctx context.Context, e *Env, args []string) (code int) {
	if len(args) > 0 && args[0] == "--help" {
		e.Printf("%s", a.Usage())
		return OK
	}
	defer func() {
		if p := recover(); p != nil {
			fmt.Fprintf(e.Err, "%s: internal error: %v\n%s", e.Name, p, debug.Stack())
			code = Failed
		}
	}()
	if a.Use == "" && a.Help == "" && len(args) > 0 {
		return e.report(a, Usagef("takes no arguments"))
	}
	return e.report(a, a.Run(ctx, e, args))
}

func (e *Env) report(a *Applet, err error) int {
	var exit *ExitError
	switch {
	case err == nil:
		return OK
	case errors.As(err, &exit) && exit.Msg == "":
		return exit.Code
	}
	e.Complain(err)
	code := Code(err)
	if code == Usage {
		fmt.Fprintf(e.Err, "usage: %s\n", strings.TrimSpace(a.Name+" "+a.Use))
	}
	return code
}

// Usage is what --help prints.
func (a *Applet) Usage() string {
	text := "usage: " + strings.TrimSpace(a.Name+" "+a.Use) + "\n"
	for _, more := range []string{a.Summary, a.Help} {
		if more != "" {
			text += more + "\n"
		}
	}
	return text
}
