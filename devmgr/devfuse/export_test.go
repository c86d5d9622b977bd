package devfuse

import (
	"testing"

	"slashdev/devmgr/view"
)

// CheckWith is Check with other mount options.
func (s *Server) CheckWith(dir, options string) error { return s.check(dir, options) }

// Abandon mounts at dir and dies.
func Abandon(t *testing.T, dir string) {
	t.Helper()
	m, err := new(Server).Attach(New(view.New(view.NewBack(), view.Options{}), Config{}), dir)
	if err != nil {
		t.Fatal(err)
	}
	m.dev.Close()
	<-m.done
}
