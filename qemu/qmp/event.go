package qmp

import (
	"context"
	"encoding/json"
	"fmt"
)

// Event is something that QEMU reports by itself.
type Event struct {
	Name string
	Data json.RawMessage
}

// Text returns the string under key in the event's data, or "".
func (e Event) Text(key string) string {
	s, _ := e.field(key).(string)
	return s
}

// Flag returns the boolean under key in the event's data.
func (e Event) Flag(key string) bool {
	b, _ := e.field(key).(bool)
	return b
}

func (e Event) field(key string) any {
	var fields map[string]any
	if json.Unmarshal(e.Data, &fields) != nil {
		return nil
	}
	return fields[key]
}

// A Mark is a position in the event log.
type Mark int

// eventLog is guarded by the client's mutex.
type eventLog struct {
	events  []Event
	dropped int           // events forgotten before events[0]
	changed chan struct{} // closed and replaced at each add
}

func (l *eventLog) add(e Event) {
	l.events = append(l.events, e)
	if over := len(l.events) - maxEvents; over > 0 {
		l.events = append([]Event(nil), l.events[over:]...)
		l.dropped += over
	}
	close(l.changed)
	l.changed = make(chan struct{})
}

// Mark returns the position behind the newest event.
func (c *Client) Mark() Mark {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Mark(c.log.dropped + len(c.log.events))
}

// WaitEvent returns the first event at or behind from that match accepts, and
// the position behind it.
func (c *Client) WaitEvent(ctx context.Context, from Mark, match func(Event) bool) (Event, Mark, error) {
	for {
		found, next, changed, ok := c.search(from, match)
		if ok {
			return found, next, nil
		}
		from = next
		select {
		case <-changed:
		case <-c.closed:
			return c.lastEvent(from, match)
		case <-ctx.Done():
			return Event{}, from, fmt.Errorf("qmp event: %w", context.Cause(ctx))
		}
	}
}

// lastEvent looks once more, because the end and an event can race.
func (c *Client) lastEvent(from Mark, match func(Event) bool) (Event, Mark, error) {
	found, next, _, ok := c.search(from, match)
	if ok {
		return found, next, nil
	}
	return Event{}, next, fmt.Errorf("qmp event: %w", c.reason())
}

func (c *Client) search(from Mark, match func(Event) bool) (Event, Mark, <-chan struct{}, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	first := max(0, int(from)-c.log.dropped)
	for i, e := range c.log.events[min(first, len(c.log.events)):] {
		if match(e) {
			return e, Mark(c.log.dropped + first + i + 1), nil, true
		}
	}
	return Event{}, Mark(c.log.dropped + len(c.log.events)), c.log.changed, false
}

// Named matches events by name.
func Named(name string) func(Event) bool {
	return func(e Event) bool { return e.Name == name }
}
