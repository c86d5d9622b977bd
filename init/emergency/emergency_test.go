package emergency

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"slashdev/init/cmdline"
)

func TestWithoutPlan(t *testing.T) {
	for _, c := range []struct {
		words     string
		passwords bool
		shell     string
		again     bool
		want      string
	}{
		{"quiet panic=10", false, "off", true, "the shell is off, because this image has no password; it reboots in 5m0s (panic=10; kill -HUP 1 stops that)"},
		{"panic=-1", true, "password", true, "the shell asks for the image's password; it reboots in 5m0s (panic=-1; kill -HUP 1 stops that)"},
		{"panic=0", true, "password", false, "the shell asks for the image's password; it stays like this"},
		{"quiet", false, "off", false, "the shell is off, because this image has no password; it stays like this"},
	} {
		p, again, said := WithoutPlan(fmt.Errorf("read plan: %w", fs.ErrNotExist), cmdline.Parse(c.words), c.passwords)
		got := strings.ReplaceAll(errors.Join(said...).Error(), "\n", "; ")
		want := "/etc/slashdev/plan is missing: was this image made by slashdev build?; no valid plan: no program is started; " + c.want
		if p.Shell != c.shell || again.IsZero() == c.again || !strings.HasPrefix(got, want) {
			t.Errorf("%q, passwords %v: %s, %s, %q", c.words, c.passwords, p.Shell, again, got)
		}
	}
}
