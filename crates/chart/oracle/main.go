// Command oracle answers what Helm's own packages make of a chart, a template, a --set expression or a YAML document:
// one JSON request a line on standard input, one JSON answer a line on standard output. README.md has the requests.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"time"
)

// longestLine bounds a request: a chart of tens of megabytes.
const longestLine = 256 << 20

// patience bounds an answer. A render that takes longer is left to itself, and its asker is told so.
const patience = 20 * time.Second

// object is a JSON object of an answer.
type object = map[string]any

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 64<<10), longestLine)
	answers := bufio.NewWriter(os.Stdout)
	log.SetFlags(0)
	for lines.Scan() {
		line, err := json.Marshal(answer(bytes.Clone(lines.Bytes())))
		if err != nil {
			line, _ = json.Marshal(object{"unanswered": err.Error()})
		}
		answers.Write(append(line, '\n'))
		if err := answers.Flush(); err != nil {
			return
		}
	}
	if err := lines.Err(); err != nil {
		fmt.Fprintln(os.Stderr, "oracle:", err)
		os.Exit(1)
	}
}

// answer asks in a goroutine of its own, so that neither a panic nor a loop without end takes the oracle down.
func answer(line []byte) object {
	done := make(chan object, 1)
	go func() {
		var warnings bytes.Buffer
		log.SetOutput(&warnings)
		defer func() {
			if panicked := recover(); panicked != nil {
				done <- object{"error": text(fmt.Sprint(panicked)), "panic": true}
			}
		}()
		var asked request
		if err := json.Unmarshal(line, &asked); err != nil {
			done <- object{"unanswered": err.Error()}
			return
		}
		op, known := operations[asked.Op]
		if !known {
			done <- object{"unanswered": "no such op: " + asked.Op}
			return
		}
		given, err := op(&asked)
		if err != nil {
			if given == nil {
				given = object{}
			}
			given["error"] = text(err.Error())
		}
		if warnings.Len() > 0 {
			given["log"] = text(warnings.String())
		}
		done <- given
	}()
	select {
	case given := <-done:
		return given
	case <-time.After(patience):
		return object{"unanswered": "no answer in time"}
	}
}
