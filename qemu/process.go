package qemu

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"sync"
)

// maxStderr bounds what is kept of QEMU's messages.
const maxStderr = 16 << 10

// tailBuffer keeps the end of what is written to it.
type tailBuffer struct {
	mu   sync.Mutex
	text []byte
}

func (b *tailBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text = append(b.text, p...)
	if over := len(b.text) - maxStderr; over > 0 {
		b.text = append([]byte(nil), b.text[over:]...)
	}
	return len(p), nil
}

// String returns the text, safe to print.
func (b *tailBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.text) == 0 {
		return "it printed nothing"
	}
	return Sanitize(b.text)
}

func killProcess(cmd *exec.Cmd) { cmd.Process.Kill() }

func exitText(err error) string {
	if err == nil {
		return "exit status 0"
	}
	return err.Error()
}

// copyFile copies a file; QEMU's firmware packages install theirs read-only.
func copyFile(to, from string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	_, err = io.Copy(out, in)
	return err
}
