// Package spec reads the appliance file: gokrazy's config.json with an optional
// object "Slashdev".
//
// Outside that object gokrazy's rules hold: unknown keys are tolerated, because
// gokrazy tolerates them. Inside it every unknown, misspelt or repeated key is
// an error, because a limit that is silently ignored is worse than none. Every
// error carries file, line, column and the fix.
//
// The appliance's own tools use this package too, so it knows nothing about how
// images are made.
package spec

// File is the appliance file as it is written.
type File struct {
	Hostname        string
	DeviceType      string                   `json:",omitempty"`
	Update          *Update                  `json:",omitempty"`
	Environment     []string                 `json:",omitempty"`
	Packages        []string                 `json:",omitempty"`
	PackageConfig   map[string]PackageConfig `json:",omitempty"`
	SerialConsole   string                   `json:",omitempty"`
	GokrazyPackages *[]string                `json:",omitempty"` // nil: gokrazy's own list
	KernelPackage   *string                  `json:",omitempty"`
	FirmwarePackage *string                  `json:",omitempty"`
	EEPROMPackage   *string                  `json:",omitempty"`

	KernelExtraArgs       []string      `json:",omitempty"`
	BootloaderExtraLines  []string      `json:",omitempty"`
	BootloaderExtraEEPROM []string      `json:",omitempty"`
	MountDevices          []MountDevice `json:",omitempty"`

	InternalCompatibilityFlags map[string]any `json:",omitempty"`

	Slashdev *Slashdev `json:",omitempty"`
}

// Update says how the appliance is updated over the network.
type Update struct {
	Hostname     string `json:",omitempty"`
	UseTLS       string `json:",omitempty"`
	NoPassword   bool   `json:",omitempty"`
	HTTPPort     string `json:",omitempty"`
	HTTPSPort    string `json:",omitempty"`
	HTTPPassword string `json:",omitempty"`
	CertPEM      string `json:",omitempty"`
	KeyPEM       string `json:",omitempty"`
}

// PackageConfig says how one package is built and started.
type PackageConfig struct {
	GoBuildEnvironment []string          `json:",omitempty"`
	GoBuildFlags       []string          `json:",omitempty"`
	GoBuildTags        []string          `json:",omitempty"`
	ExtraFilePaths     map[string]string `json:",omitempty"`
	ExtraFileContents  map[string]string `json:",omitempty"`
	Basename           string            `json:",omitempty"`
	Environment        []string          `json:",omitempty"`
	CommandLineFlags   []string          `json:",omitempty"`
	DontStart          bool              `json:",omitempty"`
	WaitForClock       bool              `json:",omitempty"`
	WaitFor            []string          `json:",omitempty"`
}

// MountDevice is a file system that gokrazy's init would mount.
type MountDevice struct {
	Source, Type, Target, Options string
}

// Slashdev is our own object. Programs is keyed by package, or by path on the
// appliance.
type Slashdev struct {
	Version  int
	Shell    *Shell         `json:",omitempty"`
	Devfs    *Devfs         `json:",omitempty"`
	Programs map[string]Run `json:",omitempty"`
	Modules  []string       `json:",omitempty"`
	Health   *Health        `json:",omitempty"`
	Update   *UpdateKeys    `json:",omitempty"`
	Log      *Log           `json:",omitempty"`
}

// Log says what becomes of the programs' lines.
type Log struct {
	Ring   string   `json:",omitempty"` // bytes kept in /run, such as 4M
	Quota  string   `json:",omitempty"` // bytes kept in /perm/log, such as 16M; 0: none
	Remote string   `json:",omitempty"` // udp://HOST, tcp://HOST or tls://HOST
	CA     string   `json:",omitempty"` // file on the appliance with the authorities for tls://
	Tee    string   `json:",omitempty"` // level from which on lines are shown on the consoles
	Drop   []string `json:",omitempty"` // programs of which a flood is dropped
}

// Shell says who may use the diagnostics shell on the consoles.
type Shell struct {
	Mode string
}

// Devfs says how /dev is made.
type Devfs struct {
	Mode    string   `json:",omitempty"`
	Names   []string `json:",omitempty"` // schemes: devfs, new-compat, old-compat
	Numbers string   `json:",omitempty"` // free or stable
	Rules   []string `json:",omitempty"`
	Views   []View   `json:",omitempty"`
	Persist string   `json:",omitempty"`
}

// View is a /dev of its own.
type View struct {
	Name   string   `json:",omitempty"`
	Path   string   `json:",omitempty"`
	Style  string   `json:",omitempty"`
	Attrs  string   `json:",omitempty"`
	NewDev string   `json:",omitempty"`
	Preset string   `json:",omitempty"`
	Rules  []string `json:",omitempty"`
}

// Health is the gate that a new slot must pass.
type Health struct {
	Timeout  string   `json:",omitempty"`
	Programs []string `json:",omitempty"`
	Network  bool     `json:",omitempty"`
}

// UpdateKeys says which updates the appliance accepts.
type UpdateKeys struct {
	Keys  []string `json:",omitempty"`
	Board string   `json:",omitempty"`
}
