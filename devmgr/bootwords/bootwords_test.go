package bootwords

import (
	"fmt"
	"strings"
	"testing"
)

func TestS3_47_ModesOfDevfs(t *testing.T) {
	for cmdline, want := range map[string]string{
		"":                         "",
		"devfs=mount":              "mount",
		"quiet devfs=nomount root": "nomount",
		"devfs=only":               "only",
		"devfs=safe,mount":         "mount",
		"devfs=only,noonly":        "",
		"devfs=nomount devfs=safe": "safe",
		"xdevfs=mount devfs":       "",
		`"devfs=mount"`:            "mount",
		"devfs=bad,mount":          "mount",
	} {
		if o, _ := Parse(cmdline); o.Mode != want {
			t.Errorf("%s: mode %q, want %q", cmdline, o.Mode, want)
		}
	}
}

func TestS3_50_WordsForFindingFaults(t *testing.T) {
	for words, want := range map[string]string{
		"dall":                   "flags inode lookup modload mutate register",
		"dmod":                   "modload",
		"dreg,dunreg":            "register",
		"dchange,dilookup":       "flags lookup",
		"diget,dsread,dfree":     "inode",
		"diunlink,dichange":      "mutate",
		"dimknod,nodmod":         "mutate",
		"dall,nodimknod,nodfree": "flags lookup modload register",
		"dall,nodall":            "",
		"nodreg":                 "",
	} {
		o, errs := Parse("devfs=" + words)
		if got := strings.Join(o.Debug, " "); got != want || errs != nil {
			t.Errorf("%s: %q, want %q; %v", words, got, want, errs)
		}
	}
}

func TestS3_50_OtherWords(t *testing.T) {
	o, errs := Parse("devfs=nocompat,nottycompat,nokmod,style:link,view:/etc/view,names:devfs:new-compat:devfs,numbers:stable,hosts:ahci:qla,ata-as-ide")
	if errs != nil || !o.NoCompat || !o.NoTTYCompat || !o.NoModules || o.Style != "link" || o.View != "/etc/view" {
		t.Errorf("%+v %v", o, errs)
	}
	if got := fmt.Sprint(o.Schemes, o.Naming); got != "[devfs new-compat] {true true [ahci qla]}" {
		t.Error(got)
	}
	o, errs = Parse("devfs=nocompat,compat,names:devfs,names:none,numbers:free,nokmod,kmod,ata-as-ide,noata-as-ide")
	if got := fmt.Sprint(o.Schemes, o.Naming, o.NoCompat, o.NoModules, errs); got != "[] {false false []} false false []" {
		t.Error(got)
	}
}

// In Linux 2.4 an unknown word ended the list; it must not end a machine.
func TestS3_50_UnknownWordsAreReported(t *testing.T) {
	o, errs := Parse("devfs=mout,dall,style:both,names:udev,view:x,only")
	if len(errs) != 4 || o.Mode != "only" || len(o.Debug) == 0 {
		t.Errorf("%+v %v", o, errs)
	}
	if got := errs[0].Error(); got != `devfs="mout": unknown word, ignored` {
		t.Error(got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("devfs=mount,nodall,names:devfs:old-compat,hosts: quiet")
	f.Add(`devfs=no,nono,: "devfs=,,"`)
	f.Fuzz(func(t *testing.T, cmdline string) {
		o, _ := Parse(cmdline)
		for _, s := range o.Schemes {
			if again, errs := Parse("devfs=names:" + string(s)); len(errs) > 0 || len(again.Schemes) != 1 {
				t.Errorf("%q: scheme %q is not one", cmdline, s)
			}
		}
	})
}
