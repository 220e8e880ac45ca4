// peer_scanner counts the lines of a URL with bufio.Scanner: "peer_scanner URL", or, with the
// scanner in a goroutine of its own behind a channel of 1,024 strings, "peer_scanner URL channel".
package main

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
)

func main() {
	response, err := http.Get(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	scanner := bufio.NewScanner(response.Body)
	scanner.Buffer(make([]byte, 64*1024), 1024*1024)
	lines, bytes := 0, 0
	if len(os.Args) < 3 {
		for scanner.Scan() {
			lines++
			bytes += len(scanner.Bytes())
		}
	} else {
		channel := make(chan string, 1024)
		go func() {
			for scanner.Scan() {
				channel <- scanner.Text()
			}
			close(channel)
		}()
		for line := range channel {
			lines++
			bytes += len(line)
		}
	}
	if scanner.Err() != nil {
		fmt.Fprintln(os.Stderr, scanner.Err())
		os.Exit(1)
	}
	fmt.Printf("{\"lines\":%d,\"bytes\":%d}\n", lines, bytes)
}
