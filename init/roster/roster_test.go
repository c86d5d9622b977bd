package roster

import (
	"fmt"
	"strings"
	"testing"

	"slashdev/init/plan"
)

func TestRoster(t *testing.T) {
	p, err := plan.Parse(`slashdev-plan 1
program dhcp /gokrazy/dhcp
program db /user/db -v
restart db always
dir db /
wait db dev:disk/by-label/data
ready db tcp:localhost:5432
program web /user/web
env web LANG=C
wait web clock program:db
health web 30000 1000 3 /user/check -q
program logd /user/logd
`)
	if err != nil {
		t.Fatal(err)
	}
	all, errs := Of(p, "/n", []Terminal{{"ttyS0", "vt220"}, {"tty1", "linux"}, {"ttyUSB0", "vt102"}})
	var b strings.Builder
	for _, e := range all {
		fmt.Fprintf(&b, "%s: %s %s log=%s waits=%v key=%v\n", e.Name, e.Command.Path, strings.Join(e.Command.Args, " "), e.Log, e.Conds, e.OnKey)
	}
	want := `devmgr: /sbin/devmgr devmgr daemon --announce ttyUSB0 --announce disk/by-label/data log=devmgr waits=[] key=false
perm: /sbin/userland perm log=perm waits=[] key=false
teardown: /sbin/userland teardown log=teardown waits=[] key=false
shutdown: /sbin/userland hooks shutdown log=shutdown waits=[] key=false
powerfail: /sbin/userland hooks powerfail log=powerfail waits=[] key=false
powerfailnow: /sbin/userland hooks powerfailnow log=powerfailnow waits=[] key=false
powerok: /sbin/userland hooks powerok log=powerok waits=[] key=false
kbrequest: /sbin/userland hooks kbrequest log=kbrequest waits=[] key=false
dhcp: /gokrazy/dhcp dhcp log=dhcp waits=[the devices present at boot and /perm] key=false
db: /user/db db -v log=db waits=[device disk/by-label/data] key=false
db:ready: /sbin/userland await tcp:localhost:5432 log=db waits=[] key=false
await-clock: /sbin/userland await clock log=await-clock waits=[] key=false
web: /user/web web log=web waits=[/perm the clock to be set program db] key=false
web:health: /user/check /user/check -q log=web waits=[] key=false
logd: /sbin/userland logd log=logd waits=[] key=false
sh-ttyS0: /sbin/userland sh --console ttyS0 log= waits=[the devices present at boot and /perm] key=false
sh-tty1: /sbin/userland sh --console tty1 log= waits=[the devices present at boot and /perm] key=true
sh-ttyUSB0: /sbin/userland sh --console ttyUSB0 log= waits=[the devices present at boot and /perm device ttyUSB0] key=false
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
	if fmt.Sprint(errs) != "[logd: this name is ours: the program is not started]" {
		t.Errorf("errors: %v", errs)
	}
}
