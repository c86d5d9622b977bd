package udevdb

import (
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"slashdev/devmgr/uevent"
)

// Dir is the database, which this process alone writes. It is for one
// goroutine.
type Dir struct {
	path  string
	root  fs.FS
	data  int            // descriptors of the directories of these names
	tags  int            //
	links int            //
	tag   map[string]int // of the directories below tags
	seed  maphash.Seed
	known map[string]*state
	found map[string]bool // files of an earlier process that nobody has asked for yet
	buf   []byte
	busy  bool // the file queue exists
	fresh bool // no file was there
	// masked says that the umask takes bits away from the modes of files.
	masked bool
	// clock is CLOCK_MONOTONIC, in microseconds, when the database was opened.
	clock  uint64
	opened time.Time
}

// state is what must be remembered of a record to write the next one.
type state struct {
	initialized uint64
	text        uint64 // hash of the file, 0 if there is none
	stored      bool   // an earlier process wrote a file
	mode        uint32
	tags        []string
	links       []string
	target      string // of the claims
}

const (
	fileMode = 0o644
	tagMode  = 0o444
	sticky   = 0o1000
	maxTags  = 64 // descriptors that are kept open
)

// Open opens the database in the directory at path, and makes it if there is
// none. What an earlier process knew of a device is kept.
func Open(path string) (*Dir, error) {
	d := &Dir{path: path, data: -1, tags: -1, links: -1, tag: map[string]int{}, seed: maphash.MakeSeed(),
		known: map[string]*state{}, found: map[string]bool{}, clock: monotonic(), opened: time.Now()}
	root, err := makeDir(unix.AT_FDCWD, path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	defer unix.Close(root)
	for _, sub := range []struct {
		name string
		fd   *int
	}{{"data", &d.data}, {"tags", &d.tags}, {"links", &d.links}} {
		if *sub.fd, err = makeDir(root, sub.name); err != nil {
			d.Close()
			return nil, fmt.Errorf("open %s/%s: %w", path, sub.name, err)
		}
	}
	d.root = os.DirFS(path)
	entries, err := fs.ReadDir(d.root, "data")
	if err != nil {
		d.Close()
		return nil, fmt.Errorf("read database: %w", err)
	}
	for _, e := range entries {
		d.found[e.Name()] = true
	}
	d.fresh = len(d.found) == 0
	d.masked = d.isMasked()
	return d, nil
}

// makeDir makes and opens a directory, with those above it.
func makeDir(at int, name string) (int, error) {
	const flags = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_CLOEXEC | unix.O_NOFOLLOW
	fd, err := unix.Openat(at, name, flags, 0)
	if err != unix.ENOENT {
		return fd, err
	}
	if at == unix.AT_FDCWD {
		err = os.MkdirAll(name, 0o755)
	} else {
		err = unix.Mkdirat(at, name, 0o755)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return -1, err
	}
	if fd, err = unix.Openat(at, name, flags, 0); err == nil {
		err = unix.Fchmod(fd, 0o755) // whatever the umask was
	}
	return fd, err
}

// Close closes the directories.
func (d *Dir) Close() error {
	for _, fd := range []int{d.data, d.tags, d.links} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
	d.dropTags()
	return nil
}

func (d *Dir) dropTags() {
	for _, fd := range d.tag {
		unix.Close(fd)
	}
	clear(d.tag)
}

// Fresh says whether nobody had written the database before.
func (d *Dir) Fresh() bool { return d.fresh }

// Knows says whether the device was dealt with before; of those that are not
// in the database that is assumed.
func (d *Dir) Knows(id string) bool { return !numbered(id) || d.known[id] != nil || d.found[id] }

// Keep keeps Sweep from removing a device that is there but was not put in yet.
func (d *Dir) Keep(id string) {
	if d.found[id] {
		d.state(id)
	}
}

// Read returns what the database holds of a device.
func (d *Dir) Read(id string) (Record, error) { return Read(d.root, id) }

// Put writes the record of a device and returns it as it is now stored: the
// time since which it has been known is kept, and Tags holds those of earlier
// events too. r.Tags need only hold what is new.
func (d *Dir) Put(r Record) (Record, error) {
	if !fileName(r.ID) {
		return r, fmt.Errorf("database: %q is no id of a device", r.ID)
	}
	s := d.state(r.ID)
	if s.text != 0 && unix.Faccessat(d.data, r.ID, unix.F_OK, 0) != nil { // "udevadm info --cleanup-db"
		delete(d.known, r.ID)
		s = d.state(r.ID)
	}
	s.keep(&r, d.clock+uint64(time.Since(d.opened).Microseconds()))
	if err := errors.Join(d.claim(r, s), d.write(r, s), d.mark(r, s)); err != nil {
		return r, fmt.Errorf("database: %s: %w", r.ID, err)
	}
	return r, nil
}

// state returns what is remembered of a device, if need be from its file.
func (d *Dir) state(id string) *state {
	s := d.known[id]
	if s != nil {
		return s
	}
	s = &state{}
	d.known[id] = s
	if !d.found[id] {
		return s
	}
	delete(d.found, id)
	s.stored = true
	text, mode, err := readFile(d.root, id)
	if err != nil {
		return s
	}
	old := Parse(text)
	s.initialized, s.tags, s.links = old.Initialized, old.Tags, old.Links
	s.text, s.mode = d.hash([]byte(text)), uint32(mode.Perm())
	if mode&fs.ModeSticky != 0 {
		s.mode |= sticky
	}
	return s
}

// keep adds to r what stays over events.
func (s *state) keep(r *Record, now uint64) {
	if s.initialized == 0 {
		s.initialized = r.Initialized
	}
	if s.initialized == 0 {
		s.initialized = now
	}
	r.Initialized = s.initialized
	var tags, current, links []string
	for _, t := range r.CurrentTags {
		current = appendTag(current, t)
	}
	for _, t := range slices.Concat(s.tags, r.Tags, current) {
		tags = appendTag(tags, t)
	}
	for _, l := range r.Links {
		if r.DevName != "" && uevent.CheckName(l) == nil {
			links = append(links, l)
		}
	}
	r.Tags, r.CurrentTags, r.Links = tags, current, links
}

func monotonic() uint64 {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) != nil {
		return 1
	}
	return uint64(ts.Nano() / 1000)
}

// Remove takes a device out of the database.
func (d *Dir) Remove(id string) error {
	if !fileName(id) {
		return nil
	}
	s := d.state(id)
	var errs []error
	for _, t := range s.tags {
		if fd, err := d.tagDir(t); err == nil {
			errs = append(errs, unlink(fd, id))
		}
	}
	errs = append(errs, unlink(d.data, id))
	for _, l := range s.links {
		errs = append(errs, d.unclaim(l, id))
	}
	delete(d.known, id)
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("database: remove %s: %w", id, err)
	}
	return nil
}
