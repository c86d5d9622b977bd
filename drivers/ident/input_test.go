package ident

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// TestInputsAsObserved compares with what udev said of devices with capabilities
// drawn at random.
func TestInputsAsObserved(t *testing.T) {
	text, err := os.ReadFile("testdata/inputs.txt")
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for line := range strings.Lines(string(text)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "|")
		if len(f) != 8 {
			continue // a comment
		}
		want := strings.Fields(strings.Replace(f[7], "+", "ID_INPUT", 1))
		for i := range want[1:] {
			want[i+1] = "ID_INPUT_" + want[i+1]
		}
		all, err := Input(inputTree(f), "/devices/virtual/input/input3/event3")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range all {
			got = append(got, p.Key)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s:\n got %v\nwant %v", strings.Join(f[:7], "|"), got, want)
		}
		compared++
	}
	if compared < 200 {
		t.Errorf("only %d compared", compared)
	}
}

func inputTree(f []string) fstest.MapFS {
	tree := fstest.MapFS{}
	for i, name := range []string{"capabilities/ev", "capabilities/key", "capabilities/rel", "capabilities/abs", "properties", "capabilities/sw", "id/bustype"} {
		tree["devices/virtual/input/input3/"+name] = &fstest.MapFile{Data: []byte(f[i] + "\n")}
	}
	return tree
}

func TestInputSize(t *testing.T) {
	wide, high := Axis{0, 5040, 40}, Axis{0, 3780, 40}
	want := []Property{{"ID_INPUT_WIDTH_MM", "126"}, {"ID_INPUT_HEIGHT_MM", "94"}} // seen of a tablet
	if got := InputSize(wide, high); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	if got := InputSize(Axis{0, 32767, 0}, high); got != nil {
		t.Errorf("without a resolution: %v", got)
	}
	if got := InputSize(Axis{-1 << 31, 1<<31 - 1, 1}, high); got[0].Value != "4294967295" {
		t.Errorf("the widest: %v", got)
	}
}

func FuzzInput(f *testing.F) {
	f.Add("120013", "1000000000007 ff9f207ac14057ff febeffdfffefffff fffffffffffffffe", "0")
	f.Add("zz", "-1", strings.Repeat("f ", 500))
	f.Fuzz(func(t *testing.T, ev, key, abs string) {
		tree := inputTree([]string{ev, key, key, abs, abs, "0", "0003"})
		all, err := Input(tree, "/devices/virtual/input/input3")
		if err != nil || len(all) == 0 || len(all) > 12 || all[0] != (Property{"ID_INPUT", "1"}) {
			t.Errorf("%v %v", all, err)
		}
	})
}
