package spec

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Error is something wrong in an appliance file.
type Error struct {
	File string `json:"file"`
	Line int    `json:"line"` // from 1 on
	Col  int    `json:"col"`  // from 1 on, in bytes
	Msg  string `json:"text"`
}

func (e *Error) Error() string { return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Col, e.Msg) }

// source is the text being parsed, with the places of its keys and values.
type source struct {
	name  string
	text  []byte
	at    map[string]int // path, as "Slashdev.Shell.Mode" or "Packages[2]" -> offset
	wrong []*Error
}

// place is the line and column of an offset.
func (s *source) place(offset int) *Error {
	before := s.text[:min(max(offset, 0), len(s.text))]
	return &Error{
		File: s.name, Line: bytes.Count(before, []byte("\n")) + 1,
		Col: len(before) - bytes.LastIndexByte(before, '\n'),
	}
}

// maxErrors is how many a person reads; a file of nothing else ends there.
const maxErrors = 50

func (s *source) errorf(offset int, format string, args ...any) {
	if len(s.wrong) == maxErrors {
		return
	}
	e := s.place(offset)
	e.Msg = fmt.Sprintf(format, args...)
	s.wrong = append(s.wrong, e)
}

// err joins what is wrong, in the order of the file; nil when nothing is.
func (s *source) err() error {
	slices.SortStableFunc(s.wrong, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
	var all []error
	for _, e := range s.wrong {
		all = append(all, e)
	}
	return errors.Join(all...)
}

// failf reports what is wrong with the value at a path.
func (s *source) failf(path, format string, args ...any) {
	s.errorf(s.at[path], format, args...)
}

// maxSize is far above every appliance file that a person wrote.
const maxSize = 4 << 20

// decode reads the text into a File, and where its keys are. Without a File
// something has the wrong shape; nothing else can be said then.
func decode(name string, text []byte) (*File, *source) {
	s := &source{name: name, text: text, at: map[string]int{}}
	if len(text) > maxSize {
		s.errorf(0, "the file is larger than %d MB: it is no appliance file", maxSize>>20)
		return nil, s
	}
	f := new(File)
	dec := json.NewDecoder(bytes.NewReader(text))
	err := dec.Decode(f)
	if _, shape := errors.AsType[*json.UnmarshalTypeError](err); err != nil && !shape {
		s.jsonError(err, int(dec.InputOffset()))
		return nil, s
	}
	if rest := bytes.TrimSpace(text[dec.InputOffset():]); len(rest) > 0 {
		s.errorf(len(text)-len(rest), "text behind the closing brace")
		return nil, s
	}
	w := &walker{source: s, dec: json.NewDecoder(bytes.NewReader(text))}
	w.dec.UseNumber()
	w.value("", reflect.TypeFor[File](), false)
	if err != nil && len(s.wrong) == 0 { // the walker knows every type, and this is not reached
		s.errorf(0, "%v", err)
	}
	if err != nil {
		return nil, s
	}
	return f, s
}

func (s *source) jsonError(err error, offset int) {
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		s.errorf(int(syntax.Offset)-1, "not JSON: %s", strings.TrimPrefix(syntax.Error(), "json: "))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		s.errorf(len(s.text), "not JSON: the file ends too early: a brace is not closed")
	default:
		s.errorf(offset, "not JSON: %v", err)
	}
}

// typeName names a Go type in JSON's words.
func typeName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return typeName(t.Elem())
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a string"
	case reflect.Int:
		return "a whole number"
	case reflect.Slice:
		return "an array [...] of which each is " + typeName(t.Elem())
	}
	return "an object {...}"
}

// fits says whether a token begins a value of type t, and what it is.
func fits(tok json.Token, t reflect.Type) (what string, ok bool) {
	kind := reflect.Invalid
	switch v := tok.(type) {
	case bool:
		what, kind = strconv.FormatBool(v), reflect.Bool
	case string:
		what, kind = "a string", reflect.String
	case json.Number:
		what = "the number " + v.String()
		if _, err := strconv.ParseInt(v.String(), 10, 32); err == nil {
			kind = reflect.Int
		}
	case json.Delim:
		what, kind = "an array", reflect.Slice
		if v == '{' {
			what, kind = "an object", reflect.Struct
		}
	}
	return what, tok == nil || t.Kind() == kind ||
		t.Kind() == reflect.Map && kind == reflect.Struct || t == reflect.TypeFor[Probe]() && kind == reflect.String
}

// walker notes where values lie and checks the keys of our object. It runs on
// text that json has accepted.
type walker struct {
	*source
	dec *json.Decoder
}

// value walks one value of type t, nil for what nobody reads; strict: unknown
// keys are errors.
func (w *walker) value(path string, t reflect.Type, strict bool) {
	start := w.start()
	tok, err := w.dec.Token()
	if err != nil {
		return
	}
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t != nil && t.Kind() == reflect.Interface {
		t = nil
	}
	if t != nil {
		w.at[path] = start // nested rubbish has long paths, and nobody asks for them
		if what, ok := fits(tok, t); !ok {
			w.errorf(start, "%s holds %s, want %s", cmp.Or(path, "the file"), what, typeName(t))
			t, strict = nil, false
		}
	}
	switch tok {
	case json.Delim('{'):
		w.object(path, t, strict)
	case json.Delim('['):
		for i := 0; w.dec.More(); i++ {
			w.value(below(path, "["+strconv.Itoa(i)+"]", t), elem(t, reflect.Slice), strict)
		}
		_, _ = w.dec.Token()
	}
}

// start is the offset of the next token.
func (w *walker) start() int {
	at := int(w.dec.InputOffset())
	for at < len(w.text) && strings.IndexByte(" \t\r\n,:", w.text[at]) >= 0 {
		at++
	}
	return at
}

func (w *walker) object(path string, t reflect.Type, strict bool) {
	seen := map[string]bool{}
	for w.dec.More() {
		at := w.start()
		tok, err := w.dec.Token()
		key, ok := tok.(string)
		if err != nil || !ok {
			return
		}
		if strict && seen[key] {
			w.errorf(at, "%s: %q is here twice", path, key)
		}
		seen[key] = true
		next, known := field(t, key, strict)
		if strict && !known {
			w.errorf(at, "%s: unknown key %q: use one of %s (version %d; a newer file needs a newer slashdev)", path, key, strings.Join(fields(t), ", "), Version)
		}
		w.value(below(path, "."+key, t), next, strict && known || path == "" && strings.EqualFold(key, "Slashdev"))
	}
	_, _ = w.dec.Token()
}

// below is the path of what is in a value of type t. Inside what nobody reads
// paths do not grow: it may be nested deeply.
func below(path, key string, t reflect.Type) string {
	switch {
	case t == nil:
		return path
	case path == "":
		return strings.TrimPrefix(key, ".")
	}
	return path + key
}

// field is the type of a key's value. In our object case counts.
func field(t reflect.Type, key string, strict bool) (reflect.Type, bool) {
	if t == nil || t.Kind() == reflect.Map {
		return elem(t, reflect.Map), true
	}
	if t.Kind() != reflect.Struct {
		return nil, false
	}
	for _, f := range reflect.VisibleFields(t) {
		if f.Name == key || !strict && strings.EqualFold(f.Name, key) {
			return f.Type, true
		}
	}
	return nil, false
}

func fields(t reflect.Type) []string {
	var names []string
	if t != nil && t.Kind() == reflect.Struct {
		for _, f := range reflect.VisibleFields(t) {
			names = append(names, f.Name)
		}
	}
	slices.Sort(names)
	return names
}

func elem(t reflect.Type, kind reflect.Kind) reflect.Type {
	if t == nil || t.Kind() != kind {
		return nil
	}
	return t.Elem()
}
