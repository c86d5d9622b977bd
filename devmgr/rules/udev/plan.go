package udev

import "slices"

// planKey is what rules are sorted by in advance.
type planKey struct{ action, subsystem string }

// step is a rule without the tests that the key has decided.
type step struct {
	rule  *rule
	tests []test
	next  int // index of the step to go on with after a jump, 0: the next
}

// maxPlans bounds what hostile names of subsystems can make us keep.
const maxPlans = 512

// plan returns the steps for devices of an action and subsystem.
func (s *Set) plan(action, subsystem string) []step {
	k := planKey{action, subsystem}
	s.mu.RLock()
	steps, ok := s.plans[k]
	s.mu.RUnlock()
	if ok {
		return steps
	}
	steps = s.makePlan(k)
	s.mu.Lock()
	if len(s.plans) < maxPlans {
		s.plans[k] = steps
	}
	s.mu.Unlock()
	return steps
}

// makePlan leaves out rules that cannot match, and what an unconditional jump
// passes over, up to where another one leads.
func (s *Set) makePlan(k planKey) []step {
	var steps []step
	var at, targets []int // index of each step's rule; where jumps lead
	for i := 0; i < len(s.rules); {
		r, next := &s.rules[i], i+1
		tests, possible := k.reduce(r.tests)
		if possible && (len(r.acts) > 0 || r.jump > 0 || hasEffect(tests)) {
			if r.jump > 0 {
				targets = append(targets, r.jump)
			}
			if len(tests) == 0 && r.jump > 0 {
				next = nearest(targets, i)
			}
			if len(r.acts) > 0 || len(tests) > 0 || r.jump > next {
				steps, at = append(steps, step{rule: r, tests: tests}), append(at, i)
			}
		}
		i = next
	}
	for i := range steps {
		if jump := steps[i].rule.jump; jump > 0 {
			steps[i].next, _ = slices.BinarySearch(at, jump)
		}
	}
	return steps
}

// nearest returns the first target behind a rule, of which there is one.
func nearest(targets []int, rule int) int {
	best := slices.Max(targets)
	for _, t := range targets {
		if t > rule {
			best = min(best, t)
		}
	}
	return best
}

// reduce decides the tests that the key alone decides.
func (k planKey) reduce(tests []test) (rest []test, possible bool) {
	for i := range tests {
		t := &tests[i]
		switch {
		case t.kind == testAction:
			if t.pat.match(k.action) == t.not {
				return nil, false
			}
		case t.kind == testSubsystem:
			if t.pat.match(k.subsystem) == t.not {
				return nil, false
			}
		default:
			rest = append(rest, *t)
		}
	}
	return rest, true
}

// hasEffect says whether a rule without assignments matters: a test may bring
// properties or a result.
func hasEffect(tests []test) bool {
	return slices.ContainsFunc(tests, func(t test) bool { return t.kind >= testProgram && t.kind != testResult })
}
