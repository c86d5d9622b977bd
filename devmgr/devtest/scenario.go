package devtest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/txtar"

	"slashdev/devmgr/daemon"
	"slashdev/devmgr/namespace"
	"slashdev/devmgr/rules"
	"slashdev/devmgr/uevent"
)

// Groups is the group file of the appliance, for tests.
const Groups = "root:x:0:\ntty:x:5:\ndisk:x:6:\nlp:x:7:\nkmem:x:15:\ndialout:x:20:\ncdrom:x:24:\ntape:x:26:\n" +
	"audio:x:29:\nvideo:x:44:\ninput:x:104:\nkvm:x:105:\nrender:x:106:\n"

// Story runs a scenario. The lines of the script are
//
//	coldplug                scan what is in sys.tree
//	plug FILE               put the devices of FILE into sysfs, send their adds
//	unplug DEVPATH          take it and those below out, send their removes
//	appear FILE, vanish DEVPATH   the same without events: they are lost
//	event ACTION DEVPATH    send an event only
//	resync                  compare with sysfs, as after a loss
//	show                    compare the steps since the last show with want.N
type Story struct {
	archive *txtar.Archive
	sys     *Sys
	pipe    *daemon.Pipeline
	ops     []namespace.Op
	shown   int
}

// NewStory reads a scenario.
func NewStory(text []byte) (*Story, error) {
	s := &Story{archive: txtar.Parse(text), sys: NewSys()}
	if _, err := s.sys.Load(s.file("sys.tree")); err != nil {
		return nil, err
	}
	program, err := rules.Stock(Groups)
	s.pipe = daemon.NewPipeline(s.sys.FS(), daemon.Policy{Stock: program})
	return s, err
}

// Run plays the script. It returns the archive with the want files as they
// are now, and an error that names the first difference.
func (s *Story) Run() (*txtar.Archive, error) {
	var first error
	for row := range strings.Lines(string(s.archive.Comment)) {
		words := strings.Fields(row)
		if len(words) == 0 || words[0][0] == '#' {
			continue
		}
		if err := s.do(words); err != nil && first == nil {
			first = err
		}
	}
	if last := fmt.Sprintf("want.%d", s.shown+1); first == nil && s.file(last) != "" {
		first = fmt.Errorf("%s is never shown", last)
	}
	return s.archive, first
}

func (s *Story) do(words []string) error {
	arg := ""
	if len(words) > 1 {
		arg = words[1]
	}
	switch words[0] {
	case "coldplug", "resync":
		return s.pipe.Sync(func(st daemon.Step) { s.ops = append(s.ops, st.Ops...) })
	case "plug", "appear":
		devices, err := s.sys.Load(s.file(arg))
		for _, d := range devices {
			if words[0] == "plug" {
				s.hint(uevent.Add, d)
			}
		}
		return err
	case "unplug", "vanish":
		s.unplug(arg, words[0] == "unplug")
		return nil
	case "event":
		if len(words) == 3 {
			s.hint(uevent.Action(words[1]), words[2])
			return nil
		}
	case "show":
		return s.show()
	}
	return fmt.Errorf("cannot do %q", strings.Join(words, " "))
}

func (s *Story) hint(action uevent.Action, devpath string) {
	steps, _, err := s.pipe.Hint(uevent.Event{Action: action, DevPath: devpath})
	for _, st := range steps {
		s.ops = append(s.ops, st.Ops...)
	}
	if err != nil {
		s.ops = append(s.ops, namespace.Op{Kind: 255, Entry: namespace.Entry{Name: err.Error()}})
	}
}

func (s *Story) unplug(devpath string, announce bool) {
	var gone []string
	for _, d := range s.sys.Devices() {
		if d == devpath || strings.HasPrefix(d, devpath+"/") {
			gone = append(gone, d)
		}
	}
	s.sys.Remove(devpath)
	for _, d := range slices.Backward(gone) {
		if announce {
			s.hint(uevent.Remove, d)
		}
	}
}

func (s *Story) show() error {
	s.shown++
	name := fmt.Sprintf("want.%d", s.shown)
	got := namespace.Print(s.ops)
	s.ops = nil
	want := s.file(name)
	s.setFile(name, got)
	if got != want {
		return fmt.Errorf("%s differs\ngot:\n%swant:\n%s", name, got, want)
	}
	return nil
}

func (s *Story) file(name string) string {
	for _, f := range s.archive.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

func (s *Story) setFile(name, text string) {
	for i, f := range s.archive.Files {
		if f.Name == name {
			s.archive.Files[i].Data = []byte(text)
			return
		}
	}
	s.archive.Files = append(s.archive.Files, txtar.File{Name: name, Data: []byte(text)})
}
