package namespace

import "testing"

func node(name string, minor uint32) Entry {
	return Entry{Name: name, Node: &Node{Block: true, Major: 8, Minor: minor, Set: true, Mode: 0o660, Owner: "root", Group: "disk"}}
}

func link(name, target string) Entry { return Entry{Name: name, Target: target} }

func want(t *testing.T, what string, ops []Op, text string) {
	t.Helper()
	if got := Print(ops); got != text {
		t.Errorf("%s: got\n%swant\n%s", what, got, text)
	}
}

func TestPutAndDrop(t *testing.T) {
	s := New()
	sda := []Entry{node("sda", 0), link("disk/x", "../sda"), link("disk/y", "../sda")}
	want(t, "new", s.Put("/a", sda), "* attr  sda 0660 root:disk\n+ link  disk/x -> ../sda\n+ link  disk/y -> ../sda\n")
	want(t, "again: the kernel may have made the node anew", s.Put("/a", sda), "* attr  sda 0660 root:disk\n")
	want(t, "a link less, one more, one elsewhere",
		s.Put("/a", []Entry{node("sda", 0), link("disk/x", "../../sda"), link("disk/z", "../sda")}),
		"- link  disk/y\n* attr  sda 0660 root:disk\n+ link  disk/x -> ../../sda\n+ link  disk/z -> ../sda\n")
	if nodes, links := s.Len(); nodes != 1 || links != 2 {
		t.Errorf("%d nodes, %d links", nodes, links)
	}
	want(t, "gone: links before the node", s.Drop("/a"), "- link  disk/z\n- link  disk/x\n")
	want(t, "nothing left", s.All(), "")
	want(t, "twice", s.Drop("/a"), "")
}

func TestE10_NodeWinsOverLink(t *testing.T) {
	s := New()
	want(t, "a link", s.Put("/a", []Entry{link("null", "sda")}), "+ link  null -> sda\n")
	want(t, "the node of this name", s.Put("/n", []Entry{node("null", 3)}), "- link  null\n+ node  null b 8:3\n* attr  null 0660 root:disk\n")
	want(t, "another link", s.Put("/0", []Entry{link("null", "sdb")}), "")
	if owner, _ := s.Owner("null"); owner != "/n" || s.Wins("/a", "null") {
		t.Errorf("owner is %s", owner)
	}
	want(t, "the node goes", s.Drop("/n"), "- node  null\n+ link  null -> sdb\n")
	s.Drop("/0")
	s.Drop("/a")
	want(t, "a node that was there first", s.Put("/n", []Entry{node("null", 3)}), "* attr  null 0660 root:disk\n")
	want(t, "a link of its name", s.Put("/a", []Entry{link("null", "sda")}), "")
	want(t, "the kernel removes it", s.Drop("/n"), "+ link  null -> sda\n")
}

func TestU11_WinnerDoesNotDependOnOrder(t *testing.T) {
	orders := [][]string{{"/a", "/b", "/c"}, {"/c", "/b", "/a"}, {"/b", "/c", "/a"}}
	for _, order := range orders {
		s := New()
		for _, owner := range order {
			s.Put(owner, []Entry{link("x", owner)})
		}
		for _, winner := range []string{"/a", "/b", "/c"} {
			if got, _ := s.Owner("x"); got != winner {
				t.Errorf("order %v: %s has x, want %s", order, got, winner)
			}
			s.Drop(winner)
		}
	}
}

func TestNodeThatIsNotOursToSet(t *testing.T) {
	s := New()
	e := Entry{Name: "hidraw0", Node: &Node{Major: 1}}
	want(t, "kept", s.Put("/a", []Entry{e, link("char/1:0", "../hidraw0")}), "+ link  char/1:0 -> ../hidraw0\n")
}

func TestU11_PriorityBeforePath(t *testing.T) {
	s := New()
	low, high := link("x", "sda"), link("x", "sdb")
	high.Priority = 10
	want(t, "first", s.Put("/a", []Entry{low}), "+ link  x -> sda\n")
	want(t, "a higher one", s.Put("/b", []Entry{high}), "+ link  x -> sdb\n")
	want(t, "the lower again", s.Put("/a", []Entry{low}), "")
	if got := s.Claimants("x"); len(got) != 2 || got[0] != "/b" {
		t.Errorf("claimants %q", got)
	}
	high.Priority = -1
	want(t, "it changes its mind", s.Put("/b", []Entry{high}), "+ link  x -> sda\n")
	want(t, "the first goes", s.Drop("/a"), "+ link  x -> sdb\n")
}
