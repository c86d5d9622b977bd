//go:build !race

package devfuse_test

const scale = 1
