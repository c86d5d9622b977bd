// Package line reads and writes lines of quoted words.
//
// The same line is the unit of the control protocol (a request, or one record
// of a reply), of the plan that the builder compiles for PID 1, and of the
// journal files: one grammar, one parser, one fuzz target.
//
// A line is words separated by spaces or tabs. A double quote starts a quoted
// stretch anywhere in a word, so key="two words" is one word. Inside quotes
// \" \\ \n \t \r and \xNN stand for bytes; outside quotes every byte but
// space, tab, quote, newline and NUL stands for itself.
package line

import (
	"fmt"
	"strings"
)

// Max is the longest request line that a server accepts, in bytes.
const Max = 4096

// SyntaxError says where a line is not a list of words.
type SyntaxError struct {
	Col int // 1-based byte column
	Msg string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("column %d: %s", e.Col, e.Msg) }

// Split returns the words of s. An empty or blank line has no words.
func Split(s string) ([]string, error) {
	var words []string
	for i := skipBlank(s, 0); i < len(s); i = skipBlank(s, i) {
		word, next, err := scanWord(s, i)
		if err != nil {
			return nil, err
		}
		words = append(words, word)
		i = next
	}
	return words, nil
}

func skipBlank(s string, i int) int {
	for i < len(s) && (s[i] == ' ' || s[i] == '\t') {
		i++
	}
	return i
}

func scanWord(s string, i int) (word string, next int, err error) {
	var b strings.Builder
	for i < len(s) {
		switch c := s[i]; c {
		case ' ', '\t':
			return b.String(), i, nil
		case '\n', 0:
			return "", i, &SyntaxError{i + 1, "newline or NUL outside quotes"}
		case '"':
			if i, err = scanQuoted(s, i+1, &b); err != nil {
				return "", i, err
			}
		default:
			b.WriteByte(c)
			i++
		}
	}
	return b.String(), i, nil
}

// scanQuoted copies the stretch that starts at i, behind the opening quote,
// and returns the position behind the closing one.
func scanQuoted(s string, i int, b *strings.Builder) (int, error) {
	for start := i; ; {
		if i >= len(s) {
			return i, &SyntaxError{start, "quote is not closed"}
		}
		switch c := s[i]; c {
		case '"':
			return i + 1, nil
		case '\\':
			n, ok := unescape(s[i+1:], b)
			if !ok {
				return i, &SyntaxError{i + 1, `unknown escape: use \" \\ \n \t \r or \xNN`}
			}
			i += 1 + n
		default:
			b.WriteByte(c)
			i++
		}
	}
}

// unescape decodes the escape behind a backslash and says how long it was.
func unescape(s string, b *strings.Builder) (int, bool) {
	const plain, meaning = `"\ntr`, "\"\\\n\t\r"
	if s == "" {
		return 0, false
	}
	if k := strings.IndexByte(plain, s[0]); k >= 0 {
		b.WriteByte(meaning[k])
		return 1, true
	}
	if s[0] != 'x' || len(s) < 3 {
		return 0, false
	}
	hi, lo := hexValue(s[1]), hexValue(s[2])
	if hi < 0 || lo < 0 {
		return 0, false
	}
	b.WriteByte(byte(hi<<4 | lo))
	return 3, true
}

func hexValue(c byte) int {
	k := strings.IndexByte("0123456789abcdefABCDEF", c)
	if k > 15 {
		k -= 6
	}
	return k
}

// Append appends words to dst as one line without the newline. Split returns
// exactly these words again, whatever bytes they hold.
func Append(dst []byte, words ...string) []byte {
	for i, w := range words {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = appendWord(dst, w)
	}
	return dst
}

// Pair appends " key=value" to dst; key must be a plain word.
func Pair(dst []byte, key, value string) []byte {
	dst = append(append(append(dst, ' '), key...), '=')
	if value == "" {
		return dst
	}
	return appendWord(dst, value)
}

// CutPair splits a word at its first "=".
func CutPair(word string) (key, value string, ok bool) { return strings.Cut(word, "=") }

func appendWord(dst []byte, w string) []byte {
	if w != "" && strings.IndexFunc(w, needsQuote) < 0 {
		return append(dst, w...)
	}
	dst = append(dst, '"')
	for i := 0; i < len(w); i++ {
		dst = appendByte(dst, w[i])
	}
	return append(dst, '"')
}

// needsQuote is true for invalid UTF-8 too: a reply must print as text.
func needsQuote(r rune) bool {
	return r <= ' ' || r == '"' || r == '\\' || r >= 0x7f && r < 0xa0 || r == '\ufffd'
}

func appendByte(dst []byte, c byte) []byte {
	const hex = "0123456789abcdef"
	switch {
	case c == '"' || c == '\\':
		return append(dst, '\\', c)
	case c == '\n':
		return append(dst, `\n`...)
	case c < ' ' || c >= 0x7f:
		return append(dst, '\\', 'x', hex[c>>4], hex[c&15])
	}
	return append(dst, c)
}
