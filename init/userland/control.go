package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"

	"slashdev/devmgr/ctl"
	"slashdev/init/line"
	"slashdev/init/userland/tool"
)

// The control sockets.
const (
	initSocket = "/run/slashdev/init.sock"
	logdSocket = "/run/slashdev/logd.sock"
)

// record is one "= key=value ..." line of a reply.
type record map[string]string

// MarshalJSON writes the numbers as such: the protocol has words only.
func (r record) MarshalJSON() ([]byte, error) {
	m := map[string]any{}
	for k, v := range r {
		m[k] = v
		switch k {
		case "pid", "restarts", "since", "uptime", "time", "wall", "seq", "boot", "began", "lost":
			if _, err := strconv.ParseFloat(v, 64); err == nil && json.Valid([]byte(v)) {
				m[k] = json.Number(v)
			}
		}
	}
	return json.Marshal(m)
}

// ask sends one request and returns the records of the reply. Tests have the
// sockets in a folder of their own.
func ask(socket string, words ...string) ([]record, error) {
	if dir := os.Getenv("SLASHDEV_RUN"); dir != "" {
		socket = filepath.Join(dir, filepath.Base(socket))
	}
	c, err := ctl.Dial(socket)
	if err != nil {
		return nil, withCode(err)
	}
	defer c.Close()
	replies, err := c.Do(words...)
	records := []record{}
	for _, r := range replies {
		m := record{}
		for _, w := range r {
			k, v, _ := line.CutPair(w)
			m[k] = v
		}
		records = append(records, m)
	}
	return records, withCode(err)
}

// withCode keeps the exit code that a daemon's answer stands for.
func withCode(err error) error {
	var answer *ctl.Error
	if errors.As(err, &answer) {
		return tool.Errorf(answer.Code, "%s", answer.Text)
	}
	return err
}

// tee asks the logger to print programs' lines on the consoles, or not.
func tee(on bool) error {
	word := "off"
	if on {
		word = "on"
	}
	_, err := ask(logdSocket, "console", word)
	return err
}
