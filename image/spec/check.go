package spec

import (
	"fmt"
	"maps"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var hostname = regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$`)

func (s *Spec) checkHost(src *source) {
	switch {
	case s.Hostname == "":
		src.errorf(0, `no Hostname: add "Hostname": "NAME"`)
	case len(s.Hostname) > 64 || !hostname.MatchString(s.Hostname):
		src.failf("Hostname", "host name %q: use letters, digits and - only, at most 64", s.Hostname)
	}
	for i, arg := range s.KernelExtraArgs {
		if strings.ContainsAny(arg, "\n\x00") {
			src.failf("KernelExtraArgs["+strconv.Itoa(i)+"]", "a kernel word cannot hold a newline")
		}
	}
	for pkg, c := range s.PackageConfig {
		at := "PackageConfig." + pkg
		checkEnv(src, at+".Environment", c.Environment)
		for _, name := range slices.Concat(slices.Collect(maps.Keys(c.ExtraFilePaths)), slices.Collect(maps.Keys(c.ExtraFileContents))) {
			if !path.IsAbs(name) || path.Clean(name) != strings.TrimSuffix(name, "/") {
				src.failf(at, "extra file %q: want an absolute path on the appliance", name)
			}
		}
	}
}

func checkEnv(src *source, at string, env []string) {
	for i, e := range env {
		if k, _, ok := strings.Cut(e, "="); !ok || k == "" || strings.ContainsRune(e, 0) {
			src.failf(at+"["+strconv.Itoa(i)+"]", "%q is not KEY=VALUE", e)
		}
	}
}

// checkOwn checks the Slashdev object and takes its choices over.
func (s *Spec) checkOwn(src *source) {
	own := s.Slashdev
	if own.Version != Version {
		src.failf("Slashdev", `Slashdev.Version is %d: write "Version": %d`, own.Version, Version)
	}
	if own.Shell != nil {
		s.Shell = own.Shell.Mode
		oneOf(src, "Slashdev.Shell.Mode", s.Shell, "open", "password", "off")
	}
	if own.Devfs != nil && own.Devfs.Mode != "" {
		s.Devfs = own.Devfs.Mode
		oneOf(src, "Slashdev.Devfs.Mode", s.Devfs, "mount", "nomount", "only", "safe")
	}
	for i, m := range own.Modules {
		if m == "" || strings.ContainsAny(m, "/ \t\n") {
			src.failf("Slashdev.Modules["+strconv.Itoa(i)+"]", "%q is not the name of a kernel module", m)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(own.Programs)) {
		run := own.Programs[key]
		s.checkRun(src, key, &run)
	}
}

func (s *Spec) checkRun(src *source, key string, run *Run) {
	at := "Slashdev.Programs." + key
	i := slices.IndexFunc(s.Programs, func(p Program) bool { return p.Package == key || p.Path() == key })
	if i < 0 {
		src.failf(at, "no program %s: use a package of Packages or GokrazyPackages, or a path such as /user/NAME", key)
		return
	}
	if run.Restart == "" {
		run.Restart = "always"
	}
	oneOf(src, at+".Restart", run.Restart, "always", "gokrazy", "never")
	checkEnv(src, at+".Env", run.Env)
	s.Programs[i].Run = run
}

func oneOf(src *source, at, got string, allowed ...string) {
	if !slices.Contains(allowed, got) {
		src.failf(at, "%s is %q: use one of %s", at, got, strings.Join(allowed, ", "))
	}
}

// chooseShell makes the shell ask for the password where the image has one, or
// takes updates, and the file does not say otherwise.
func (s *Spec) chooseShell(src *source) {
	said := s.Slashdev != nil && s.Slashdev.Shell != nil
	keys := s.Slashdev != nil && s.Slashdev.Update != nil && len(s.Slashdev.Update.Keys) > 0
	if !said && (s.Password() != "" || keys) {
		s.Shell = "password"
	}
	if s.Shell == "password" && s.Password() == "" {
		s.Warnings = append(s.Warnings, src.where("Slashdev.Shell.Mode")+
			": the shell asks for a password and the image has none: nobody gets in before /perm/gokr-pw.txt exists; set Update.HTTPPassword")
	}
}

// Password is the one that the appliance's services ask for, "" for none.
func (s *Spec) Password() string {
	if s.Update == nil || s.Update.NoPassword {
		return ""
	}
	return s.Update.HTTPPassword
}

// warn names what is in the file and has no effect yet: a limit that is
// silently ignored is worse than none.
func (s *Spec) warn() {
	ignored := func(key string) {
		s.Warnings = append(s.Warnings, key+" has no effect in this version")
	}
	if len(s.MountDevices) > 0 {
		ignored("MountDevices")
	}
	for _, p := range s.Programs {
		if p.Config.WaitForClock {
			ignored("PackageConfig." + p.Package + ".WaitForClock")
		}
	}
	if s.Slashdev == nil {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(s.Slashdev.Programs)) {
		for _, f := range setFields(s.Slashdev.Programs[key], "Restart", "Env") {
			ignored("Slashdev.Programs." + key + "." + f)
		}
	}
	if s.Slashdev.Devfs != nil {
		for _, f := range setFields(*s.Slashdev.Devfs, "Mode") {
			ignored("Slashdev.Devfs." + f)
		}
	}
	for _, f := range setFields(*s.Slashdev, "Version", "Shell", "Devfs", "Programs", "Modules") {
		ignored("Slashdev." + f)
	}
}

// setFields names the fields of a struct that are not zero, but those done.
func setFields(v any, done ...string) []string {
	var names []string
	value := reflect.ValueOf(v)
	for i := range value.NumField() {
		name := value.Type().Field(i).Name
		if !value.Field(i).IsZero() && !slices.Contains(done, name) {
			names = append(names, fmt.Sprint(name))
		}
	}
	return names
}
