// Package watch tells observers, in order and bounded, what was applied.
//
// A record is published after the node has its owner and its links are there,
// so an observer that hears of a device can open it. An observer that does not
// keep up loses records, never delays the others, and is told how many it
// missed: it should then look at the whole state again.
package watch

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Record says what happened to one device.
type Record struct {
	Time      time.Duration // since the machine started
	Action    string
	DevPath   string
	Subsystem string
	Name      string // node below /dev, or the kernel's name of the device
	Node      string // "b 8:0", "" if it has none
	Missed    int    // not 0: a gap of so many records; nothing else is set
}

// ErrClosed is returned by Next when the hub has been closed.
var ErrClosed = errors.New("watch: closed")

// DefaultQueue is how many records wait for a slow observer.
const DefaultQueue = 1024

// Hub hands records to subscribers. The zero Hub is ready.
type Hub struct {
	mu     sync.Mutex
	subs   map[*Sub]struct{}
	closed bool
}

// Sub is one subscription, for one goroutine.
type Sub struct {
	hub    *Hub
	limit  int
	wake   chan struct{}
	queue  []Record // guarded by hub.mu, like what follows
	missed int
}

// Subscribe starts a subscription of at most limit waiting records; 0 means
// DefaultQueue. Close it.
func (h *Hub) Subscribe(limit int) *Sub {
	if limit <= 0 {
		limit = DefaultQueue
	}
	s := &Sub{hub: h, limit: limit, wake: make(chan struct{}, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.subs == nil {
		h.subs = map[*Sub]struct{}{}
	}
	h.subs[s] = struct{}{}
	return s
}

// Publish queues r for every subscriber. It never waits.
func (h *Hub) Publish(r Record) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.subs {
		s.put(r)
	}
}

func (s *Sub) put(r Record) {
	if s.missed > 0 || len(s.queue) >= s.limit {
		s.missed++ // until the observer has emptied its queue
	} else {
		s.queue = append(s.queue, r)
	}
	s.signal()
}

func (s *Sub) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Close ends all subscriptions; what is queued is still delivered.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for s := range h.subs {
		s.signal()
	}
}

// Next waits for the next record.
func (s *Sub) Next(ctx context.Context) (Record, error) {
	for {
		if r, ok, err := s.take(); ok || err != nil {
			return r, err
		}
		select {
		case <-s.wake:
		case <-ctx.Done():
			return Record{}, ctx.Err()
		}
	}
}

func (s *Sub) take() (Record, bool, error) {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	switch {
	case len(s.queue) > 0:
		r := s.queue[0]
		s.queue = s.queue[1:]
		return r, true, nil
	case s.missed > 0:
		r := Record{Missed: s.missed}
		s.missed = 0
		return r, true, nil
	case s.hub.closed:
		return Record{}, false, ErrClosed
	}
	return Record{}, false, nil
}

// Close ends the subscription.
func (s *Sub) Close() {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	delete(s.hub.subs, s)
}
