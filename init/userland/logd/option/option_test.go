package option

import (
	"reflect"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	got, err := Parse([]string{"remote=tls://logs.example.com", "quota=1G", "ring=512K", "tee=warning", "drop=a,b", "ca=/perm/ca.pem"})
	want := Options{512 << 10, 1 << 30, 4, []string{"a", "b"}, Remote{"tls", "logs.example.com:6514"}, "/perm/ca.pem"}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	for in, want := range map[string]string{
		"udp://10.0.0.1": "10.0.0.1:514", "tcp://[fe80::1]:99": "[fe80::1]:99", "udp://[fe80::1]": "[fe80::1]:514",
		"tcp://fe80::1": "[fe80::1]:601",
	} {
		if got, err := Parse([]string{"remote=" + in}); err != nil || got.Remote.Addr != want {
			t.Errorf("%s: %v %v", in, got.Remote, err)
		}
	}
}

// What is wrong is said, and does not keep the rest from being read.
func TestWrongOptionsKeepTheirDefaults(t *testing.T) {
	wrong := []string{
		"remote=http://x", "remote=tls://", "remote=tls://a:0", "remote=udp://a b", "remote=", "quota=", "quota=1", "quota=-5M",
		"ring=16m", "tee=loud", "shape=round", "ca=x", "x", "ring=0",
	}
	got, err := Parse(append(wrong, "drop=x"))
	if err == nil || strings.Count(err.Error(), "\n") != len(wrong)-1 {
		t.Errorf("%v", err)
	}
	want := Defaults()
	want.Drop = []string{"x"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
}

func FuzzOptions(f *testing.F) {
	f.Add("remote=tls://[::1]:6514 quota=9G drop=,")
	f.Fuzz(func(t *testing.T, s string) {
		o, _ := Parse(strings.Fields(s))
		if o.Ring < minSize || o.Quota != 0 && o.Quota < minSize || o.Tee < -1 || o.Tee > 7 {
			t.Fatalf("%q: %+v", s, o)
		}
	})
}
