//go:build long

package main

import "testing"

func TestS05_KilledLoggerLosesNothingLong(t *testing.T) { lossless(t, 10_000_000, 200) }

// A line of four gibibytes.
func TestS06_FloodIsBoundedLong(t *testing.T) { flood(t, 4<<30) }
