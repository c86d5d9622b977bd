package spec

import (
	"bytes"
	"encoding/json"
)

// Run says how one program runs. docs/programs.md explains every key.
type Run struct {
	After        []string          `json:",omitempty"`
	WaitFor      []string          `json:",omitempty"` // nil: settled; empty: nothing
	Restart      string            `json:",omitempty"`
	Ready        string            `json:",omitempty"`
	User         string            `json:",omitempty"`
	Group        string            `json:",omitempty"`
	Capabilities []string          `json:",omitempty"` // nil: all but one; empty: none
	Devices      []string          `json:",omitempty"`
	Limits       map[string]string `json:",omitempty"`
	Memory       string            `json:",omitempty"`
	Pids         int               `json:",omitempty"`
	CPU          string            `json:",omitempty"`
	IO           string            `json:",omitempty"`
	StopTimeout  string            `json:",omitempty"`
	ReadyTimeout string            `json:",omitempty"`
	Health       *Probe            `json:",omitempty"`
	Timer        string            `json:",omitempty"`
	Listen       []string          `json:",omitempty"`
	Watchdog     string            `json:",omitempty"`
	Dir          string            `json:",omitempty"`
	Env          []string          `json:",omitempty"`
	OneShot      bool              `json:",omitempty"`
	ReadOnly     bool              `json:",omitempty"`
	Score        int               `json:",omitempty"`
}

// Probe asks a program whether it is well. In the file it is an object, or just
// the URL.
type Probe struct {
	URL      string   `json:",omitempty"` // http://HOST:PORT/PATH or tcp:HOST:PORT
	Command  []string `json:",omitempty"` // or a command that exits 0
	Interval string   `json:",omitempty"`
	Timeout  string   `json:",omitempty"`
	Failures int      `json:",omitempty"`
}

// UnmarshalJSON takes a string for the URL. What else is wrong in it the walker
// says, with its place.
func (p *Probe) UnmarshalJSON(text []byte) error {
	if bytes.HasPrefix(text, []byte{'"'}) {
		return json.Unmarshal(text, &p.URL)
	}
	type object Probe
	_ = json.Unmarshal(text, (*object)(p))
	return nil
}
