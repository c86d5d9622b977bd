package ident

import (
	"strings"
	"testing"
)

func TestCdrom(t *testing.T) {
	profile := func(n byte) []byte { return []byte{0, 0, 0, 4, 0, 0, 0, n} }
	contents := func(controls ...byte) []byte {
		b := []byte{0, 0, 1, byte(len(controls))}
		for i, c := range append(controls, 0x14) {
			number := byte(i + 1)
			if i == len(controls) {
				number = 0xaa
			}
			b = append(b, 0, c, number, 0, 0, 0, 0, 0)
		}
		return b
	}
	disc := []byte{0, 32, 0x0e, 1, 1, 1, 1, 0, 0, 0, 0, 0}
	tests := []struct {
		answers CdromAnswers
		want    string
	}{
		{CdromAnswers{}, "ID_CDROM"},
		// The drives of QEMU, without a disc and with one (as udev said).
		{CdromAnswers{Capability: 0x188000, Configuration: profile(0)}, "ID_CDROM _DVD _MRW _MRW_W"},
		{CdromAnswers{Capability: 0x8000, Configuration: append(profile(0), 0, 0, 3, 8, 0, 0x10, 0, 0, 0, 8, 0, 0, 0, 1, 3, 4)}, "ID_CDROM _DVD _CD"},
		{CdromAnswers{0x188000, profile(8), disc, contents(0x14)}, "ID_CDROM _DVD _MRW _MRW_W _MEDIA _MEDIA_CD _MEDIA_SESSION_COUNT _MEDIA_TRACK_COUNT _MEDIA_TRACK_COUNT_DATA"},
		{CdromAnswers{0, profile(9), []byte{0, 32, 0, 1, 1, 1, 1, 0, 0, 0}, nil}, "ID_CDROM _MEDIA _MEDIA_CD_R _MEDIA_STATE=blank"},
		{CdromAnswers{0, profile(8), disc, contents(0, 0, 4)}, "ID_CDROM _MEDIA _MEDIA_CD _MEDIA_SESSION_COUNT _MEDIA_TRACK_COUNT=3 _MEDIA_TRACK_COUNT_AUDIO=2 _MEDIA_TRACK_COUNT_DATA"},
		{CdromAnswers{0, profile(0x77), nil, []byte{0, 0, 1}}, "ID_CDROM _MEDIA"},
	}
	for _, tt := range tests {
		var got []string
		for _, p := range Cdrom(tt.answers) {
			text := strings.TrimPrefix(p.Key, "ID_CDROM_")
			if text != p.Key {
				text = "_" + text
			}
			got = append(got, strings.TrimSuffix(text+"="+p.Value, "=1"))
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%+v:\n got %s\nwant %s", tt.answers, s, tt.want)
		}
	}
}

func FuzzCdrom(f *testing.F) {
	f.Add(uint32(0x188000), []byte{0, 0, 0, 4, 0, 0, 0, 8}, []byte{0, 32, 14, 1, 1}, []byte{0, 10, 1, 1, 0, 20, 1, 0})
	f.Add(uint32(0), []byte{0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 3, 8, 0, 16, 0, 0, 0, 8, 0, 0}, []byte{}, []byte{})
	f.Fuzz(func(t *testing.T, capability uint32, configuration, disc, contents []byte) {
		all := Cdrom(CdromAnswers{capability, configuration, disc, contents})
		if len(all) > 30 || all[0].Key != "ID_CDROM" {
			t.Errorf("%v", all)
		}
	})
}
