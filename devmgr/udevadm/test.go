package udevadm

import (
	"maps"
	"slices"
	"strings"

	"slashdev/devmgr/ctl"
	"slashdev/devmgr/uevent"
)

const testHelp = `udevadm test [OPTIONS] DEVPATH

Show what the rules would do for an event, without doing it.

  -a --action=ACTION|help              Set action string (add)
  -N --resolve-names=early|late|never  Accepted: names are resolved early
`

var testOptions = []option{{"action", 'a', '!'}, {"resolve-names", 'N', '!'}}

const testWarning = `This program is for debugging only, it does not run any program
specified by a RUN key. It may show incorrect results, because
some values may be different, or not available at a simulation run.

`

func (s *System) test(o options) error {
	action, done, err := s.action(o, uevent.Add)
	if done || err != nil {
		return err
	}
	d, err := s.oneDevice(o.args)
	switch {
	case err != nil:
		return err
	case s.Test == nil:
		return ctl.Errorf(ctl.Failed, "no rules to test")
	}
	s.out.WriteString(testWarning)
	return s.Test(s.out, d.ev.DevPath, string(action))
}

func (s *System) oneDevice(args []string) (*device, error) {
	if len(args) != 1 {
		return nil, ctl.Errorf(ctl.Usage, "syspath parameter missing.")
	}
	word := args[0]
	if strings.HasPrefix(word, "/devices/") {
		word = s.SysDir + word
	}
	return s.find(word)
}

const builtinHelp = `udevadm test-builtin [OPTIONS] COMMAND DEVPATH

Run a built-in probe, and print what it finds.

  -a --action=ACTION|help Accepted
`

var builtinOptions = []option{{"action", 'a', '!'}}

func (s *System) testBuiltin(o options) error {
	names := strings.Join(slices.Sorted(maps.Keys(s.Builtins)), " ")
	if len(o.args) < 2 {
		return ctl.Errorf(ctl.Usage, "command and device expected; commands are: %s", names)
	}
	words := strings.Fields(o.args[0])
	if len(words) == 0 || s.Builtins[words[0]] == nil {
		return ctl.Errorf(ctl.Usage, "Unknown command %q: commands are: %s", o.args[0], names)
	}
	d, err := s.oneDevice(o.args[1:])
	if err != nil {
		return err
	}
	lines, err := s.Builtins[words[0]](d.ev.DevPath, words[1:])
	for _, l := range lines {
		s.out.WriteString(Visible(l) + "\n")
	}
	return err
}

const verifyHelp = `udevadm verify [OPTIONS] [FILE]...

Verify rules files. Use: dev rules check FILE...
`

var verifyOptions = []option{{"resolve-names", 'N', '!'}, {"root", 0, '!'}, {"no-summary", 0, 0}, {"no-style", 0, 0}}

func (s *System) verify(options) error {
	return ctl.Errorf(ctl.Failed, "not supported here: use dev rules check FILE...")
}

const hwdbHelp = `udevadm hwdb

Not supported. The hardware database is part of the image: the builder compiles
it. To see what it says of a device use: udevadm test-builtin hwdb DEVPATH
`

var hwdbOptions = []option{{"update", 'u', 0}, {"strict", 's', 0}, {"usr", 0, 0}, {"test", 't', '!'}, {"root", 'r', '!'}}

func (s *System) hwdb(options) error {
	return ctl.Errorf(ctl.Failed, "not supported here: the hardware database is part of the image")
}
