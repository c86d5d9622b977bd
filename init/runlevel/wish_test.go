package runlevel

import (
	"strings"
	"testing"
	"time"

	"slashdev/init/signals"
)

func TestWish(t *testing.T) {
	tests := []struct {
		request string
		want    Wish
		wrong   string
	}{
		{"halt", Wish{Deed: signals.Halt}, ""},
		{"poweroff grace=3", Wish{Deed: signals.PowerOff, Grace: 3 * time.Second}, ""},
		{"reboot boot=tryboot", Wish{Deed: signals.Reboot, Boot: "tryboot"}, ""},
		{"halt boot=tryboot", Wish{}, "for a reboot"},
		{"kexec grace=61", Wish{Deed: signals.Kexec, Grace: time.Minute}, ""},
		{"reload now", Wish{}, `"now": use`},
		{"telinit S grace=1", Wish{Deed: signals.Rescue, Grace: time.Second}, ""},
		{"telinit -t 5 6", Wish{Deed: signals.Reboot, Grace: 5 * time.Second}, ""},
		{"telinit -t x 6", Wish{}, `"grace=x": use`},
		{"telinit -t 6", Wish{}, "needs a run level"},
		{"telinit 6", Wish{Deed: signals.Reboot}, ""},
		{"telinit", Wish{}, "needs a run level"},
		{"telinit 66", Wish{}, "needs a run level"},
		{"telinit x", Wish{}, "there is none"},
		{"setenv INIT_A=1 INIT_B=2 INIT_B", Wish{}, ""},
		{"setenv PATH=evil", Wish{}, "only INIT_ names"},
	}
	for _, tt := range tests {
		var s State
		w, err := s.Wish(strings.Fields(tt.request))
		if tt.wrong == "" && (err != nil || w != tt.want) || tt.wrong != "" && (err == nil || !strings.Contains(err.Error(), tt.wrong)) {
			t.Errorf("%s: got %+v, %v", tt.request, w, err)
		}
		if strings.HasPrefix(tt.request, "setenv INIT") && (s.get("INIT_A") != "1" || len(s.variables) != 1) {
			t.Errorf("%s: %q", tt.request, s.variables)
		}
	}
	for verb, want := range map[string]bool{"halt": true, "telinit": true, "setenv": true, "explode": false, "": false} {
		if Knows(verb) != want {
			t.Errorf("Knows(%q) = %v", verb, !want)
		}
	}
}
