// Command example is a program outside the module: it asks a model several questions
// at once and prints the answers in their order.
//
//	go mod tidy
//	go run . "What is 2 plus 3?" "Tell me a joke"
//	go run . -m model.gguf -time 1m "What is a prime?"
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"bitnet-gpu/engine"
	"bitnet-gpu/engine/chat"
	"bitnet-gpu/engine/sample"
)

func main() {
	model := flag.String("m", "demo", "file of the model")
	limit := flag.Duration("time", time.Minute, "most time for all answers")
	seed := flag.Uint64("seed", 1, "of the sampling")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), *limit)
	defer cancel()
	if err := run(ctx, *model, *seed, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run answers every question in a goroutine of its own.
func run(ctx context.Context, model string, seed uint64, questions []string) error {
	e, err := engine.Open(model, engine.Options{Slots: max(len(questions), 1)})
	if err != nil {
		return err
	}
	defer e.Close()
	answers, errs := make([]string, len(questions)), make([]error, len(questions))
	var all sync.WaitGroup
	for i, question := range questions {
		all.Go(func() { answers[i], errs[i] = ask(ctx, e, question, seed) })
	}
	all.Wait()
	for i := range questions {
		fmt.Printf("%s\n  %s\n", questions[i], answers[i])
	}
	return errors.Join(errs...)
}

// ask returns the answer, or as much of it as there was time for.
func ask(ctx context.Context, e *engine.Engine, question string, seed uint64) (string, error) {
	var answer strings.Builder
	request := engine.Request{
		Messages: []chat.Message{{Role: "user", Content: question}},
		Sampling: sample.Params{Seed: seed},
	}
	for piece, err := range e.Generate(ctx, request) {
		answer.WriteString(piece.Text)
		if errors.Is(err, context.DeadlineExceeded) {
			return answer.String() + " (no more time)", nil
		}
		if err != nil {
			return "", err
		}
	}
	return answer.String(), nil
}
