//go:build !long

package main

// seeds is how many random lives PID 1 leads by make test.
const seeds = 300
