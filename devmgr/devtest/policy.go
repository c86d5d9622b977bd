package devtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"slashdev/devmgr/daemon"
	"slashdev/devmgr/rules/udev"
)

// Rules reads the udev rules in folders, the most important first, for
// NewReplay; without folders there is the stock table only. What is wrong with
// the rules is told line by line.
func Rules(folders ...string) (policy daemon.Policy, problems []string, err error) {
	var dirs []string
	for _, folder := range folders {
		abs, err := filepath.Abs(folder)
		if err == nil {
			_, err = os.Stat(abs)
		}
		if err != nil {
			return policy, nil, err
		}
		dirs = append(dirs, strings.TrimPrefix(filepath.ToSlash(abs), "/"))
	}
	files, err := udev.Load(os.DirFS("/"), dirs)
	if err != nil {
		return policy, nil, err
	}
	if len(folders) > 0 && len(files) == 0 {
		return policy, nil, fmt.Errorf("%s: no *.rules in it", strings.Join(folders, ", "))
	}
	policy, list := daemon.Recorded(Groups, files)
	for _, p := range list {
		problems = append(problems, p.String())
	}
	return policy, problems, nil
}
