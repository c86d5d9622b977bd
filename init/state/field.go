package state

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"slashdev/init/line"
	"slashdev/init/notify"
)

// field is a value that is written as a word KEY=VALUE. Lists are lines within
// the value.
type field struct {
	key string
	to  any // a pointer
}

func (s *State) fields() []field {
	return []field{
		{"started", &s.Started}, {"stage", &s.Stage}, {"gate", &s.Gate}, {"plan", &s.Plan},
		{"devices", &s.Devices}, {"files", &s.Files}, {"level", &s.Level}, {"rescued", &s.Rescued},
		{"paused", &s.Paused}, {"debug", &s.Debug}, {"quiet", &s.Quiet},
	}
}

func (u *Unit) fields() []field {
	return []field{
		{"name", &u.Name}, {"state", (*string)(&u.State)}, {"wanted", &u.Wanted}, {"since", &u.Since},
		{"deadline", &u.Deadline}, {"born", &u.Born}, {"starts", &u.Starts}, {"code", &u.Code},
		{"crashes", &u.Crashes}, {"fault", &u.Fault}, {"status", &u.Status}, {"failures", &u.Failures},
		{"pid", &u.Proc.Pid}, {"pidfd", &u.Proc.FD}, {"lives", &u.Lives}, {"left", &u.Left}, {"stored", (*[]notify.File)(&u.Stored)},
	}
}

func appendFields(dst []byte, fields []field, now time.Time) []byte {
	for _, f := range fields {
		if s := f.text(now); s != "" {
			dst = line.Pair(dst, f.key, s)
		}
	}
	return append(dst, '\n')
}

func (f field) text(now time.Time) string {
	switch v := f.to.(type) {
	case *string:
		return *v
	case *int:
		return strconv.Itoa(*v)
	case *bool:
		return strconv.FormatBool(*v)
	case *time.Time:
		if !v.IsZero() {
			return strconv.Itoa(int(v.Sub(now)))
		}
	case *[]string:
		return string(line.Append(nil, *v...))
	case *map[string]bool:
		return string(line.Append(nil, slices.Sorted(maps.Keys(*v))...))
	case *[]notify.File:
		var words []string
		for _, x := range *v {
			words = append(words, x.Name, strconv.Itoa(x.FD))
		}
		return string(line.Append(nil, words...))
	}
	return ""
}

func setFields(fields []field, words []string, now time.Time) error {
	byKey := map[string]field{}
	for _, f := range fields {
		byKey[f.key] = f
	}
	for _, w := range words {
		key, value, _ := line.CutPair(w)
		f, known := byKey[key]
		if !known {
			return fmt.Errorf("unknown word %.40q: made by a newer init", key)
		}
		if err := f.set(value, now); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return nil
}

func (f field) set(value string, now time.Time) (err error) {
	n := 0
	switch v := f.to.(type) {
	case *string:
		*v = value
	case *int:
		*v, err = strconv.Atoi(value)
	case *bool:
		*v, err = strconv.ParseBool(value)
	case *time.Time:
		n, err = strconv.Atoi(value)
		*v = now.Add(time.Duration(n))
	case *[]string:
		*v, err = line.Split(value)
	case *map[string]bool:
		var words []string
		words, err = line.Split(value)
		for _, w := range words {
			(*v)[w] = true
		}
	case *[]notify.File:
		*v, err = parseFiles(value)
	}
	return err
}

func parseFiles(value string) (files []notify.File, err error) {
	words, err := line.Split(value)
	for i := 0; i+1 < len(words) && err == nil; i += 2 {
		f := notify.File{Name: words[i]}
		f.FD, err = strconv.Atoi(words[i+1])
		files = append(files, f)
	}
	return files, err
}
