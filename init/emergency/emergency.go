// Package emergency says what becomes of a machine whose plan is missing or
// damaged: fewer rights, never more, and word of it instead of silence.
package emergency

import (
	"errors"
	"io/fs"
	"strings"
	"time"

	"slashdev/init/cmdline"
	"slashdev/init/plan"
)

// Passwords is the file that logins at a console are checked against.
const Passwords = "/etc/slashdev/shadow"

// respite is how long such a machine waits for people before it boots again,
// perhaps from its other slot.
const respite = 5 * time.Minute

// WithoutPlan returns what to go on with: the shell asks for the password where
// the image has one, and is off elsewhere. said is for people, the cause first;
// again is when to boot anew, zero (never) without panic= among the boot words.
func WithoutPlan(cause error, words cmdline.Words, passwords bool) (p *plan.Plan, again time.Time, said []error) {
	if errors.Is(cause, fs.ErrNotExist) {
		cause = errors.New(plan.File + " is missing: was this image made by slashdev build?")
	}
	shell, access := "off", "the shell is off, because this image has no password"
	if passwords {
		shell, access = "password", "the shell asks for the image's password"
	}
	next := "it stays like this"
	if word, _ := words.Get("panic"); strings.Trim(word, "0") != "" {
		again, next = time.Now().Add(respite), "it reboots in "+respite.String()+" (panic="+word+"; kill -HUP 1 stops that)"
	}
	return &plan.Plan{Shell: shell}, again, []error{
		cause, errors.New("no valid plan: no program is started; " + access),
		errors.New(next + "; boot the other slot or write the image anew"),
	}
}
