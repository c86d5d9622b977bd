package naming

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestS3_1_NumbersAreTheLowestThatAreFree(t *testing.T) {
	var n Numbers
	for i := range 4 {
		if got := n.Take("disc", fmt.Sprint("p", i), fmt.Sprint("d", i)); got != i {
			t.Errorf("disk %d has number %d", i, got)
		}
	}
	if got := n.Take("cdrom", "p0", "c0"); got != 0 {
		t.Errorf("the first drive has number %d", got)
	}
	n.Drop("d1")
	n.Drop("d2")
	n.Drop("never heard of")
	if again, next := n.Take("disc", "p3", "d3"), n.Take("disc", "p9", "d9"); again != 3 || next != 1 {
		t.Errorf("numbers %d and %d, want 3 and 1", again, next)
	}
	if got := n.Take("disc", "p0", "d8"); got != 2 {
		t.Errorf("a second disk at a place has number %d", got)
	}
}

func TestS3_1_StableNumbersStayWithTheirPlace(t *testing.T) {
	n := Numbers{stable: true}
	n.Take("disc", "left", "sda")
	n.Take("disc", "right", "sdb")
	n.Drop("sda")
	if a, b := n.Take("disc", "third", "sdc"), n.Take("disc", "left", "sdd"); a != 2 || b != 0 {
		t.Errorf("numbers %d and %d, want 2 and 0", a, b)
	}
	for i := range 3 * maxKept {
		n.Take("disc", fmt.Sprint("place", i), fmt.Sprint(i))
		n.Drop(fmt.Sprint(i))
	}
	if kept := len(n.classes["disc"].places); kept > maxKept+3 {
		t.Errorf("%d places are remembered", kept)
	}
}

// A disk that is not there at the start may come later: its number waits.
func TestS3_1_StableNumbersOutlastAStart(t *testing.T) {
	for _, stable := range []bool{true, false} {
		n, err := ParseNumbers(numbersHead + `disc 0 "left"` + "\n" + `disc 1 "right"` + "\n")
		if err != nil {
			t.Fatal(err)
		}
		n.stable = stable
		n.Take("disc", "right", "sda")
		n.Settle()
		want := map[bool]int{true: 2, false: 0}[stable]
		if got := n.Take("disc", "third", "sdb"); got != want {
			t.Errorf("stable %v: the third has number %d, want %d", stable, got, want)
		}
	}
}

// What an earlier process gave out is given out again, and forgotten if nobody
// comes for it.
func TestS3_1_NumbersOutlastTheProcess(t *testing.T) {
	var n Numbers
	for _, place := range []string{"a", "b c", "d\n\"e"} {
		n.Take("disc", place, "/"+place)
	}
	n.Drop("/a")
	again, err := ParseNumbers(n.String())
	if err != nil {
		t.Fatal(err)
	}
	if again.String() != n.String() {
		t.Errorf("got\n%swant\n%s", again, &n)
	}
	if i := again.Take("disc", "d\n\"e", "sdx"); i != 2 {
		t.Errorf("it had number 2, now %d", i)
	}
	again.Settle()
	if i, j := again.Take("disc", "new", "sdy"), again.Take("disc", "newer", "sdz"); i != 0 || j != 1 {
		t.Errorf("numbers %d and %d, want 0 and 1", i, j)
	}
}

func TestNumbersThatMakeNoSense(t *testing.T) {
	for _, text := range []string{"", "disc 0 \"a\"\n", numbersHead + "disc 0\n", numbersHead + "disc -1 \"a\"\n", numbersHead + "disc 0 a\n",
		numbersHead + "disc 0 \"a\"\ndisc 0 \"b\"\n", numbersHead + "disc 0 \"a\"\ndisc 1 \"a\"\n", numbersHead + "disc 99999999999 \"a\"\n",
		numbersHead + "../x 0 \"a\"\n", numbersHead + strings.Repeat("x", maxNumbers)} {
		if n, err := ParseNumbers(text); err == nil {
			t.Errorf("%.60q is read as\n%s", text, n)
		}
	}
}

// No number has two owners, none is given without need, whatever comes and goes.
func TestS3_1_NumbersAreABijection(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 3))
		n := &Numbers{stable: seed%2 == 0}
		have := map[string]int{}
		for range 300 {
			owner := fmt.Sprint("d", r.IntN(12))
			_, there := have[owner]
			if there && r.IntN(2) == 0 {
				n.Drop(owner)
				delete(have, owner)
				continue
			}
			got := n.Take("disc", fmt.Sprint("p", r.IntN(9)), owner)
			have[owner] = got
			for other, i := range have {
				if i == got && other != owner {
					t.Fatalf("seed %d: %s and %s have number %d", seed, owner, other, i)
				}
			}
			if !n.stable && !there && got >= len(have) {
				t.Fatalf("seed %d: number %d of %d devices", seed, got, len(have))
			}
		}
	}
}

func FuzzNumbers(f *testing.F) {
	f.Add(numbersHead + "disc 0 \"a\"\ncdrom 0 \"a\"\n")
	f.Add(numbersHead)
	f.Fuzz(func(t *testing.T, text string) {
		n, err := ParseNumbers(text)
		if err != nil {
			return
		}
		again, err := ParseNumbers(n.String())
		if err != nil || again.String() != n.String() {
			t.Errorf("%q becomes %q: %v", n, again, err)
		}
		n.Take("disc", "p", "o")
		n.Settle()
	})
}
