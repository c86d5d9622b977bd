package main

import (
	"os"
	"slices"
	"strings"

	"slashdev/init/userland/tool"
)

const devmgrSocket = "/run/slashdev/devmgr.sock"

// findDevice returns the path of the node that a name means, such as LABEL=data
// or /dev/discs/disc0/part1: devmgr knows all names. What is no name of a device
// is returned as it is.
func findDevice(name string) (string, error) {
	_, err := os.Stat(name)
	if !isTag(name) && (err == nil || !strings.HasPrefix(name, "/dev/")) {
		return name, nil
	}
	found, err := ask(devmgrSocket, "resolve", name)
	switch {
	case err != nil:
		return "", err
	case len(found) != 1 || found[0]["devname"] == "":
		return "", tool.Errorf(tool.NotFound, "%s has no node", tool.Clean(name))
	}
	return "/dev/" + found[0]["devname"], nil
}

// isTag is true for what a medium says of itself.
func isTag(name string) bool {
	tag, _, ok := strings.Cut(name, "=")
	return ok && slices.Contains([]string{"LABEL", "UUID", "PARTLABEL", "PARTUUID"}, tag)
}
