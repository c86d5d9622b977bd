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

func (s *Spec) checkHost(src *source) {
	// Compiled here: every tool of the appliance would pay for it before main.
	hostname := regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$`)
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
		src.failf("Slashdev", `Slashdev.Version is %d: this slashdev reads version %d: write "Version": %d, or use a newer slashdev`, own.Version, Version, Version)
	}
	if own.Shell != nil {
		s.Shell = own.Shell.Mode
		oneOf(src, "Slashdev.Shell.Mode", s.Shell, "open", "password", "off")
	}
	if own.Devfs != nil {
		s.checkDevfs(src, own.Devfs)
	}
	if own.Log != nil {
		s.checkLog(src)
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

// checkRun finds the program that an entry is for.
func (s *Spec) checkRun(src *source, key string, run *Run) {
	at := "Slashdev.Programs." + key
	i := slices.IndexFunc(s.Programs, func(p Program) bool { return p.Package == key || p.Path() == key })
	switch {
	case i < 0:
		src.failf(at, "no program %s: use a package of Packages or GokrazyPackages, or a path such as /user/NAME", key)
	case s.Programs[i].Run != nil:
		src.failf(at, "a second entry for %s (the other is %s): merge them", s.Programs[i].Name, s.Programs[i].key)
	default:
		s.Programs[i].Run, s.Programs[i].key = run, key
	}
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
		if len(p.Config.WaitFor) > 0 { // gokrazy does not read it either
			ignored("PackageConfig." + p.Package + ".WaitFor")
		}
	}
	if s.Slashdev == nil {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(s.Slashdev.Programs)) {
		if len(s.Slashdev.Programs[key].Devices) > 0 {
			ignored("Slashdev.Programs." + key + ".Devices")
		}
	}
	if s.Slashdev.Devfs != nil {
		for _, f := range setFields(*s.Slashdev.Devfs, "Mode", "Names", "Numbers") {
			ignored("Slashdev.Devfs." + f)
		}
	}
	for _, f := range setFields(*s.Slashdev, "Version", "Shell", "Devfs", "Programs", "Modules", "Log") {
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
