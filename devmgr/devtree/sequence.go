package devtree

import "slices"

// maxMissing bounds how many numbers are waited for; a wider gap is a loss.
const maxMissing = 256

// Sequence watches the sequence numbers of events for gaps. The kernel counts
// all events of all network namespaces, and may deliver neighbours in the
// wrong order, so a gap is only a suspicion until it has had time to close.
type Sequence struct {
	next    uint64 // 0: nothing seen yet
	missing []uint64
	wide    bool
}

// Note takes the number of an event. Zero is ignored: not from the kernel.
func (s *Sequence) Note(n uint64) {
	switch {
	case n == 0:
	case s.next == 0 || n == s.next:
		s.next = n + 1
	case n < s.next:
		s.missing = slices.DeleteFunc(s.missing, func(m uint64) bool { return m == n })
	default:
		s.gap(n)
	}
}

func (s *Sequence) gap(n uint64) {
	if n-s.next+uint64(len(s.missing)) > maxMissing {
		s.wide, s.missing = true, nil
	} else {
		for m := s.next; m < n; m++ {
			s.missing = append(s.missing, m)
		}
	}
	s.next = n + 1
}

// Gap says whether events are missing.
func (s *Sequence) Gap() bool { return s.wide || len(s.missing) > 0 }

// Forget gives the missing events up, after a scan.
func (s *Sequence) Forget() { s.wide, s.missing = false, nil }
