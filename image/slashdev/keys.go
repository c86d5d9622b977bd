package main

// keys finds our commands in what is typed at a console: Ctrl-A is the prefix,
// as in QEMU and screen. Its zero value is ready.
type keys struct{ prefix bool }

type keyAction uint8

const (
	keyNone keyAction = iota
	keyQuit
	keyHelp
)

const ctrlA = 1

const keyHelpText = "\r\n" +
	"Ctrl-A x       quit: the machine's power is cut\r\n" +
	"Ctrl-A h       this help\r\n" +
	"Ctrl-A Ctrl-A  type a Ctrl-A\r\n" +
	"The machine's own way off is the command poweroff.\r\n"

// feed splits typed bytes into what the machine gets and the first command.
// What comes behind a command is dropped.
func (k *keys) feed(p []byte) (text []byte, action keyAction) {
	for _, c := range p {
		if !k.prefix {
			if k.prefix = c == ctrlA; !k.prefix {
				text = append(text, c)
			}
			continue
		}
		k.prefix = false
		switch c {
		case 'x', 'X', 'x' - 'a' + 1:
			return text, keyQuit
		case 'h', 'H', '?', 'h' - 'a' + 1:
			return text, keyHelp
		case 'a', ctrlA:
			text = append(text, ctrlA)
		default: // not ours: the machine's line editor may know it
			text = append(text, ctrlA, c)
		}
	}
	return text, keyNone
}
