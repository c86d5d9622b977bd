package graph

import (
	"slices"
	"strings"
	"testing"

	"slashdev/init/plan"
)

// programs makes a plan of "a: b c" (a after b and c) and "a! b" (a waits for
// the condition program:b).
func programs(text string) (all []plan.Program) {
	for part := range strings.SplitSeq(text, ";") {
		words := strings.Fields(part)
		p := plan.Program{}
		if name, ok := strings.CutSuffix(words[0], "!"); ok {
			p.Name = name
			for _, w := range words[1:] {
				p.Wait = append(p.Wait, "program:"+w)
			}
		} else {
			p.Name, p.After = strings.TrimSuffix(words[0], ":"), words[1:]
		}
		all = append(all, p)
	}
	return all
}

// TestC07_CyclesAreNamedInOrder: whoever reads the message knows which line to
// remove; a deadlock at boot would say nothing.
func TestC07_CyclesAreNamedInOrder(t *testing.T) {
	for text, want := range map[string]string{
		"a; b: a; c: a b":        "",
		"a: b; b":                "",
		"a: a":                   "a waits for itself",
		"a! a":                   "a waits for itself",
		"a: b; b: a":             "programs wait for each other: a -> b -> a",
		"a: b; b! c; c: d; d! b": "programs wait for each other: b -> c -> d -> b",
		"x: a; a: b; b: c; c: a": "programs wait for each other: a -> b -> c -> a",
		"a: b; b: a; c: d; d: c": "programs wait for each other: a -> b -> a\nprograms wait for each other: c -> d -> c",
		"a: b":                   "a waits for b, which is no program of this plan",
		"a: b c; c: a":           "a waits for b, which is no program of this plan\nprograms wait for each other: a -> c -> a",
		"a! dev; dev":            "",
	} {
		var got []string
		for _, err := range Check(programs(text)) {
			got = append(got, err.Error())
		}
		if s := strings.Join(got, "\n"); s != want {
			t.Errorf("%s: got\n%s\nwant\n%s", text, s, want)
		}
	}
}

func TestOrder(t *testing.T) {
	for text, want := range map[string]string{
		"a; b; c":                "a b c",
		"a: c; b; c":             "c a b",
		"a! b; b! c; c":          "c b a",
		"a: b; b: a; c: a":       "b a c", // cut where it closes
		"a: nosuch; b":           "a b",
		"a: c d; b: d; c: d; d:": "d c a b",
	} {
		if got := strings.Join(Order(programs(text)), " "); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// FuzzCheck: whatever waits for whatever, the order holds every program once,
// and without errors it is an order.
func FuzzCheck(f *testing.F) {
	f.Add("a: b; b: a")
	f.Add("a! b; b: c d; c; d: c")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 200 || slices.ContainsFunc(strings.Split(text, ";"), func(s string) bool { return len(strings.Fields(s)) == 0 }) {
			return
		}
		all, seen := programs(text), map[string]bool{}
		all = slices.CompactFunc(all, func(p, q plan.Program) bool { return p.Name == q.Name })
		slices.SortStableFunc(all, func(p, q plan.Program) int { return strings.Compare(p.Name, q.Name) })
		all = slices.CompactFunc(all, func(p, q plan.Program) bool { return p.Name == q.Name })
		order, errs := Order(all), Check(all)
		if len(order) != len(all) {
			t.Fatalf("%d of %d programs: %v", len(order), len(all), order)
		}
		for _, name := range order {
			i := slices.IndexFunc(all, func(p plan.Program) bool { return p.Name == name })
			for _, need := range Needs(&all[i]) {
				if len(errs) == 0 && !seen[need] {
					t.Fatalf("%s stands before %s: %v", name, need, order)
				}
			}
			seen[name] = true
		}
	})
}
