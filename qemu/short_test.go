//go:build !long

package qemu_test

// long says that the slow tests run too.
const long = false
