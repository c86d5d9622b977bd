package ring

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"slashdev/init/userland/tool"
)

// Record is one line: when, how grave, whose, what.
type Record struct {
	Seq   uint64        // counts the records of a boot from 1; Add gives it
	When  time.Duration // since boot; Add fills in a zero
	Level int           // 0 emerg to 7 debug, as syslog(3) has them
	Name  string        // of the program; a plain word
	Mark  int64         // how far its source is read with this record; 0: it has none
	Text  string        // without control characters
}

// state is the name of records that are not lines: they say how far each
// source is read, for the next logger of this boot.
const state = "-"

// Append adds the record to dst as one line of the ring's file:
//
//	SEQ SECONDS.MICROSECONDS LEVEL NAME MARK TEXT
func (r *Record) Append(dst []byte) []byte {
	dst = append(strconv.AppendUint(dst, r.Seq, 10), ' ')
	dst = strconv.AppendInt(dst, int64(r.When/time.Second), 10)
	us := strconv.AppendInt(nil, int64(time.Second+r.When%time.Second)/1000, 10)
	dst = append(append(append(dst, '.'), us[1:]...), ' ', '0'+byte(r.Level), ' ')
	dst = append(append(dst, r.Name...), ' ')
	dst = append(strconv.AppendInt(dst, r.Mark, 10), ' ')
	return append(append(dst, r.Text...), '\n')
}

// Parse reads a line of the ring's file, without its newline. The record's
// strings are parts of s.
func Parse(s string) (r Record, err error) {
	rest := s
	next := func() string {
		var word string
		word, rest, _ = strings.Cut(rest, " ")
		return word
	}
	seq, when, level := next(), next(), next()
	r.Name = next()
	mark, hasText := next(), len(rest) > 0 || strings.HasSuffix(s, " ")
	r.Text = rest
	var bad [3]error
	r.Seq, bad[0] = strconv.ParseUint(seq, 10, 64)
	r.When, bad[1] = parseWhen(when)
	r.Mark, bad[2] = strconv.ParseInt(mark, 10, 64)
	if bad != [3]error{} || !hasText || r.Name == "" || len(level) != 1 || level[0] < '0' || level[0] > '7' {
		return Record{}, fmt.Errorf("parse log record: %q", tool.Cut(s, 40))
	}
	r.Level = int(level[0] - '0')
	return r, nil
}

func parseWhen(s string) (time.Duration, error) {
	sec, frac, _ := strings.Cut(s, ".")
	n, err := strconv.ParseUint(sec, 10, 32)
	if err != nil {
		return 0, err
	}
	us, err := strconv.ParseUint(frac, 10, 32)
	if err == nil && len(frac) != 6 {
		err = strconv.ErrSyntax
	}
	return time.Duration(n)*time.Second + time.Duration(us)*time.Microsecond, err
}
