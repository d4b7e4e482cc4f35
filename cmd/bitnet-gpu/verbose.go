package main

import (
	"fmt"
	"io"
	"slices"

	"bitnet-gpu/engine"
)

// tell says what runs where, and what the flags ask for of it.
func (f *generateFlags) tell(w io.Writer, e *engine.Engine, r engine.Request) {
	describe(w, e)
	tellContext(w, e)
	if special := asSpecial(e, r); special != nil && !f.verbose {
		fmt.Fprintln(w, "note: the prompt names special tokens, which are text here; --special makes them tokens")
	}
	if f.verbose {
		f.explain(w, e, r)
	}
	if f.verbosePrompt {
		listPrompt(w, e, r)
	}
}

// listPrompt writes a line for each token of the prompt.
func listPrompt(w io.Writer, e *engine.Engine, r engine.Request) {
	tokens, err := e.Tokens(r)
	if err != nil {
		return // Generate says so
	}
	fmt.Fprintf(w, "prompt: %d tokens\n", len(tokens))
	for _, id := range tokens {
		fmt.Fprintf(w, "%8d %q\n", id, e.Tokenizer().Token(id))
	}
}

// explain tells what the flags amount to.
func (f *generateFlags) explain(w io.Writer, e *engine.Engine, r engine.Request) {
	s, info := f.sampling, e.Info()
	fmt.Fprintf(w, "seed %d, temp %g, top-k %d, top-p %g, min-p %g, repeat-penalty %g over %d, presence-penalty %g, frequency-penalty %g\n",
		s.Seed, s.Temp, s.TopK, s.TopP, s.MinP, s.RepeatPenalty, s.RepeatLast, s.PresencePenalty, s.FrequencyPenalty)
	fmt.Fprintf(w, "%s; context %d, batch %d, weights %d MiB, cache %d MiB\n",
		info.Device, e.Context(), info.Batch, info.Weights>>20, info.Cache>>20)
	if tokens, err := e.Tokens(r); err == nil {
		fmt.Fprintf(w, "prompt %v", tokens)
		if special := asSpecial(e, r); special != nil {
			fmt.Fprintf(w, "; with --special %v", special)
		}
		fmt.Fprintln(w)
	}
}

// asSpecial returns the tokens of a prompt with --special, if it makes others.
func asSpecial(e *engine.Engine, r engine.Request) []int32 {
	tokens, err := e.Tokens(r)
	if err != nil || r.Messages != nil || r.Special {
		return nil
	}
	r.Special = true
	if special, err := e.Tokens(r); err == nil && !slices.Equal(tokens, special) {
		return special
	}
	return nil
}
