//go:build long

package main

// seeds is how many random lives PID 1 leads by make test-long.
const seeds = 10_000
