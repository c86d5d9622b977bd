//go:build pin

package image

// Modules that are data to us: nobody imports them, the image builder copies files out of
// them. These imports keep them in go.mod; the programs of the default appliance, which
// cannot be imported, are kept by the tool lines there.
import (
	_ "github.com/gokrazy/firmware"
	_ "github.com/gokrazy/kernel.amd64"
	_ "github.com/gokrazy/kernel.arm64"
	_ "github.com/gokrazy/kernel.rpi"
)
