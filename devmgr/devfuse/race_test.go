//go:build race

package devfuse_test

// scale is what the race detector multiplies memory by.
const scale = 4
