package spec

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"slashdev/init/graph"
	"slashdev/init/line"
	"slashdev/init/plan"
)

// Report is what is to be said of an appliance file, or of the plan that one
// was compiled to.
type Report struct {
	File     string     `json:"file"`
	OK       bool       `json:"ok"`
	Summary  string     `json:"summary"` // what is in it, when it is ok
	Errors   []*Error   `json:"errors"`
	Warnings []string   `json:"warnings"`
	Plan     *plan.Plan `json:"-"` // nil when it is not ok
}

// Check reads an appliance file or a plan, whichever the text is.
func Check(name string, text []byte) *Report {
	r := &Report{File: name, Errors: []*Error{}, Warnings: []string{}}
	if strings.HasPrefix(string(text), "slashdev-plan") {
		r.plan(string(text))
	} else {
		r.appliance(text)
	}
	if r.OK = len(r.Errors) == 0; r.OK {
		p := r.Plan
		r.Summary = fmt.Sprintf("%s, %d programs, shell %s", p.Hostname, len(p.Programs), p.Shell)
	}
	return r
}

// Err joins the errors.
func (r *Report) Err() error {
	var all []error
	for _, e := range r.Errors {
		all = append(all, e)
	}
	return errors.Join(all...)
}

func (r *Report) appliance(text []byte) {
	s, err := Parse(r.File, text)
	for _, err := range parts(err) {
		if e, ok := errors.AsType[*Error](err); ok {
			r.Errors = append(r.Errors, e)
		}
	}
	if s != nil {
		r.Plan, r.Warnings = s.Plan(""), append(r.Warnings, s.Warnings...)
	}
}

// plan adds to what PID 1 says the place that a person would look for.
func (r *Report) plan(text string) {
	p, err := plan.Parse(text)
	rows := strings.Split(text, "\n")
	for _, err := range parts(err) {
		if e, ok := errors.AsType[*plan.SyntaxError](err); ok {
			r.Errors = append(r.Errors, &Error{r.File, e.Line, column(rows[e.Line-1], e.Msg), e.Msg})
		}
	}
	if err != nil {
		return
	}
	r.Plan = p
	for _, err := range graph.Check(p.Programs) {
		if e, ok := errors.AsType[*graph.Error](err); ok {
			row := rowOf(rows, e)
			r.Errors = append(r.Errors, &Error{r.File, row + 1, strings.Index(rows[row], e.Needs[0]) + 1, e.Error()})
		}
	}
}

// column is where the word stands that the message quotes; else 1.
func column(row, msg string) int {
	for word := range strings.FieldsSeq(row) {
		if strings.Contains(msg, strconv.Quote(word)) {
			return strings.Index(row, word) + 1
		}
	}
	n := 1
	_, _ = fmt.Sscanf(msg, "column %d:", &n)
	return n
}

// rowOf finds the line that says the wrong thing about a program.
func rowOf(rows []string, e *graph.Error) int {
	for i, row := range rows {
		words, _ := line.Split(row)
		if len(words) < 3 || words[1] != e.Program || words[0] != "after" && words[0] != "wait" {
			continue
		}
		if slices.Contains(words[2:], e.Needs[0]) || slices.Contains(words[2:], "program:"+e.Needs[0]) {
			return i
		}
	}
	return 0
}

// parts takes joined errors apart.
func parts(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return nil
}
