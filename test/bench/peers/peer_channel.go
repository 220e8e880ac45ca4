// peer_channel measures one hop of a 64-byte item over a channel of 1,024 between two goroutines:
// the median of nine rounds, on one processor ("one") and on all ("all").
package main

import (
	"fmt"
	"runtime"
	"sort"
	"time"
)

const rounds, steps = 9, 2000000

type item struct {
	bytes [64]byte
}

func median() float64 {
	var ns []float64
	for r := 0; r < rounds; r++ {
		channel := make(chan item, 1024)
		go func() {
			var one item
			for i := 0; i < steps; i++ {
				channel <- one
			}
			close(channel)
		}()
		began := time.Now()
		count := 0
		for range channel {
			count++
		}
		ns = append(ns, float64(time.Since(began).Nanoseconds())/float64(count))
	}
	sort.Float64s(ns)
	return ns[rounds/2]
}

func main() {
	all := median()
	runtime.GOMAXPROCS(1)
	fmt.Printf("{\"bench\":\"go_channel_hop\",\"one_ns\":%.2f,\"all_ns\":%.2f}\n", median(), all)
}
