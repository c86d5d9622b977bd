//go:build long

package rig

// seeds is how many random machines are injured by make test-long.
const seeds = 10_000

// soakRestarts is how often a program is killed to see whether PID 1 grows.
const soakRestarts = 10_000
