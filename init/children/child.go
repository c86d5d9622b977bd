// Package children decides when PID 1's children are started, restarted and
// stopped.
//
// A Child is a state machine without clocks or system calls: it is told what
// happened and when, and answers what to do. PID 1's loop owns all children;
// nothing here may be used from two goroutines.
//
//	Down -Start-> Held -Go-> Making -Started-> Starting -Ready-> Up
//	Up -Exited-> Held, or Waiting -Tick-> Held        (it is to run)
//	Up -Exited-> Done -Tick-> Held                    (its work is done)
//	Up -Stop, no sign of life-> Stopping -Exited-> Down, Held or Waiting
package children

import "time"

// Restart says what an exit means.
type Restart string

// The restart policies.
const (
	Essential Restart = "essential"  // ours: every exit is a failure
	Always    Restart = "always"     // every exit but 125 is a failure
	OnFailure Restart = "on-failure" // exit 0 and 125 stop it for good
	Gokrazy   Restart = "gokrazy"    // the same, by gokrazy's process contract
	Never     Restart = "never"      // it runs once
)

// Policy is what the plan says of a child's life.
type Policy struct {
	Restart      Restart
	OneShot      bool          // exit 0 means that its work is done
	Notifies     bool          // it is up when that is said, not when it runs
	ReadyTimeout time.Duration // for that to be said; zero: for ever
	StopTimeout  time.Duration // between SIGTERM and the kill; zero: 10 s
	Watchdog     time.Duration // the longest silence of an Up child; zero: any
	Timer        time.Duration // from one start to the next; zero: no timer
}

// State is where a child stands.
type State string

// The states of a child.
const (
	Down     State = "down"     // not running and not meant to
	Held     State = "held"     // wanted as soon as what it waits for is there
	Making   State = "making"   // the process is being made
	Starting State = "starting" // it runs and is not ready yet
	Up       State = "up"
	Stopping State = "stopping" // told to end
	Waiting  State = "waiting"  // down until the back-off ends
	Done     State = "done"     // ended well; with a timer it comes again
)

// Kind is what happened to a child.
type Kind int

// The events of a child.
const (
	Start   Kind = iota // it is wanted
	Go                  // what it waits for is there
	Started             // the process exists
	Failed              // the process could not be made
	Ready               // it does its work from now on
	Alive               // it gave a sign of life
	Sick                // others find that it does not do its work
	Exited              // the process has ended, with Code
	Stop                // it is not wanted any more
	Again               // it is wanted afresh
	Tick                // its Deadline has passed
)

// Event is one thing that happened.
type Event struct {
	Kind    Kind
	Code    int  // of Exited: exit status, or 128+signal
	Outside bool // of Exited: somebody else killed it; no crash of its own
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
	shortest    = 10 * time.Millisecond // from one start to the next, whoever ends it
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
	Crashes  int       // fast ends in a row
	Fault    string    // why it was stopped though it is wanted; empty: it was not
	Wanted   bool      // what the last Start or Stop said

	Born  time.Time // of the last process
	early bool      // it was ready before we knew that it exists
}

// New returns a child that is down.
func New(name string, policy Policy, now time.Time) *Child {
	return &Child{Name: name, Policy: policy, State: Down, Since: now, Code: -1}
}

// Running says whether there is a process.
func (c *Child) Running() bool { return c.State == Starting || c.State == Up || c.State == Stopping }

// Ended says whether the child ran and is down for good.
func (c *Child) Ended() bool { return (c.State == Down || c.State == Done) && c.Starts > 0 }

// Degraded says whether the child crashes again and again.
func (c *Child) Degraded() bool { return c.Crashes > freeCrashes }

// Next takes an event and returns what to do, in order. Events that make no
// sense in the present state are passed over.
func (c *Child) Next(e Event, now time.Time) []Action {
	switch e.Kind {
	case Start:
		return c.start(now)
	case Go:
		return c.spawn(now)
	case Stop:
		return c.stop(now)
	case Again:
		return append(c.stop(now), c.start(now)...)
	case Started:
		return c.started(now)
	case Failed:
		c.Crashes = max(c.Crashes, freeCrashes) // trying again at once gives the same error
		return c.ended(Event{Code: -1}, now)
	case Exited:
		return c.ended(e, now)
	case Ready, Alive, Sick:
		return c.told(e.Kind, now)
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
	c.Wanted = true
	if c.State == Down || c.State == Waiting || c.State == Done {
		c.enter(Held, now, 0)
	}
	return nil // otherwise it runs, or comes back when it has stopped
}

func (c *Child) spawn(now time.Time) []Action {
	if c.State != Held {
		return nil
	}
	c.enter(Making, now, 0)
	c.early = false
	return []Action{Spawn}
}

func (c *Child) stop(now time.Time) []Action {
	c.Wanted, c.Fault = false, ""
	switch c.State {
	case Held, Waiting, Done:
		c.enter(Down, now, 0)
	case Starting, Up:
		return c.terminate(now)
	}
	return nil // Making: Started looks at Wanted
}

func (c *Child) terminate(now time.Time) []Action {
	timeout := c.Policy.StopTimeout
	if timeout <= 0 {
		timeout = stopTimeout
	}
	c.enter(Stopping, now, timeout)
	return []Action{Terminate}
}

func (c *Child) started(now time.Time) []Action {
	if c.State != Making {
		return nil
	}
	c.Starts++
	c.Born = now
	switch {
	case !c.Wanted:
		return c.terminate(now)
	case c.Policy.Notifies && !c.early:
		c.enter(Starting, now, c.Policy.ReadyTimeout)
	default:
		c.enter(Up, now, c.Policy.Watchdog)
	}
	return nil
}

// told is what others say of a child that runs.
func (c *Child) told(k Kind, now time.Time) []Action {
	switch {
	case c.State == Making && k == Ready:
		c.early = true
	case c.State == Starting && k == Ready:
		c.enter(Up, now, c.Policy.Watchdog)
	case c.State == Up && k == Alive && c.Policy.Watchdog > 0:
		c.Deadline = now.Add(c.Policy.Watchdog)
	case c.State == Up && k == Sick:
		return c.fault("health check fails", now)
	}
	return nil
}

// fault stops a child that runs and does not do its work. It comes back.
func (c *Child) fault(why string, now time.Time) []Action {
	actions := c.terminate(now)
	c.Fault = why
	return actions
}

func (c *Child) ended(e Event, now time.Time) []Action {
	if !c.Running() && c.State != Making {
		return nil
	}
	if c.Policy.OneShot && c.Fault != "" && e.Code == 0 {
		e.Code = 128 + 15 // as by SIGTERM: what it was stopped over is not done
	}
	c.Code = e.Code
	switch {
	case !c.Wanted:
		c.enter(Down, now, 0)
	case c.State == Stopping && c.Fault == "": // a restart that somebody asked for
		c.Crashes = 0
		c.enter(Held, now, 0)
	case c.Policy.Timer > 0:
		c.enter(Done, now, max(c.Born.Add(c.Policy.Timer).Sub(now), 1))
	case c.Policy.OneShot && e.Code == 0:
		c.enter(Done, now, 0)
	case c.Finished() && c.Fault == "":
		c.Wanted = false
		c.enter(Down, now, 0)
	case e.Outside && c.State == Up: // it may be itself
		c.rest(c.Born.Add(shortest).Sub(now), now)
	default:
		c.retry(now)
	}
	c.Fault = ""
	return nil
}

// Finished says whether the last exit stops the child for good.
func (c *Child) Finished() bool {
	switch c.Policy.Restart {
	case Never:
		return true
	case Always:
		return c.Code == 125
	case OnFailure, Gokrazy:
		return c.Code == 0 || c.Code == 125
	}
	return false
}

func (c *Child) retry(now time.Time) {
	if c.Crashes++; c.State != Making && now.Sub(c.Born) >= fastRun && c.Fault == "" {
		c.Crashes = 1
	}
	c.rest(Backoff(c.Crashes), now)
}

func (c *Child) rest(wait time.Duration, now time.Time) {
	state := Held
	if wait > 0 {
		state = Waiting
	}
	c.enter(state, now, wait)
}

// Backoff is how long a child rests after so many crashes in a row.
func Backoff(crashes int) time.Duration {
	if crashes <= freeCrashes {
		return 0
	}
	return min(time.Second<<min(crashes-freeCrashes-1, 10), maxBackoff)
}

func (c *Child) tick(now time.Time) []Action {
	if c.Deadline.IsZero() || now.Before(c.Deadline) {
		return nil
	}
	c.Deadline = time.Time{}
	switch c.State {
	case Waiting, Done:
		return c.start(now)
	case Starting:
		return c.fault("not ready in time", now)
	case Up:
		return c.fault("no sign of life", now)
	case Stopping:
		return []Action{Kill}
	}
	return nil
}
