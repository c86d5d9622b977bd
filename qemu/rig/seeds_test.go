//go:build !long

package rig

// seeds is how many random machines are injured by make test.
const seeds = 300

// soakRestarts is how often a program is killed to see whether PID 1 grows.
const soakRestarts = 500
