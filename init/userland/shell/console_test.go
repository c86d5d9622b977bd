package shell

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"slashdev/init/shadow"
)

func tree(files map[string]string) fstest.MapFS {
	root := fstest.MapFS{}
	for name, text := range files {
		root[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	return root
}

func TestModeIsOnlyTightened(t *testing.T) {
	const plan, cmdline = "etc/slashdev/plan", "proc/cmdline"
	for _, c := range []struct{ plan, cmdline, want string }{
		{"slashdev-plan 1\nshell open\n", "quiet", "open"},
		{"slashdev-plan 1\nshell open\n", "quiet init.shell=password", "password"},
		{"slashdev-plan 1\nshell open\n", "init.shell=off", "off"},
		{"slashdev-plan 1\nshell password\n", "init.shell=open", "password"},
		{"slashdev-plan 1\nshell off\n", "init.shell=password", "off"},
		{"slashdev-plan 1\nshell open\n", "init.shell=of", "off"},
		{"slashdev-plan 1\nshell open\n", "init.shell=", "open"},
		{"slashdev-plan 1\nshell open\n", "init.shell=n", "off"},
		{"slashdev-plan 1\n", "", "off"},
		{"slashdev-plan 9\nshell open\n", "", "password"},
		{"garbage", "init.shell=open", "password"},
	} {
		got := Mode(tree(map[string]string{plan: c.plan, cmdline: c.cmdline}))
		if got != c.want {
			t.Errorf("plan %q, cmdline %q: %s, want %s", c.plan, c.cmdline, got, c.want)
		}
	}
	if got := Mode(tree(nil)); got != "password" {
		t.Errorf("without a plan: %s", got)
	}
}

func TestPasswordFailsClosed(t *testing.T) {
	line, err := shadow.Line("root", "other", []byte("salt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		perm, image, right string
		asks               bool
	}{
		{"secret\nrest\n", line, "secret", true},
		{"secret\r\n", "", "secret", true},
		{"", line, "other", true},
		{"\n", line, "", false},
		{"", "root:other\n", "", false},
		{"", "", "", false},
	} {
		files := map[string]string{}
		if c.perm != "" {
			files["perm/gokr-pw.txt"] = c.perm
		}
		if c.image != "" {
			files["etc/slashdev/shadow"] = c.image
		}
		check := passwords(tree(files))
		if (check != nil) != c.asks {
			t.Errorf("%+v: asks %v", c, check != nil)
		}
		if check == nil {
			continue
		}
		for _, tried := range []string{"", "secret", "other", "secret\x00", c.image} {
			if check(tried) != (tried == c.right) {
				t.Errorf("%+v: %q is %v", c, tried, check(tried))
			}
		}
	}
}

func TestBanner(t *testing.T) {
	root := tree(map[string]string{
		"proc/sys/kernel/hostname": "gok\x1brazy\n", "proc/sys/kernel/osrelease": "7.1.2\n",
		"etc/os-release": "NAME=slashdev\nVERSION_ID=\"0.1\"\n", "proc/cmdline": "quiet root=PARTUUID=60c24cc1-f3f9-427a-8199-2e18c40c0002 ro\n",
		"sys/dev/block/8:0": "", "sys/dev/char/1:3": "", "sys/dev/char/4:64": "",
	})
	got := Banner(root, []string{"10.0.2.15"}, "open")
	want := `gok\x1brazy: slashdev 0.1, Linux 7.1.2 ARCH` + "\r\n" +
		"3 device nodes (dev tree), address 10.0.2.15\r\n" +
		"booted from PARTUUID=60c24cc1-f3f9-427a-8199-2e18c40c0002\r\n" +
		"This console is open: no password. Type help for the commands.\r\n"
	for _, arch := range []string{"amd64", "arm64"} {
		if got == strings.ReplaceAll(want, "ARCH", arch) {
			return
		}
	}
	t.Errorf("got\n%s\nwant\n%s", got, want)
}

func TestBannerWithoutAnything(t *testing.T) {
	for l := range strings.Lines(Banner(tree(nil), nil, "off")) {
		if len(l) > 81 {
			t.Errorf("%d columns: %s", len(l), l)
		}
	}
}

func TestComplete(t *testing.T) {
	root := tree(map[string]string{
		"dev/null": "", "dev/net/tun": "", "dev/ttyS0": "", "dev/.hidden": "", "dev/a b": "", "dev/ev\x1bil": "", "etc/hosts": "", "bin/top": "",
	})
	c := completer{
		root: root, dir: func() string { return "/dev" },
		names: func() []string { return []string{"svc", "dmesg", "dev", "svc"} },
		verbs: func(said string) []string {
			switch said {
			case "svc":
				return []string{"ls", "log", "start"}
			case "svc start":
				return []string{"hello", "ntp"}
			}
			return nil
		},
	}
	for _, x := range []struct {
		before string
		start  int
		want   []string
	}{
		{"d", 0, []string{"dev ", "dmesg "}},
		{"sv", 0, []string{"svc "}},
		{"svc l", 4, []string{"log ", "ls "}},
		{"svc ls l", 7, nil},
		{"dmesg; svc start h", 17, []string{"hello "}},
		{"ls | d", 5, []string{"dev ", "dmesg "}},
		{"if dm", 3, []string{"dmesg "}},
		{"X=1 dm", 4, []string{"dmesg "}},
		{"ls /dev/n", 3, []string{"/dev/net/", "/dev/null "}},
		{"ls n", 3, []string{"net/", "null "}},
		{"cat <tt", 5, []string{"ttyS0 "}},
		{"cat /dev/a", 4, []string{`/dev/a\ b `}},
		{`cat /dev/a\ `, 4, []string{`/dev/a\ b `}},
		{"cat /dev/ev", 4, nil}, // a name with control characters is not offered
		{"cat .h", 4, []string{".hidden "}},
		{"/bin/t", 0, []string{"/bin/top "}},
		{"cat /no/such/", 4, nil},
		{"echo $HO", 5, nil},
		{"cat 'a", 4, nil},
		{"of=/dev/nu", 3, []string{"/dev/null "}},
	} {
		start, got := c.complete(x.before)
		if start != x.start || !slices.Equal(got, x.want) {
			t.Errorf("%q: %d %q, want %d %q", x.before, start, got, x.start, x.want)
		}
	}
}

func TestWrap(t *testing.T) {
	got := wrap([]string{"aa", "bb", "cc"}, 6)
	if !slices.Equal(got, []string{"aa bb", "cc"}) {
		t.Errorf("%q", got)
	}
}
