package edit

import "strings"

// maxHistory is how many lines are remembered.
const maxHistory = 200

// History holds the lines entered, the newest last.
type History struct{ lines []string }

// Add remembers a line and reports whether it did: not an empty one, one that
// starts with a space, or the previous one once more.
func (h *History) Add(line string) bool {
	if strings.TrimSpace(line) == "" || line[0] == ' ' || h.Len() > 0 && h.Back(1) == line {
		return false
	}
	h.lines = append(h.lines, line)
	if len(h.lines) > maxHistory {
		h.lines = append([]string(nil), h.lines[len(h.lines)-maxHistory:]...)
	}
	return true
}

// Load adds the lines of text, as History.Text made it.
func (h *History) Load(text string) {
	for l := range strings.Lines(text) {
		h.Add(strings.ToValidUTF8(strings.TrimSuffix(l, "\n"), ""))
	}
}

// Text returns all lines, each ended by a newline.
func (h *History) Text() string {
	if len(h.lines) == 0 {
		return ""
	}
	return strings.Join(h.lines, "\n") + "\n"
}

// Len returns how many lines there are.
func (h *History) Len() int { return len(h.lines) }

// Back returns the line n before the one being typed; n starts at 1.
func (h *History) Back(n int) string { return h.lines[len(h.lines)-n] }
