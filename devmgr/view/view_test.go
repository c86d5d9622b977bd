package view

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
)

var host = Caller{Host: true}

func char(major, minor uint32) Item {
	return Item{Kind: Char, Major: major, Minor: minor, Attr: Attr{Mode: 0o666}}
}

// machine returns a back layer with a few devices.
func machine(t testing.TB) *Back {
	t.Helper()
	b := NewBack()
	for _, dir := range []string{"pts", "shm"} {
		b.Fix(dir, Attr{Mode: 0o755})
	}
	for name, it := range map[string]Item{
		"null": char(1, 3), "zero": char(1, 5), "kmem": char(1, 2), "snd/pcm0": char(116, 2), "snd/pcm1": char(116, 3),
		"fd": {Kind: Link, Target: "/proc/self/fd"},
	} {
		put(t, b, name, it)
	}
	return b
}

func put(t testing.TB, b *Back, name string, it Item) {
	t.Helper()
	if err := b.Put(name, it); err != nil {
		t.Fatalf("put %s: %v", name, err)
	}
}

func view(t testing.TB, b *Back, words ...string) *View {
	t.Helper()
	opt, err := ParseOptions(words)
	if err != nil {
		t.Fatal(err)
	}
	opt.Devices = "/devices"
	return New(b, opt)
}

// at walks to the directory of a path.
func at(v *View, name string) Place {
	p := Place{Dir: Root, Name: name}
	for {
		dir, rest, more := strings.Cut(p.Name, "/")
		if !more {
			return p
		}
		e, err := v.Lookup(p.Dir, dir)
		if err != nil {
			return Place{Dir: 0, Name: rest}
		}
		p = Place{Dir: e.ID, Name: rest}
	}
}

func find(v *View, name string) (Entry, error) {
	p := at(v, name)
	return v.Lookup(p.Dir, p.Name)
}

// show prints everything in a view, one word an entry.
func show(v *View) string {
	var words []string
	walk(v, Root, "", func(name string, e Entry) {
		switch e.Kind {
		case Dir:
			name += "/"
		case Link:
			name += "->" + e.Target
		case Char, Block:
			name += fmt.Sprintf("=%d:%d", e.Major, e.Minor)
		}
		words = append(words, name)
	})
	return strings.Join(words, " ")
}

func walk(v *View, dir ID, prefix string, visit func(string, Entry)) {
	list, err := v.List(dir)
	if err != nil {
		visit(prefix+err.Error(), Entry{})
	}
	for _, l := range list {
		e, err := v.Lookup(dir, l.Name)
		if err != nil || e.ID != l.ID || e.Kind != l.Kind {
			visit(prefix+l.Name+"!listed but "+fmt.Sprint(err), e)
			continue
		}
		visit(prefix+l.Name, e)
		if e.Kind == Dir {
			walk(v, e.ID, prefix+l.Name+"/", visit)
		}
	}
}

func want(t *testing.T, v *View, what, words string) {
	t.Helper()
	if got := show(v); got != words {
		t.Errorf("%s:\n got %s\nwant %s", what, got, words)
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

func refused(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

func move(v *View, from, to string) error { return v.Rename(at(v, from), at(v, to), false) }

func mknod(v *View, name string, it Item) error {
	_, err := v.Mknod(at(v, name), it, host)
	return err
}

const whole = "fd->/proc/self/fd kmem=1:2 null=1:3 pts/ shm/ snd/ snd/pcm0=116:2 snd/pcm1=116:3 zero=1:5"

func without(words ...string) string {
	rest := " " + whole + " "
	for _, w := range words {
		rest = strings.Replace(rest, " "+w+" ", " ", 1)
	}
	return strings.TrimSpace(rest)
}

func TestS0_1_NodesOrLinksToThem(t *testing.T) {
	b := machine(t)
	nodes, links := view(t, b), view(t, b, "style=link")
	want(t, nodes, "nodes", whole)
	want(t, links, "links", "fd->/proc/self/fd kmem->/devices/kmem null->/devices/null pts/ shm/ snd/ "+
		"snd/pcm0->/devices/snd/pcm0 snd/pcm1->/devices/snd/pcm1 zero->/devices/zero")
	e, _ := find(links, "null")
	mode := uint32(0o600)
	_, err := links.SetAttr(e.ID, AttrChange{Mode: &mode})
	refused(t, "chmod of a link", err, syscall.EPERM)
}

func TestS1_1_AttributesOfOneViewOrOfAll(t *testing.T) {
	b := machine(t)
	own, other := view(t, b), view(t, b)
	shared, shared2 := view(t, b, "attrs=shared"), view(t, b, "attrs=shared")
	mode := uint32(0o600)
	for _, v := range []*View{own, shared} {
		e, _ := find(v, "null")
		_, err := v.SetAttr(e.ID, AttrChange{Mode: &mode})
		ok(t, err)
	}
	for v, wanted := range map[*View]uint32{own: 0o600, other: 0o666, shared: 0o600, shared2: 0o600} {
		if e, _ := find(v, "null"); e.Attr.Mode != wanted {
			t.Errorf("mode %o, want %o", e.Attr.Mode, wanted)
		}
	}
}

func TestS1_10_RenameOfDevicesIsAnOption(t *testing.T) {
	b := machine(t)
	deny, allow := view(t, b), view(t, b, "rename=allow")
	refused(t, "rename", move(deny, "null", "n"), syscall.EOPNOTSUPP)
	refused(t, "rename of a directory", move(deny, "snd", "audio"), syscall.EOPNOTSUPP)
	ok(t, move(allow, "null", "n"))
	_, err := deny.Symlink(at(deny, "mine"), "null", host)
	ok(t, err)
	ok(t, move(deny, "mine", "yours"))
	want(t, deny, "what is ours moves", whole[:len(whole)-len("zero=1:5")]+"yours->null zero=1:5")
}

func TestS1_10_LinkCoversAHiddenDevice(t *testing.T) {
	b := machine(t)
	v := view(t, b, "newdev=hide")
	put(t, b, "tty9", char(4, 9))
	_, err := v.Symlink(at(v, "tty9"), "null", host)
	ok(t, err)
	if e, _ := find(v, "tty9"); e.Target != "null" {
		t.Errorf("got %+v", e)
	}
	_, err = v.Symlink(at(v, "null"), "zero", host)
	refused(t, "a link over what is seen", err, syscall.EEXIST)
	ok(t, v.Unlink(at(v, "tty9")))
	want(t, v, "hidden as before", whole)
	ok(t, mknod(v, "tty9", char(0, 0)))
	if e, _ := find(v, "tty9"); e.Major != 4 {
		t.Errorf("got %+v", e)
	}
}

func TestS1_13_DeleteHidesInOneView(t *testing.T) {
	b := machine(t)
	v, other := view(t, b), view(t, b)
	ok(t, v.Unlink(at(v, "zero")))
	want(t, v, "deleted", without("zero=1:5"))
	put(t, b, "zero", char(1, 5)) // a rescan finds it
	want(t, v, "after a rescan", without("zero=1:5"))
	b.Remove("zero")
	put(t, b, "zero", char(1, 5))
	want(t, v, "plugged in again", without("zero=1:5"))
	want(t, other, "the other view", whole)
}

func TestS1_14_MknodShowsAgainWhateverTheNumber(t *testing.T) {
	b := machine(t)
	v := view(t, b)
	ok(t, v.Unlink(at(v, "zero")))
	ok(t, mknod(v, "zero", Item{Kind: Block, Major: 9, Minor: 9}))
	want(t, v, "its own number", whole)
	refused(t, "twice", mknod(v, "zero", char(1, 5)), syscall.EEXIST)
}

func TestS1_15_NewDevicesStayHidden(t *testing.T) {
	b := machine(t)
	jail, main := view(t, b, "newdev=hide"), view(t, b)
	put(t, b, "loop7", char(7, 7))
	want(t, jail, "jail", whole)
	if _, err := find(main, "loop7"); err != nil {
		t.Error(err)
	}
	put(t, b, "null", char(1, 3)) // seen again is not new
	want(t, jail, "after a rescan", whole)
	b.Remove("null")
	put(t, b, "null", char(1, 3))
	want(t, jail, "a new one of an old name", without("null=1:3"))
}

func TestS1_16_OnlyTheHostShowsWhatIsHidden(t *testing.T) {
	b := machine(t)
	v := view(t, b, "preset=jail")
	_, err := v.Mknod(at(v, "kmem"), char(1, 2), Caller{})
	refused(t, "from inside", err, syscall.EPERM)
	_, err = v.Mknod(at(v, "mine"), char(1, 2), Caller{})
	refused(t, "under another name", err, syscall.EPERM)
	ok(t, mknod(v, "kmem", char(0, 0)))
	want(t, v, "by the host", "fd->/proc/self/fd kmem=1:2 null=1:3 pts/ shm/ zero=1:5")
}

func TestS1_17_PresetJail(t *testing.T) {
	b := machine(t)
	v := view(t, b, "preset=jail")
	want(t, v, "jail", "fd->/proc/self/fd null=1:3 pts/ shm/ zero=1:5")
	put(t, b, "full", char(1, 7))
	want(t, v, "later", "fd->/proc/self/fd null=1:3 pts/ shm/ zero=1:5")
	want(t, view(t, b, "preset=empty"), "empty", "")
	want(t, view(t, b, "preset=basic"), "basic", "full=1:7 null=1:3 zero=1:5")
}

func TestS1_18_ReadOnly(t *testing.T) {
	b := machine(t)
	v := view(t, b, "ro")
	put(t, b, "loop7", char(7, 7))
	b.Remove("zero")
	want(t, v, "nothing comes, what goes goes", without("zero=1:5"))
	_, err := v.Mkdir(at(v, "d"), 0o755, host)
	for _, err := range []error{err, v.Unlink(at(v, "null")), mknod(v, "loop7", char(7, 7)), move(v, "null", "n"), v.Refresh(), v.Rmdir(at(v, "snd"))} {
		refused(t, "a change", err, syscall.EROFS)
	}
	v.SetReadOnly(false)
	if _, err := find(v, "loop7"); err != nil {
		t.Error(err)
	}
}

func TestS1_19_UnknownOptions(t *testing.T) {
	for _, w := range []string{"colour=red", "newdev=maybe", "preset=none", "ro=yes", "hide=../x", "hide=[", ""} {
		if _, err := ParseOptions([]string{w}); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q", w)) {
			t.Errorf("%q: %v", w, err)
		}
	}
	words := "preset=jail style=link rename=allow lock=no hide=pts show=tty*"
	opt, err := ParseOptions(strings.Fields(words))
	if got := strings.Join(opt.Words(), " "); err != nil || got != words {
		t.Errorf("%v: %s, want %s", err, got, words)
	}
}

func TestS1_21_ReaderCatchesUp(t *testing.T) {
	b := machine(t)
	v := view(t, b, "rename=allow")
	ok(t, move(v, "null", "n"))
	for i := range 3 * leastLog {
		put(t, b, fmt.Sprint("x", i%7), char(100, uint32(i)))
	}
	if len(v.places) != 1 || v.seen == b.Generation() {
		t.Error("an event touched the view")
	}
	b.Remove("null")
	if _, err := find(v, "n"); err == nil || len(v.places) != 0 {
		t.Errorf("kept for a device that has gone: %v", v.places)
	}
}

func TestS1_23_IdentityIsNotUsedAgain(t *testing.T) {
	b := machine(t)
	v := view(t, b)
	seen := map[ID]bool{}
	for range 100 {
		e, err := find(v, "null")
		if err != nil || seen[e.ID] {
			t.Fatalf("%d: %v, seen %v", e.ID, err, seen[e.ID])
		}
		seen[e.ID] = true
		b.Remove("null")
		put(t, b, "null", char(1, 3))
	}
	again, first := machine(t), machine(t)
	x, _ := find(view(t, again), "snd/pcm0")
	y, _ := find(view(t, first), "snd/pcm0")
	if x.ID != y.ID {
		t.Errorf("another manager numbers %d, this one %d", x.ID, y.ID)
	}
}

func TestS1_24_AnyNumberPassesThrough(t *testing.T) {
	v := view(t, machine(t))
	ok(t, mknod(v, "c", char(250, 77)))
	if e, err := find(v, "c"); err != nil || e.Major != 250 || e.Minor != 77 || e.From != "" {
		t.Errorf("%+v %v", e, err)
	}
}

func TestS1_27_NamesOfAllLengths(t *testing.T) {
	v := view(t, machine(t))
	long := strings.Repeat("x", 255)
	_, err := v.Symlink(at(v, long), "null", host)
	ok(t, err)
	_, err = v.Symlink(at(v, long+"x"), "null", host)
	refused(t, "256", err, syscall.ENAMETOOLONG)
	_, err = v.Lookup(Root, long+"x")
	refused(t, "lookup", err, syscall.ENAMETOOLONG)
}

func TestE3_NamesThatLeadAway(t *testing.T) {
	b := NewBack()
	for _, name := range []string{"", "/null", "../x", "a/../b", "a//b", "a/", ".", "a\nb", "a\x7f", strings.Repeat("x/", 3000) + "x"} {
		if b.Put(name, char(1, 3)) == nil {
			t.Errorf("%q was taken", name)
		}
	}
	put(t, b, "a", char(1, 3))
	refused(t, "a node as a directory", b.Put("a/b", char(1, 3)), syscall.ENOTDIR)
	if b.Len() != 1 {
		t.Errorf("%d records", b.Len())
	}
}

func TestS4_4And5_DirectoriesAreOfTheView(t *testing.T) {
	b := machine(t)
	v, other := view(t, b, "attrs=shared"), view(t, b, "attrs=shared")
	mode := uint32(0o700)
	for _, name := range []string{"snd", "null"} {
		e, _ := find(v, name)
		_, err := v.SetAttr(e.ID, AttrChange{Mode: &mode})
		ok(t, err)
	}
	for name, wanted := range map[string]uint32{"snd": 0o755, "null": 0o700} {
		if e, _ := find(other, name); e.Attr.Mode != wanted {
			t.Errorf("%s: mode %o, want %o", name, e.Attr.Mode, wanted)
		}
	}
}

func TestS4_8_RefreshBringsBackButDoublesNothing(t *testing.T) {
	b := machine(t)
	v := view(t, b, "rename=allow")
	for _, name := range []string{"null", "zero", "snd/pcm1"} {
		ok(t, v.Unlink(at(v, name)))
	}
	ok(t, move(v, "kmem", "snd/mem"))
	want(t, v, "before", "fd->/proc/self/fd pts/ shm/ snd/ snd/mem=1:2 snd/pcm0=116:2")
	ok(t, v.Refresh())
	want(t, v, "after", "fd->/proc/self/fd null=1:3 pts/ shm/ snd/ snd/mem=1:2 snd/pcm0=116:2 snd/pcm1=116:3 zero=1:5")
}

func TestS4_9_MovesKeepTheLink(t *testing.T) {
	b := machine(t)
	v := view(t, b, "rename=allow")
	_, err := v.Mkdir(at(v, "d"), 0o755, host)
	ok(t, err)
	ok(t, move(v, "null", "d/n"))
	ok(t, move(v, "d/n", "d/m"))
	want(t, v, "moved twice", "d/ d/m=1:3 "+without("null=1:3"))
	refused(t, "into itself", move(v, "d", "d/e"), syscall.EINVAL)
	ok(t, move(v, "d/m", "null"))
	ok(t, v.Rmdir(at(v, "d")))
	want(t, v, "home again", whole)
	if len(v.objects)+len(v.places) != 0 {
		t.Errorf("left: %v", v.places)
	}
}

func TestS4_10_RemovedDeviceVanishesWhereItIs(t *testing.T) {
	b := machine(t)
	v := view(t, b, "rename=allow")
	ok(t, move(v, "null", "snd/n"))
	ok(t, move(v, "snd", "audio"))
	b.Remove("null")
	want(t, v, "gone", "audio/ audio/pcm0=116:2 audio/pcm1=116:3 fd->/proc/self/fd kmem=1:2 pts/ shm/ zero=1:5")
	put(t, b, "null", char(1, 3))
	want(t, v, "a new one has its own place", "audio/ audio/pcm0=116:2 audio/pcm1=116:3 fd->/proc/self/fd kmem=1:2 null=1:3 pts/ shm/ zero=1:5")
}

func TestS4_11_MovedDirectoryReceivesWhatComes(t *testing.T) {
	b := machine(t)
	v := view(t, b, "rename=allow")
	ok(t, move(v, "snd", "audio"))
	put(t, b, "snd/pcm2", char(116, 4))
	if e, err := find(v, "audio/pcm2"); err != nil || e.Minor != 4 {
		t.Errorf("%+v %v", e, err)
	}
	for _, name := range []string{"snd/pcm0", "snd/pcm1", "snd/pcm2"} {
		b.Remove(name)
	}
	want(t, v, "the directory stays", "audio/ fd->/proc/self/fd kmem=1:2 null=1:3 pts/ shm/ zero=1:5")
	put(t, b, "snd/pcm0", char(116, 2))
	want(t, v, "and receives again", "audio/ audio/pcm0=116:2 fd->/proc/self/fd kmem=1:2 null=1:3 pts/ shm/ zero=1:5")
	want(t, view(t, b), "no other view", without("snd/pcm1=116:3"))
}

func TestS4_12_DirectoriesGoWhenTheyAreEmpty(t *testing.T) {
	b := machine(t)
	v := view(t, b)
	refused(t, "not empty", v.Rmdir(at(v, "snd")), syscall.ENOTEMPTY)
	refused(t, "a mount point", v.Rmdir(at(v, "pts")), syscall.EBUSY)
	refused(t, "a node", v.Rmdir(at(v, "null")), syscall.ENOTDIR)
	refused(t, "unlink", v.Unlink(at(v, "snd")), syscall.EISDIR)
	ok(t, v.Unlink(at(v, "snd/pcm0")))
	ok(t, v.Unlink(at(v, "snd/pcm1")))
	ok(t, v.Rmdir(at(v, "snd")))
	put(t, b, "snd/pcm2", char(116, 4))
	want(t, v, "deleted", without("snd/", "snd/pcm0=116:2", "snd/pcm1=116:3"))
	_, err := v.Mkdir(at(v, "snd"), 0o700, host)
	ok(t, err)
	want(t, v, "made again", strings.Replace(without("snd/pcm0=116:2"), "pcm1=116:3", "pcm2=116:4", 1))
}

func TestS3_7_MkdirIsAdopted(t *testing.T) {
	b := machine(t)
	v := view(t, b)
	made, err := v.Mkdir(at(v, "dri"), 0o700, Caller{UID: 5})
	ok(t, err)
	put(t, b, "dri/card0", char(226, 0))
	e, err := find(v, "dri")
	if err != nil || e.ID != made.ID || e.Attr.Mode != 0o700 || e.Attr.UID != 5 {
		t.Errorf("%+v %v", e, err)
	}
	if _, err := find(v, "dri/card0"); err != nil {
		t.Error(err)
	}
}

func TestS3_8And13_DeviceAdoptsWhatMknodMade(t *testing.T) {
	b := machine(t)
	v := view(t, b)
	ok(t, mknod(v, "foo", Item{Kind: Char, Major: 1, Minor: 3, Attr: Attr{Mode: 0o600, UID: 5}}))
	ok(t, mknod(v, "bar", Item{Kind: Fifo, Attr: Attr{Mode: 0o600}}))
	put(t, b, "foo", char(77, 1))
	put(t, b, "bar", char(77, 2))
	if e, _ := find(v, "foo"); e.Major != 77 || e.Attr.Mode != 0o600 || e.Attr.UID != 5 {
		t.Errorf("foo: %+v", e)
	}
	if e, _ := find(v, "bar"); e.Kind != Char || e.Attr.Mode != 0o666 {
		t.Errorf("bar: %+v", e)
	}
	b.Remove("foo")
	b.Remove("bar")
	if e, _ := find(v, "foo"); e.Major != 1 || e.Attr.Mode != 0o600 {
		t.Errorf("foo: %+v", e)
	}
	if e, _ := find(v, "bar"); e.Kind != Fifo {
		t.Errorf("bar: %+v", e)
	}
}

func TestS3_21_Explicit(t *testing.T) {
	b := machine(t)
	v := view(t, b, "newdev=explicit")
	want(t, v, "nothing but where something is mounted", "pts/ shm/")
	ok(t, mknod(v, "null", char(0, 0)))
	_, err := v.Mkdir(at(v, "dri"), 0o755, host)
	ok(t, err)
	ok(t, mknod(v, "dri/card0", char(9, 9)))
	put(t, b, "dri/card0", char(226, 0))
	put(t, b, "dri/card1", char(226, 1))
	want(t, v, "what mknod named", "dri/ dri/card0=226:0 null=1:3 pts/ shm/")
}

func TestE12_AttributesGoWithTheDevice(t *testing.T) {
	b := machine(t)
	v := view(t, b)
	mode := uint32(0o777)
	e, _ := find(v, "kmem")
	_, err := v.SetAttr(e.ID, AttrChange{Mode: &mode})
	ok(t, err)
	b.Remove("kmem")
	put(t, b, "kmem", char(1, 2))
	if e, _ := find(v, "kmem"); e.Attr.Mode != 0o666 {
		t.Errorf("mode %o", e.Attr.Mode)
	}
}

func TestE22_HiddenForEverything(t *testing.T) {
	b := machine(t)
	v := view(t, b, "hide=k*", "hide=snd")
	want(t, v, "hidden", without("kmem=1:2", "snd/", "snd/pcm0=116:2", "snd/pcm1=116:3"))
	for _, name := range []string{"kmem", "snd"} {
		if _, err := v.Lookup(Root, name); err != syscall.ENOENT {
			t.Errorf("%s: %v", name, err)
		}
		refused(t, "unlink "+name, v.Unlink(Place{Root, name}), syscall.ENOENT)
		refused(t, "rename "+name, v.Rename(Place{Root, name}, Place{Root, "x"}, false), syscall.ENOENT)
	}
}

func TestS3_16_TimeZeroSaysUntouched(t *testing.T) {
	b := machine(t)
	v, other := view(t, b), view(t, b)
	mode := uint32(0o600)
	e, _ := find(v, "null")
	if e.Attr.Change != 0 {
		t.Errorf("untouched: %+v", e.Attr)
	}
	_, err := v.SetAttr(e.ID, AttrChange{Mode: &mode})
	ok(t, err)
	ok(t, mknod(v, "mine", char(1, 3)))
	for _, name := range []string{"null", "mine"} {
		if e, _ := find(v, name); e.Attr.Change == 0 {
			t.Errorf("%s was touched: %+v", name, e.Attr)
		}
	}
	if e, _ := find(other, "null"); e.Attr.Change != 0 {
		t.Errorf("not there: %+v", e.Attr)
	}
}
