package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"bitnet-gpu/engine"
	"bitnet-gpu/engine/chat"
	"bitnet-gpu/engine/sample"
)

// How another program uses the engine. The name "demo" is the small model in the
// program; a file of a model stands there as well.
func Example() {
	e, err := engine.Open("demo", engine.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer e.Close()
	request := engine.Request{Prompt: "Once upon a time", Max: 14, Sampling: sample.Greedy()}
	for piece, err := range e.Generate(context.Background(), request) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Print(piece.Text)
	}
	// Output:
	// , there was a patient boy named Noah. His grandmother gave him a
}

// A conversation, in the model's chat template.
func ExampleEngine_Generate_chat() {
	e, err := engine.Open("demo", engine.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer e.Close()
	request := engine.Request{
		Messages: []chat.Message{{Role: "user", Content: "What is 2 plus 3?"}},
		Sampling: sample.Greedy(),
	}
	for piece, err := range e.Generate(context.Background(), request) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Print(piece.Text)
		if piece.Finish != "" {
			fmt.Printf(" (%s)", piece.Finish)
		}
	}
	// Output:
	// 2 plus 3 is 5. (stop)
}

// A seed makes a drawn text the same every time, on every machine.
func ExampleEngine_Generate_seed() {
	e, err := engine.Open("demo", engine.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer e.Close()
	for range 2 {
		request := engine.Request{Prompt: "Once upon a time", Max: 15, Sampling: sample.Params{Seed: 7}}
		for piece, err := range e.Generate(context.Background(), request) {
			if err != nil {
				fmt.Println(err)
				return
			}
			fmt.Print(piece.Text)
		}
		fmt.Println()
	}
	// Output:
	// , a little bee named Maya lived near the castle. Every day, Maya
	// , a little bee named Maya lived near the castle. Every day, Maya
}

// When the context ends, its error is the last value.
func ExampleEngine_Generate_cancel() {
	e, err := engine.Open("demo", engine.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer e.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	tokens := 0
	for piece, err := range e.Generate(ctx, engine.Request{Prompt: "Once upon a time"}) {
		if errors.Is(err, context.Canceled) {
			fmt.Println(piece.Finish, "after", piece.Stats.Generated, "tokens")
			break
		}
		if tokens++; tokens == 5 {
			cancel()
		}
	}
	// Output: cancelled after 5 tokens
}

// Two texts at once, each in a slot of its own.
func ExampleEngine_Generate_concurrent() {
	e, err := engine.Open("demo", engine.Options{Slots: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer e.Close()
	prompts := []string{"Anna", "One morning"}
	texts := make([]strings.Builder, len(prompts))
	var all sync.WaitGroup
	for i, prompt := range prompts {
		all.Go(func() {
			request := engine.Request{Prompt: prompt, Max: 12, Sampling: sample.Greedy()}
			for piece, err := range e.Generate(context.Background(), request) {
				if err != nil {
					fmt.Println(err)
					return
				}
				texts[i].WriteString(piece.Text)
			}
		})
	}
	all.Wait()
	for i := range texts {
		fmt.Printf("%s%s\n", prompts[i], texts[i].String())
	}
	// Output:
	// Anna was a kind girl who lived near the lake. Anna and
	// One morning, a baker named Hugo.
}
