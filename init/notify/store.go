package notify

import (
	"slices"
	"strconv"
	"strings"
)

// Max is how many descriptors a program may have stored.
const Max = 128

// File is a descriptor and what it is called.
type File struct {
	Name string
	FD   int
}

// Store holds what one program has stored, in the order in which it came.
type Store []File

// Take does what a message wants with the descriptors that came along, and
// returns those to be closed.
func (s *Store) Take(m Message, fds []int) (useless []int) {
	if m.Remove {
		*s = slices.DeleteFunc(*s, func(f File) bool {
			if f.Name == m.Name {
				useless = append(useless, f.FD)
			}
			return f.Name == m.Name
		})
		return append(useless, fds...)
	}
	for _, fd := range fds {
		if !m.Store || len(*s) >= Max {
			useless = append(useless, fd)
			continue
		}
		*s = append(*s, File{m.Name, fd})
	}
	return useless
}

// Empty forgets all and returns what is to be closed.
func (s *Store) Empty() (useless []int) {
	for _, f := range *s {
		useless = append(useless, f.FD)
	}
	*s = nil
	return useless
}

// Pass says how descriptors are handed to a program (sd_listen_fds(3)): its
// descriptors from 3 on, and the words of its environment that name them.
func Pass(files ...File) (fds []int, env []string) {
	if len(files) == 0 {
		return nil, nil
	}
	names := make([]string, len(files))
	for i, f := range files {
		fds, names[i] = append(fds, f.FD), f.Name
	}
	return fds, []string{"LISTEN_FDS=" + strconv.Itoa(len(files)), "LISTEN_FDNAMES=" + strings.Join(names, ":")}
}
