package daemon_test

import (
	"os"
	"strings"
	"testing"

	"slashdev/devmgr/daemon"
)

// The documentation of rules names everything that is built in.
func TestToolsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/udev.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "\n## Builtins and programs\n")
	table, _, _ = strings.Cut(table, "\n## ")
	for _, name := range append(daemon.Tools(), "hwdb", "net_setup_link") {
		if !strings.Contains(table, "`"+name+"`") && !strings.Contains(table, "`"+name+" ") {
			t.Errorf("the table has no %s", name)
		}
	}
}
