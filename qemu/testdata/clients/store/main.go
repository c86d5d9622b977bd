// Command store is one of two programs that stop in order.
package main

import "slashdev/qemu/testdata/clients/words"

func main() { words.Last("store") }
