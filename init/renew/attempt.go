package renew

import "time"

const (
	// Calm is how long the last signals that were not blocked have to reach the loop.
	Calm = 100 * time.Millisecond
	// Patience is how long the end of what is half made is waited for.
	Patience = 10 * time.Second
)

// Attempt is a re-execution on its way: the doors are shut, so that nobody is
// left without an answer, the end of what is half made is waited for, then
// signals are blocked. The zero value is none.
type Attempt struct {
	begun, shut    bool
	calm, deadline time.Time // calm: when it is over; zero: signals come
}

// Verdict says how an attempt goes on.
type Verdict int

// The verdicts.
const (
	None   Verdict = iota // there is no attempt, or its doors are not shut yet
	Block                 // hold, and from now on signals are for the next PID 1
	Hold                  // nothing new is to be started
	Go                    // it is over
	GiveUp                // it is over
)

// Begin begins an attempt. It says false when there is one already.
func (a *Attempt) Begin() bool {
	if a.begun {
		return false
	}
	a.begun = true
	return true
}

// Shut says that the doors are shut.
func (a *Attempt) Shut(now time.Time) { a.shut, a.deadline = true, now.Add(Patience) }

// Blocked says whether signals are blocked.
func (a *Attempt) Blocked() bool { return !a.calm.IsZero() }

// Verdict says what to do now. The end of the machine ends an attempt too.
func (a *Attempt) Verdict(now time.Time, halfMade, ending bool) Verdict {
	switch {
	case !a.shut:
		return None
	case ending || halfMade && !now.Before(a.deadline):
		*a = Attempt{}
		return GiveUp
	case !halfMade && !a.Blocked():
		a.calm = now.Add(Calm)
		return Block
	case !halfMade && !now.Before(a.calm):
		*a = Attempt{}
		return Go
	}
	return Hold
}

// Next is when the verdict may change without an event; zero: never.
func (a *Attempt) Next(now time.Time) time.Time {
	if now.Before(a.calm) {
		return a.calm
	}
	return a.deadline
}
