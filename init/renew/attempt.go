package renew

import "time"

const (
	// Calm is how long no signal but that of a child's end may have come: one that
	// PID 1 has received and not yet obeyed is lost with it.
	Calm = 100 * time.Millisecond
	// Patience is how long calm, and what is half made, are waited for.
	Patience = 10 * time.Second
)

// Attempt is a re-execution on its way: the doors are shut, so that nobody is
// left without an answer, then calm and the end of what is half made are waited
// for. The zero value is none.
type Attempt struct {
	begun, shut    bool
	calm, deadline time.Time
}

// Verdict says how an attempt goes on.
type Verdict int

// The verdicts.
const (
	None   Verdict = iota // there is no attempt, or its doors are not shut yet
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
func (a *Attempt) Shut(now time.Time) {
	a.shut, a.deadline = true, now.Add(Patience)
	a.Wait(now)
}

// Wait says that a signal has come.
func (a *Attempt) Wait(now time.Time) { a.calm = now.Add(Calm) }

// Verdict says what to do now. The end of the machine ends an attempt too.
func (a *Attempt) Verdict(now time.Time, halfMade, ending bool) Verdict {
	late := !now.Before(a.deadline)
	switch {
	case !a.shut:
		return None
	case ending || halfMade && late:
		*a = Attempt{}
		return GiveUp
	case late || !halfMade && !now.Before(a.calm):
		*a = Attempt{}
		return Go
	}
	return Hold
}

// Next is when the verdict may change without an event; zero: never.
func (a *Attempt) Next(now time.Time) time.Time {
	if a.shut && now.Before(a.calm) {
		return a.calm
	}
	return a.deadline
}
