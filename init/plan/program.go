package plan

import (
	"strings"
	"time"
)

// Program is one program to start and keep running. Beside each field stands
// its line in the plan; a list may be spread over several lines. Durations are
// whole milliseconds there.
type Program struct {
	Name, Path string   // program NAME PATH [ARG...]
	Args       []string // without the name
	Env        []string // env NAME KEY=VALUE...
	Restart    string   // restart NAME always|on-failure|gokrazy|never; without: gokrazy (exit 0 or 125 stops)
	Manual     bool     // manual NAME: not started at boot; with Listen: by the first client
	OneShot    bool     // oneshot NAME: it is done, not dead, when it exits 0
	After      []string // after NAME PROGRAM...: to be ready, done or given up first
	Wait       []string // wait NAME [CONDITION...]: settled, clock, net, dev:NAME, program:NAME; nil: settled
	Ready      string   // ready NAME notify|fd:N|dev:NAME|tcp:ADDR|unix:PATH; "": when it runs

	ReadyTimeout time.Duration // ready-timeout NAME MS; zero here and below: the default, or none
	StopTimeout  time.Duration // stop-timeout NAME MS
	Watchdog     time.Duration // watchdog NAME MS
	Timer        time.Duration // timer NAME MS: started anew so long after each start
	Health       *Health       // health NAME INTERVAL TIMEOUT FAILURES COMMAND [ARG...]; nil: none

	HasUser         bool // user NAME UID GID [GID...]
	UID, GID        uint32
	Groups          []uint32
	HasCapabilities bool // capabilities NAME [cap_net_raw...]: exactly these; without: all but CAP_SYS_BOOT
	Capabilities    []string

	Limits   []Limit   // limit NAME nofile SOFT HARD
	Cgroup   []Setting // cgroup NAME memory.max 67108864
	Listen   []string  // listen NAME tcp:ADDR|udp:ADDR|unix:PATH...: passed as LISTEN_FDS
	Dir      string    // dir NAME PATH: where it starts; "": /perm/home/NAME
	ReadOnly bool      // readonly NAME: /sys and /proc/sys
	Score    int       // score NAME N: oom_score_adj

	Text string // these lines as Parse has read them, for "userland launch"
}

// Health is a command that says by exit 0 that the program is well.
type Health struct {
	Command           []string
	Interval, Timeout time.Duration
	Failures          int // in a row, after which the program is restarted
}

// Limit is a resource limit, named as in setrlimit(2): nofile.
type Limit struct {
	Name       string
	Soft, Hard uint64 // Unlimited: none
}

// Unlimited is the limit that is none.
const Unlimited = ^uint64(0)

// Setting is a file of the program's control group and what to write to it.
type Setting struct{ File, Value string }

// NeedsLaunch says whether starting the program takes more than making a
// process: "userland launch" then does the rest in the process itself.
func (p *Program) NeedsLaunch() bool {
	return p.UID != 0 || p.GID != 0 || len(p.Groups) > 0 || p.HasCapabilities || len(p.Limits) > 0 || p.ReadOnly ||
		len(p.Listen) > 0 // LISTEN_PID is the process's own number
}

// Home is where the program starts.
func (p *Program) Home() string {
	if p.Dir != "" {
		return p.Dir
	}
	return "/perm/home/" + p.Name
}

// NeedsPerm says whether the program must wait for /perm whatever Wait says.
func (p *Program) NeedsPerm() bool {
	return p.Home() == "/perm" || strings.HasPrefix(p.Home(), "/perm/")
}

// field is a key whose lines are plain, and where its values go: no value, one
// word, one duration or a list of words.
type field struct {
	key   string
	value any
}

func (p *Program) fields() []field {
	return []field{
		{"env", &p.Env}, {"restart", &p.Restart}, {"manual", &p.Manual}, {"oneshot", &p.OneShot},
		{"after", &p.After}, {"wait", &p.Wait}, {"ready", &p.Ready}, {"ready-timeout", &p.ReadyTimeout},
		{"stop-timeout", &p.StopTimeout}, {"watchdog", &p.Watchdog}, {"timer", &p.Timer},
		{"listen", &p.Listen}, {"dir", &p.Dir}, {"readonly", &p.ReadOnly},
	}
}
