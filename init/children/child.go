// Package children decides when PID 1's children are started, restarted and
// stopped.
//
// A Child is a state machine without clocks or system calls: it is told what
// happened and when, and answers what to do. PID 1's loop owns all children;
// nothing here may be used from two goroutines.
//
//	Down -Start-> Starting -Started-> Up -Exited-> Waiting -Tick-> Starting
//	                                  Up -Stop---> Stopping -Exited-> Down
package children

import (
	"fmt"
	"time"
)

// Policy says what an exit means.
type Policy string

// The restart policies.
const (
	Always  Policy = "always"  // every exit is a failure
	Gokrazy Policy = "gokrazy" // exit 0 and 125 stop it for good
	Never   Policy = "never"   // it runs once
)

// State is where a child stands.
type State string

// The states of a child.
const (
	Down     State = "down"     // not running and not meant to
	Starting State = "starting" // being made
	Up       State = "up"
	Stopping State = "stopping" // told to end
	Waiting  State = "waiting"  // down until the back-off ends
)

// Kind is what happened to a child.
type Kind int

// The events of a child.
const (
	Start   Kind = iota // it is wanted
	Started             // the process exists
	Failed              // the process could not be made
	Exited              // the process has ended, with Code
	Stop                // it is not wanted any more
	Restart             // it is wanted afresh
	Tick                // its Deadline has passed
)

// Event is one thing that happened.
type Event struct {
	Kind Kind
	Code int // of Exited: exit status, or 128+signal
}

// Action is what PID 1 must do next.
type Action int

// The actions.
const (
	Spawn     Action = iota // make the process, then say Started or Failed
	Terminate               // SIGTERM
	Kill                    // SIGKILL to all of its control group
)

const (
	stopTimeout = 10 * time.Second
	fastRun     = 10 * time.Second // a run shorter than this was a crash
	freeCrashes = 5                // restarted at once so many times in a row
	maxBackoff  = 30 * time.Second
)

// Child is one program or one part of ours.
type Child struct {
	Name   string
	Policy Policy

	State    State
	Since    time.Time // when State was entered
	Deadline time.Time // when to say Tick; zero: never
	Starts   int       // processes made so far
	Code     int       // of the last exit; -1: it never ran or could not be made

	crashes int  // fast ends in a row
	wanted  bool // what the last Start or Stop said
}

// New returns a child that is down.
func New(name string, policy Policy, now time.Time) *Child {
	return &Child{Name: name, Policy: policy, State: Down, Since: now, Code: -1}
}

// Ended says whether the child ran and is down for good.
func (c *Child) Ended() bool { return c.State == Down && c.Starts > 0 }

// Next takes an event and returns what to do, in order. Events that make no
// sense in the present state are passed over.
func (c *Child) Next(e Event, now time.Time) []Action {
	switch e.Kind {
	case Start:
		return c.start(now)
	case Stop:
		return c.stop(now)
	case Restart:
		return append(c.stop(now), c.start(now)...)
	case Started:
		return c.started(now)
	case Failed:
		c.crashes = max(c.crashes, freeCrashes) // trying again at once gives the same error
		return c.ended(now, -1)
	case Exited:
		return c.ended(now, e.Code)
	case Tick:
		return c.tick(now)
	}
	return nil
}

func (c *Child) enter(s State, now time.Time, timeout time.Duration) {
	c.State, c.Since, c.Deadline = s, now, time.Time{}
	if timeout > 0 {
		c.Deadline = now.Add(timeout)
	}
}

func (c *Child) start(now time.Time) []Action {
	c.wanted = true
	if c.State != Down && c.State != Waiting {
		return nil // it runs, or comes back when it has stopped
	}
	c.enter(Starting, now, 0)
	return []Action{Spawn}
}

func (c *Child) stop(now time.Time) []Action {
	c.wanted = false
	switch c.State {
	case Waiting:
		c.enter(Down, now, 0)
	case Up:
		c.enter(Stopping, now, stopTimeout)
		return []Action{Terminate}
	}
	return nil // Starting: Started looks at wanted
}

func (c *Child) started(now time.Time) []Action {
	if c.State != Starting {
		return nil
	}
	c.Starts++
	c.enter(Up, now, 0)
	if !c.wanted {
		return c.stop(now)
	}
	return nil
}

func (c *Child) ended(now time.Time, code int) []Action {
	if c.State != Up && c.State != Stopping && c.State != Starting {
		return nil
	}
	stopping := c.State == Stopping
	ran := now.Sub(c.Since)
	c.Code = code
	switch {
	case stopping && c.wanted: // a restart that somebody asked for
		c.crashes = 0
		c.enter(Starting, now, 0)
		return []Action{Spawn}
	case !c.wanted || c.finished(code):
		c.wanted = false
		c.enter(Down, now, 0)
		return nil
	}
	return c.retry(now, ran)
}

func (c *Child) finished(code int) bool {
	return c.Policy == Never || c.Policy == Gokrazy && (code == 0 || code == 125)
}

func (c *Child) retry(now time.Time, ran time.Duration) []Action {
	if c.crashes++; ran >= fastRun && c.Code >= 0 {
		c.crashes = 1
	}
	if wait := Backoff(c.crashes); wait > 0 {
		c.enter(Waiting, now, wait)
		return nil
	}
	c.enter(Starting, now, 0)
	return []Action{Spawn}
}

// Backoff is how long a child rests after so many crashes in a row.
func Backoff(crashes int) time.Duration {
	if crashes <= freeCrashes {
		return 0
	}
	wait := time.Second << min(crashes-freeCrashes-1, 10)
	return min(wait, maxBackoff)
}

func (c *Child) tick(now time.Time) []Action {
	if c.Deadline.IsZero() || now.Before(c.Deadline) {
		return nil
	}
	c.Deadline = time.Time{}
	switch c.State {
	case Waiting:
		return c.start(now)
	case Stopping:
		return []Action{Kill}
	}
	return nil
}

// String describes the child in one line for the console.
func (c *Child) String() string {
	switch {
	case c.State == Waiting:
		return fmt.Sprintf("%s: ended (%s): next start in %s", c.Name, Cause(c.Code), c.Deadline.Sub(c.Since))
	case c.State == Down && c.Starts > 0:
		return fmt.Sprintf("%s: ended (%s), stays down", c.Name, Cause(c.Code))
	}
	return fmt.Sprintf("%s: %s", c.Name, c.State)
}

// Cause says in words how a process ended.
func Cause(code int) string {
	switch {
	case code < 0:
		return "could not be started"
	case code > 128:
		return fmt.Sprintf("signal %d", code-128)
	}
	return fmt.Sprintf("exit %d", code)
}
