//go:build long

package qemu_test

const (
	forgedEvents = 10_000
	stormEvents  = 100_000
)
