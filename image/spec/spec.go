package spec

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"slashdev/init/plan"
)

// Version is the version of the Slashdev object that this package reads.
const Version = 1

// maxPrograms is what PID 1 takes, less its own children.
const maxPrograms = 1000

// Spec is a checked appliance file with the defaults filled in.
type Spec struct {
	File
	Shell    string    // open, password or off
	Devfs    string    // how /dev is made
	Programs []Program // of the image: the system's, then the user's
	Warnings []string  // what the file asks for and this version does not do
	logWords []string
}

// Program is one Go package of the image.
type Program struct {
	Package string
	Name    string // of the binary
	System  bool   // below /gokrazy, not /user
	Config  PackageConfig
	Run     *Run   // nil: gokrazy's contract
	Where   string // file:line:col of the package in the file

	key   string // of Run in Slashdev.Programs
	entry plan.Program
}

// Path is where the program lies on the appliance.
func (p *Program) Path() string {
	if p.System {
		return "/gokrazy/" + p.Name
	}
	return "/user/" + p.Name
}

// gokrazyPackages is what gokrazy runs when the file does not say.
func gokrazyPackages() []string {
	const cmd = "github.com/gokrazy/gokrazy/cmd/"
	return []string{cmd + "dhcp", cmd + "ntp", cmd + "randomd", cmd + "heartbeat"}
}

// Parse reads and checks an appliance file. name is used in messages. All that
// is wrong is reported at once, each as an *Error.
func Parse(name string, text []byte) (*Spec, error) {
	f, src := decode(name, text)
	if f == nil {
		return nil, src.err()
	}
	s := &Spec{File: *f, Shell: "open", Devfs: "nomount"}
	s.addPrograms(src)
	s.checkHost(src)
	if f.Slashdev != nil {
		s.checkOwn(src)
	}
	s.entries(src)
	s.chooseShell(src)
	s.warn()
	if err := src.err(); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Spec) addPrograms(src *source) {
	system := gokrazyPackages()
	if s.GokrazyPackages != nil {
		system = *s.GokrazyPackages
	}
	for i, pkg := range system {
		s.addProgram(src, Program{Package: pkg, System: true}, "GokrazyPackages["+strconv.Itoa(i)+"]")
	}
	for i, pkg := range s.Packages {
		if len(s.Programs) == maxPrograms {
			src.failf("Packages["+strconv.Itoa(i)+"]", "more than %d programs", maxPrograms)
			break
		}
		s.addProgram(src, Program{Package: pkg}, "Packages["+strconv.Itoa(i)+"]")
	}
	for pkg := range s.PackageConfig {
		if !s.mentions(pkg) {
			s.Warnings = append(s.Warnings, src.where("PackageConfig."+pkg)+": PackageConfig for "+pkg+", which is in no list of packages")
		}
	}
}

func (s *Spec) mentions(pkg string) bool {
	for _, p := range s.Programs {
		if p.Package == pkg {
			return true
		}
	}
	for _, data := range []*string{s.KernelPackage, s.FirmwarePackage, s.EEPROMPackage} {
		if data != nil && *data == pkg {
			return true
		}
	}
	return strings.HasPrefix(pkg, "github.com/gokrazy/") // may be a default that is not used here
}

func (s *Spec) addProgram(src *source, p Program, at string) {
	p.Config, p.Where = s.PackageConfig[p.Package], src.where(at)
	p.Name = p.Config.Basename
	if p.Name == "" {
		p.Name = baseName(p.Package)
	}
	if isOurs(p.Name) {
		src.failf(at, "program name %q is taken by the system: set PackageConfig.%s.Basename", p.Name, p.Package)
	}
	if !plan.ValidName(p.Name) || strings.ContainsAny(p.Package, " \t\n\\") || strings.HasPrefix(p.Package, "-") {
		src.failf(at, "%q is not a Go package", p.Package)
	}
	for _, q := range s.Programs {
		if q.Name == p.Name {
			src.failf(at, "a second program named %q (the other is %s): set PackageConfig.%s.Basename", p.Name, q.Package, p.Package)
		}
	}
	s.Programs = append(s.Programs, p)
}

// isOurs says whether PID 1 or the logger uses the name for something else.
func isOurs(name string) bool {
	switch name {
	case "init", "devmgr", "userland", "logd", "perm", "sh", "kernel", "syslog",
		"teardown", "shutdown", "powerfail", "powerfailnow", "powerok", "kbrequest":
		return true
	}
	return strings.HasPrefix(name, "sh-") || strings.HasPrefix(name, "await-")
}

// baseName is what go build calls a package's program.
func baseName(pkg string) string {
	base := path.Base(pkg)
	if regexp.MustCompile(`^v[0-9]+$`).MatchString(base) && path.Dir(pkg) != "." {
		return path.Base(path.Dir(pkg))
	}
	return base
}

// Plan is what PID 1 reads. perm names the writable partition, "" for none.
func (s *Spec) Plan(perm string) *plan.Plan {
	p := &plan.Plan{Hostname: s.Hostname, Shell: s.Shell, Devfs: s.Devfs, Perm: perm, Log: s.logWords}
	first := slices.Clone(s.Programs) // the user's are started before the system's
	slices.SortStableFunc(first, func(a, b Program) int { return cmp.Compare(rank(a), rank(b)) })
	for _, prog := range first {
		p.Programs = append(p.Programs, prog.entry)
	}
	return p
}

func rank(p Program) int {
	if p.System {
		return 1
	}
	return 0
}

// where says file:line:col of the value at a path.
func (s *source) where(path string) string {
	at, ok := s.at[path]
	if !ok {
		return s.name // a default, not in the file
	}
	e := s.place(at)
	return fmt.Sprintf("%s:%d:%d", e.File, e.Line, e.Col)
}
