package main

import (
	"os"
	"syscall"
	"testing"

	"slashdev/init/plan"
)

func TestHomeBelongsToTheProgramsUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root: only root gives files away")
	}
	homes := t.TempDir() + "/"
	for _, uid := range []uint32{0, 1000, 1001} { // a later plan may change it
		if err := makeHome(homes, &plan.Program{Name: "x", UID: uid, GID: uid + 1}); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(homes + "x")
		if err != nil {
			t.Fatal(err)
		}
		st := info.Sys().(*syscall.Stat_t)
		if st.Uid != uid || st.Gid != uid+1 || info.Mode().Perm() != 0o700 {
			t.Errorf("home is %d:%d %s", st.Uid, st.Gid, info.Mode())
		}
	}
}
