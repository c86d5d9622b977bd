package main

import (
	"encoding/json"
	"testing"

	"slashdev/devmgr/ctl"
)

func TestModule(t *testing.T) {
	answer := []ctl.Record{
		{"name=pci:v1", "state=loaded", "module=disk", "module=generic_disk"},
		{"name=usb:v\x1b[2J", "state=failed", "error=load broken: exec format error", "module=broken"},
		{"name=acpi:X", "state=none", "error=no module has this name or alias"},
	}
	show := func(options map[string][]string) string {
		return output(func(c *command) {
			c.options = options
			c.showModules(answer)
		})
	}
	want := `STATE   MODULES                         ASKED FOR
loaded  disk generic_disk               pci:v1
failed  load broken: exec format error  usb:v\x1b[2J
none                                    acpi:X
`
	if got := show(nil); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	var list []struct {
		Name, State, Error string
		Modules            []string
	}
	text := show(map[string][]string{"failed": {""}, "json": {""}})
	if err := json.Unmarshal([]byte(text), &list); err != nil || len(list) != 1 || list[0].Name != "usb:v\x1b[2J" || list[0].Modules[0] != "broken" {
		t.Errorf("%v in %s", err, text)
	}
}
