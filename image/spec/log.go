package spec

import (
	"slices"
	"strconv"
	"strings"

	"slashdev/init/userland/logd/option"
)

// words are what the logger is told, each with the key that says it.
func (l *Log) words() (keys, words []string) {
	for _, kv := range [][2]string{{"Ring", l.Ring}, {"Quota", l.Quota}, {"Remote", l.Remote}, {"CA", l.CA}, {"Tee", l.Tee}, {"Drop", strings.Join(l.Drop, ",")}} {
		if kv[1] != "" {
			keys, words = append(keys, kv[0]), append(words, strings.ToLower(kv[0])+"="+kv[1])
		}
	}
	return keys, words
}

func (s *Spec) checkLog(src *source) {
	keys, words := s.Slashdev.Log.words()
	for i, key := range keys {
		if _, err := option.Parse(words[i : i+1]); err != nil {
			src.failf("Slashdev.Log."+key, "%v", err)
		}
	}
	for i, name := range s.Slashdev.Log.Drop {
		if !slices.ContainsFunc(s.Programs, func(p Program) bool { return p.Name == name }) {
			src.failf("Slashdev.Log.Drop["+strconv.Itoa(i)+"]", "no program %s: use the name of a program of the image", name)
		}
	}
	s.logWords = words
}
