package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// fakeQEMU behaves as QEMU with a guest in it, as $FAKE says: shell, password,
// panic, fainting (dies of the power-off), silent (boots, says nothing), deaf (no QMP either), broken (ends with
// an error), mute (ends with 0, as after a guest's invisible death).
func fakeQEMU() {
	switch os.Getenv("FAKE") {
	case "deaf":
		hang()
	case "broken":
		fmt.Fprintln(os.Stderr, "qemu-system-x86_64: could not open disk.img")
		os.Exit(1)
	}
	events := fakeQMP(socketOf(os.Args))
	switch os.Getenv("FAKE") {
	case "mute":
		os.Exit(0)
	case "panic":
		fmt.Print("[ 1.0] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000200\r\n")
		shutdown(events, "guest-reset")
	case "silent":
		hang()
	case "password":
		fmt.Print("\r\npassword: ")
	}
	fmt.Print("hello: ready\r\ninit: ready\r\n")
	in := bufio.NewReader(os.Stdin)
	if os.Getenv("FAKE") == "password" {
		askPassword(in)
	}
	fakeShell(in, events)
}

// hang waits to be killed. A bare select would be a deadlock to the runtime,
// which ends the process for it now and then.
func hang() {
	never := make(chan os.Signal, 1)
	signal.Notify(never, syscall.SIGUSR1)
	<-never
}

func socketOf(args []string) string {
	for _, a := range args {
		if _, path, ok := strings.Cut(a, "socket,id=qmp,path="); ok {
			return path
		}
	}
	fmt.Fprintln(os.Stderr, "no QMP socket")
	os.Exit(1)
	return ""
}

// fakeQMP accepts every command.
func fakeQMP(path string) io.Writer {
	conn, err := net.Dial("unix", path)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Fprintln(conn, `{"QMP": {"version": {}, "capabilities": []}}`)
	lines := bufio.NewScanner(conn)
	answer := func() bool {
		var request struct{ ID uint64 }
		if !lines.Scan() || json.Unmarshal(lines.Bytes(), &request) != nil {
			return false
		}
		fmt.Fprintf(conn, `{"return": {}, "id": %d}`+"\n", request.ID)
		return true
	}
	answer() // the guest starts after that
	go func() {
		for answer() {
		}
	}()
	return conn
}

func shutdown(events io.Writer, reason string) {
	fmt.Fprintf(events, `{"event": "SHUTDOWN", "data": {"guest": true, "reason": %q}}`+"\n", reason)
	os.Exit(0)
}

func askPassword(in *bufio.Reader) {
	for {
		line, err := in.ReadString('\r')
		if err != nil {
			os.Exit(0)
		}
		if line == "secret\r" {
			return
		}
		fmt.Print("\r\nwrong\r\npassword: ")
	}
}

func fakeShell(in *bufio.Reader, events io.Writer) {
	for {
		fmt.Print("\r\nslashdev:/# ")
		line, err := in.ReadString('\r')
		if err != nil {
			os.Exit(0)
		}
		fmt.Print(line)
		switch words := strings.SplitN(strings.TrimSpace(line), " ", 3); words[0] {
		case "poweroff":
			if os.Getenv("FAKE") == "fainting" {
				os.Exit(0)
			}
			shutdown(events, "guest-shutdown")
		case "kill":
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
		case "exec-frame":
			fakeCommand(words[1], strings.Trim(words[2], "'"))
		default:
			fmt.Printf("\r\nyou said %q\r\n", line)
		}
	}
}

func fakeCommand(nonce, command string) {
	seq := 0
	frame := func(kind, payload string) {
		body := fmt.Sprintf("%s %d %s", kind, seq, payload)
		fmt.Printf("\r\n@%s %s %08x\r\n", nonce, body, crc32.ChecksumIEEE([]byte(body)))
		seq++
	}
	name, arg, _ := strings.Cut(command, " ")
	status := "0"
	switch name {
	case "echo":
		frame("o", base64.StdEncoding.EncodeToString([]byte(arg+"\n")))
	case "complain":
		frame("e", base64.StdEncoding.EncodeToString([]byte(arg+"\n")))
	case "exit":
		status = arg
	case "hang":
		hang()
	case "damage":
		fmt.Printf("\r\n@%s o 0 AAAA 00000000\r\n", nonce)
	case "die":
		os.Exit(0)
	}
	frame("x", status)
}
