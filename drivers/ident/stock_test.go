package ident

import (
	"slices"
	"strings"
	"testing"
)

// TestLinksByStockRules makes links of sound cards, terminals and cameras of
// our properties as Debian's rules do (60-persistent-alsa, 60-serial,
// 60-persistent-v4l), and compares with the links that udevd made.
func TestLinksByStockRules(t *testing.T) {
	compared := 0
	for _, name := range []string{"pc.txtar", "gadgets.txtar"} {
		r := recorded(t, name)
		for device, want := range r.links {
			got := stockLinks(r, device)
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("%s %s:\n got %q\nwant %q", name, device, got, want)
			}
			compared++
		}
	}
	if compared < 6 {
		t.Errorf("only %d devices have links", compared)
	}
}

func stockLinks(r *recording, devpath string) (links []string) {
	usb, _ := USB(r.tree, devpath)
	byPath, _ := Path(r.tree, devpath)
	id := valueOf(usb, "ID_BUS") + "-" + valueOf(usb, "ID_SERIAL")
	number, place := valueOf(usb, "ID_USB_INTERFACE_NUM"), valueOf(byPath, "ID_PATH")
	add := func(known bool, link string) {
		if known {
			links = append(links, link)
		}
	}
	d := at(r.tree, devpath)
	switch d.subsystem() {
	case "sound":
		add(usb != nil, "snd/by-id/"+id+"-"+number)
		add(place != "", "snd/by-path/"+place)
	case "tty":
		add(usb != nil, "serial/by-id/"+id+"-if"+number)
		add(usb != nil && place != "", "serial/by-path/"+place)
	case "video4linux":
		index := "-video-index" + d.text("index")
		add(usb != nil, "v4l/by-id/"+id+index)
		add(place != "" && !strings.HasPrefix(d.name(), "radio"), "v4l/by-path/"+place+index)
	}
	return links
}

func BenchmarkIdentity(b *testing.B) {
	r := recorded(b, "pc.txtar")
	for _, bench := range []struct{ program, device string }{
		{"path_id", "/block/sdg"}, {"usb_id", "/block/sdg"}, {"input_id", "/event8"}, {"net_id", "/eno7"}, {"scsi_id", "/block/sda"}, {"ata_id", "/block/sde"},
	} {
		device := ""
		for _, s := range r.said {
			if strings.HasSuffix(s.device, bench.device) {
				device = s.device
			}
		}
		b.Run(bench.program, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if all, err := programs()[bench.program](r.tree, device); err != nil || all == nil {
					b.Fatal(device, err)
				}
			}
		})
	}
}
