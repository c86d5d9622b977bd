//go:build !long

package rig

// seeds is how many random machines are injured by make test.
const seeds = 300
