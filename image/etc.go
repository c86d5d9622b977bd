package image

import (
	"crypto/sha256"
	"fmt"
	"os"
	"strings"

	"slashdev/image/spec"
	"slashdev/image/tree"
	"slashdev/init/shadow"
)

const osRelease = `NAME=slashdev
ID=slashdev
PRETTY_NAME="slashdev"
VERSION_ID=1
HOME_URL="https://gokrazy.org/"
`

// hostBundle is where the host keeps the certificates that it trusts; Go's
// programs look for the other name on the appliance.
const (
	hostBundle = "/etc/ssl/certs/ca-certificates.crt"
	ourBundle  = "/etc/ssl/ca-bundle.pem"
)

func (b *builder) addEtc() error {
	host := b.spec.Hostname
	files := map[string]string{
		"passwd": spec.Passwd, "group": spec.Group, "os-release": osRelease, "hostname": host + "\n",
		"hosts": "127.0.0.1 localhost " + host + "\n::1 localhost " + host + "\n",
	}
	if u := b.spec.Update; u != nil {
		if u.HTTPPort != "" {
			files["http-port.txt"] = u.HTTPPort + "\n"
		}
		if u.HTTPSPort != "" {
			files["https-port.txt"] = u.HTTPSPort + "\n"
		}
	}
	for name, text := range files {
		if err := b.add(tree.Bytes("/etc/"+name, 0o644, []byte(text))); err != nil {
			return err
		}
	}
	if err := b.add(tree.Link("/etc/resolv.conf", "/tmp/resolv.conf")); err != nil {
		return err
	}
	if err := b.addPassword(); err != nil {
		return err
	}
	return b.addCertificates()
}

// addPassword adds what the shell asks for, hashed, and gokrazy's file, which
// programs that update the machine read. The salt may not be random, or no two
// images would be the same.
func (b *builder) addPassword() error {
	p := b.spec.Password()
	if p == "" {
		return nil
	}
	if err := b.add(tree.Bytes("/etc/gokr-pw.txt", 0o400, []byte(p+"\n"))); err != nil || b.spec.Shell == "off" {
		return err
	}
	salt := sha256.Sum256([]byte("slashdev shell " + b.spec.Hostname))
	line, err := shadow.Line("root", p, salt[:16])
	if err != nil {
		return fmt.Errorf("hash password: %w", err)
	}
	return b.add(tree.Bytes(shadow.File, 0o600, []byte(line)))
}

// addCertificates takes the host's certificates into the image of a user's own
// programs, as gokrazy does. Our own programs need none, and without them the
// default image is the same on every host.
func (b *builder) addCertificates() error {
	for _, p := range b.spec.Programs {
		if p.System || strings.HasPrefix(p.Package, "slashdev/") {
			continue
		}
		if _, err := os.Stat(hostBundle); err != nil {
			b.warnf("no %s on this host: the image has no certificates, and https will not work", hostBundle)
			return nil
		}
		return b.addHost(ourBundle, hostBundle)
	}
	return nil
}
