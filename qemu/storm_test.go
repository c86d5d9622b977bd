//go:build !long

package qemu_test

// forgedEvents is how many events each forger sends, and stormEvents how many
// are sent to a device manager that is starved.
const (
	forgedEvents = 2_000
	stormEvents  = 5_000
)
