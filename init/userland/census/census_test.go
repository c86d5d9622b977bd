package census

import (
	"fmt"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"slashdev/init/state"
)

// machine is what /sys and /proc say: control groups with their processes, and
// processes by "state parent session start".
func machine(groups map[string]string, processes map[int]string) fstest.MapFS {
	root := fstest.MapFS{}
	for dir, pids := range groups {
		root["cg/"+dir+"/cgroup.procs"] = &fstest.MapFile{Data: []byte(pids)}
	}
	for pid, p := range processes {
		var st, start string
		var parent, session int
		_, _ = fmt.Sscan(p, &st, &parent, &session, &start)
		text := fmt.Sprintf("%d (a) b) %s %d 0 %d 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 %s 0", pid, st, parent, session, start)
		root[fmt.Sprintf("proc/%d/stat", pid)] = &fstest.MapFile{Data: []byte(text)}
	}
	return root
}

func TestFind(t *testing.T) {
	root := machine(map[string]string{
		"hello/0": "", "hello/2": "70\n71\n72\n", "hello/10": "", // 71 was first; 72 is its child
		"logd/0": "12\n", "perm/0": "", "down/4": "",
		"left/1": "90\n", // an orphan in a session of its own father's
		"dead/0": "95\n", // it has ended, and nobody has collected it
	}, map[int]string{
		70: "S 1 70 900", 71: "S 1 71 800", 72: "S 71 72 700", 12: "R 1 12 5", 90: "S 1 80 100", 95: "Z 1 95 100",
	})
	s := find(root, "cg", time.Unix(1, 0))
	got := map[string]string{}
	for _, u := range s.Units {
		got[u.Name] = fmt.Sprintf("%s pid %d life %d wanted %v left %v", u.State, u.Proc.Pid, u.Lives, u.Wanted, u.Left)
	}
	for name, want := range map[string]string{
		"hello": "up pid 71 life 2 wanted true left [/cg/hello/0 /cg/hello/10]",
		"logd":  "stopping pid 12 life 0 wanted true left []",
		"perm":  "done pid 0 life 1 wanted false left [/cg/perm/0]",
		"down":  "down pid 0 life 5 wanted true left [/cg/down/4]",
		"left":  "down pid 0 life 2 wanted true left [/cg/left/1]",
		"dead":  "down pid 0 life 1 wanted true left [/cg/dead/0]",
	} {
		if got[name] != want {
			t.Errorf("%s: got %q, want %q", name, got[name], want)
		}
	}
	perm := s.Units[slices.IndexFunc(s.Units, func(u state.Unit) bool { return u.Name == "perm" })]
	if s.Stage != state.Ready || perm.Starts == 0 {
		t.Errorf("stage %d, perm started %d times", s.Stage, perm.Starts)
	}
}
