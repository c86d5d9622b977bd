package shadow

import (
	"errors"
	"testing"
)

func TestFind(t *testing.T) {
	line, err := Line("root", "open sesame", []byte("salt of machine"))
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := Line("root", "open sesame", []byte("salt of machine")); again != line {
		t.Errorf("%q is not %q", again, line)
	}
	for _, c := range []struct {
		text, user, password string
		ok                   bool
		err                  error
	}{
		{line, "root", "open sesame", true, nil},
		{"nobody:$x\n" + line, "root", "open sesame", true, nil},
		{line, "root", "open sesam", false, nil},
		{line, "root", "", false, nil},
		{line, "nobody", "open sesame", false, ErrNone},
		{"", "root", "", false, ErrNone},
		{"root:\n", "root", "", false, ErrNone},
		{"root:$pbkdf2-sha256$1$$\n", "root", "", false, ErrNone},
		{"root:$pbkdf2-sha256$99999999999$c2FsdA$" + line[len(line)-44:], "root", "open sesame", false, ErrNone},
		{"root:$6$salt$hash\n", "root", "open sesame", false, ErrNone},
	} {
		h, err := Find(c.text, c.user)
		if !errors.Is(err, c.err) || err == nil && h.Of(c.password) != c.ok {
			t.Errorf("%q %s %q: %v", c.text, c.user, c.password, err)
		}
	}
}

func FuzzFind(f *testing.F) {
	f.Add("root:$pbkdf2-sha256$1$c2FsdA$aGFzaA\n")
	f.Add("root:$pbkdf2-sha256$1$c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n")
	f.Add("::$$$$\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		h, err := Find(text, "root")
		if (err == nil) != (len(h.hash) == 32 && h.rounds > 0) {
			t.Errorf("%q: %+v, %v", text, h, err)
		}
	})
}
