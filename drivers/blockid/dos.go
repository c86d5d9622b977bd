package blockid

import "fmt"

// maxLogical bounds the chain of logical partitions.
const maxLogical = 128

// readDOS reads the table in the first sector and the chain of logical partitions.
func readDOS(w *window) *table {
	mbr := w.at(0, 512)
	if mbr.le16(510) != 0xaa55 || protective(mbr) {
		return nil
	}
	t := &table{kind: "dos", scale: uint64(w.sector / 512)}
	if id := mbr.le32(440); id != 0 {
		t.uuid = fmt.Sprintf("%08x", id)
	}
	for i := range 4 {
		e := mbr.slice(446+16*i, 16)
		if e[0]&0x7f != 0 {
			return nil
		}
		t.add(e, i+1, 0)
	}
	for _, e := range t.entries {
		if e.extended() {
			t.logical(w, e)
			break
		}
	}
	return t
}

// add takes an entry of 16 bytes, whose place counts from base.
func (t *table) add(e block, number int, base uint64) {
	if e.le32(12) == 0 {
		return
	}
	p := entry{
		scheme: "dos", number: number, start: base + t.scale*uint64(e.le32(8)), size: t.scale * uint64(e.le32(12)),
		kind: fmt.Sprintf("0x%x", e.byte(4)), flags: uint64(e.byte(0)),
	}
	if t.uuid != "" {
		p.uuid = fmt.Sprintf("%s-%02x", t.uuid, number)
	}
	t.entries = append(t.entries, p)
}

// logical follows the chain: each link holds a partition, whose place counts from the
// link, and the next link, whose place counts from the extended partition.
func (t *table) logical(w *window, extended entry) {
	link := extended.start
	for number := 5; number < 5+maxLogical; number++ {
		ebr := w.at(int64(link)*512, 512)
		if ebr.le16(510) != 0xaa55 {
			return
		}
		next := uint64(0)
		for i := range 4 {
			e := ebr.slice(446+16*i, 16)
			switch kind := (entry{scheme: "dos", kind: fmt.Sprintf("0x%x", e.byte(4))}); {
			case e.le32(12) == 0:
			case kind.extended():
				next = extended.start + t.scale*uint64(e.le32(8))
			case i < 2:
				t.add(e, number, link)
			}
		}
		if next == 0 {
			return
		}
		link = next
	}
}
