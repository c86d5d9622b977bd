package main

import (
	"slices"
	"strconv"
	"unicode/utf8"

	"slashdev/devmgr/ctl"
)

// jsonArray prints an array with one object a line, so that tools for lines
// can read it too.
func (c *command) jsonArray(records []ctl.Record, object func([]byte, ctl.Record) []byte) {
	c.out.WriteString("[")
	for i, r := range records {
		if i > 0 {
			c.out.WriteString(",")
		}
		c.out.WriteString("\n")
		c.out.Write(object(nil, r))
	}
	c.out.WriteString("\n]\n")
}

// deviceJSON appends a device. What a device does not have is null for numbers
// and mode, and "" for names.
func deviceJSON(b []byte, r ctl.Record) []byte {
	b = append(b, '{')
	for i, key := range []string{"devpath", "subsystem", "devtype", "devname", "major", "minor",
		"mode", "owner", "group", "driver", "modalias"} {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = appendJSONString(b, key)
		b = append(b, ": "...)
		b = appendJSONValue(b, key, r.Get(key))
	}
	b = append(b, `, "links": `...)
	return append(appendJSONStrings(b, slices.Collect(r.Values("link"))), '}')
}

func appendJSONValue(b []byte, key, value string) []byte {
	switch key {
	case "major", "minor", "missed", "uid", "gid":
		if n, err := strconv.ParseUint(value, 10, 64); err == nil {
			return strconv.AppendUint(b, n, 10)
		}
		return append(b, "null"...)
	case "mode":
		if value == "" {
			return append(b, "null"...)
		}
	}
	return appendJSONString(b, value)
}

func appendJSONStrings(b []byte, list []string) []byte {
	b = append(b, '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = appendJSONString(b, s)
	}
	return append(b, ']')
}

func appendJSONString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			b = append(b, `\ufffd`...)
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < ' ' || r >= 0x7f && r < 0xa0:
			b = append(b, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			b = append(b, s[i:i+n]...)
		}
		i += n
	}
	return append(b, '"')
}
