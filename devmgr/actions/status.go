package actions

import "time"

// Status counts jobs since the start.
type Status struct {
	Waiting, Running int
	Done             uint64 // ended with status 0
	Failed           uint64 // any other end, of its own accord
	TimedOut         uint64
	LeftOver         uint64 // ended, but left processes behind, which were killed
	Slowed           uint64 // had to wait because of the pace of their device
	Dropped          uint64
	Last             []Result // the newest ends, oldest first
}

// Result is how a job ended.
type Result struct {
	Job
	Failure string // "" means that it ended with status 0
	Took    time.Duration
}

// maxResults bounds how many ends are remembered.
const maxResults = 256

// Status returns the counters and the newest ends.
func (r *Runner) Status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.status
	s.Running = r.running
	s.Waiting = len(r.tasks) - r.running
	s.Last = append([]Result(nil), r.results...)
	return s
}

// note counts an end. The lock is held.
func (r *Runner) note(o outcome) {
	s := &r.status
	switch {
	case o.timedOut:
		s.TimedOut++
	case o.Failure != "":
		s.Failed++
	default:
		s.Done++
	}
	if o.leftOver {
		s.LeftOver++
	}
	if len(r.results) == maxResults {
		r.results = append(r.results[:0], r.results[1:]...)
	}
	r.results = append(r.results, o.Result)
}
