//go:build long

package rig

// seeds is how many random machines are injured by make test-long.
const seeds = 10_000
