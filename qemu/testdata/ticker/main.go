// Command ticker counts aloud, to show that others still run.
package main

import (
	"fmt"
	"time"
)

func main() {
	n := 0
	for range time.Tick(200 * time.Millisecond) {
		n++
		fmt.Println("tick", n)
	}
}
