package devfuse

import (
	"encoding/binary"
	"testing"

	"slashdev/devmgr/view"
)

// message makes a request: header, then body.
func message(opcode uint32, node uint64, body ...byte) []byte {
	b := make([]byte, 40, 40+len(body))
	binary.NativeEndian.PutUint32(b, uint32(40+len(body)))
	binary.NativeEndian.PutUint32(b[4:], opcode)
	binary.NativeEndian.PutUint64(b[8:], 1)
	binary.NativeEndian.PutUint64(b[16:], node)
	return append(b, body...)
}

// Whatever comes from /dev/fuse, the answer is whole or there is none, and the
// tree goes on answering.
func FuzzRequest(f *testing.F) {
	zeros := make([]byte, 128)
	for opcode := range uint32(54) {
		f.Add(message(opcode, 1, append([]byte("null\x00x\x00"), zeros...)...))
	}
	f.Add(message(1, 1, []byte("null\x00")...))
	f.Add(message(42, 1, 255, 255, 255, 255, 0, 0, 0, 0))
	f.Add(message(28, 1, zeros[:40]...))
	f.Fuzz(func(t *testing.T, in []byte) {
		b := view.NewBack()
		if err := b.Put("null", view.Item{Kind: view.Char, Major: 1, Minor: 3}); err != nil {
			t.Fatal(err)
		}
		m := newMount(&Server{}, New(view.New(b, view.Options{}), Config{}))
		for range 2 { // a request may be sent again
			out := m.reply(new(buffer), in)
			if n := len(out); n > 0 && (n < 16 || int(binary.NativeEndian.Uint32(out)) != n) {
				t.Errorf("an answer of %d bytes says %x", n, out[:min(n, 16)])
			}
		}
		if out := m.reply(new(buffer), message(3, 1, zeros[:16]...)); len(out) < 16 || binary.NativeEndian.Uint32(out[4:]) != 0 {
			t.Errorf("the root cannot be looked at any more: %x", out)
		}
	})
}
