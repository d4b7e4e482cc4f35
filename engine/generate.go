package engine

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"reflect"
	"slices"
	"time"

	"bitnet-gpu/engine/chat"
	"bitnet-gpu/engine/compute"
	"bitnet-gpu/engine/sample"
	"bitnet-gpu/engine/tokenizer"
	"bitnet-gpu/weights"
)

// A Request is one generation. Exactly one of Prompt, Messages and Tokens is
// set.
type Request struct {
	Prompt   string         // plain text, to be continued
	Messages []chat.Message // a conversation, rendered with the model's template
	Tokens   []int32        // the prompt as it is

	Max      int           // most tokens to generate; 0: until the text ends or the context is full
	Stop     []string      // strings that end the text, themselves left out
	Sampling sample.Params // the zero value: sample.Defaults()
}

// A Piece is a part of the generated text.
type Piece struct {
	Text   string // whole UTF-8 characters, and bytes that are none as they are; may be ""
	Token  int32  // the token sampled for it; -1 where none was, or an end token
	Finish Finish // set in the last piece only
	Stats  Stats  // so far
}

// Finish says why a text ended.
type Finish string

const (
	FinishStop      Finish = "stop"      // an end token or a stop string
	FinishLength    Finish = "length"    // Request.Max tokens, or the context is full
	FinishCancelled Finish = "cancelled" // the caller's context ended
)

// Stats counts the work of a generation.
type Stats struct {
	Prompt     int           // tokens of the prompt
	Cached     int           // of them found in the cache
	Generated  int           // tokens sampled, an end token included
	PromptTime time.Duration // until the first token
	DecodeTime time.Duration // from the first token on
}

// Generate continues a prompt. A model without a usable tokenizer cannot. The sequence yields pieces of text as they come;
// the last one says why it ended. An error ends it too, as the last value.
// Cancelling ctx ends the text and is no error. A generation holds one of the
// engine's slots until its loop ends; the next waits where there is none free, so
// a loop within a loop needs two.
func (e *Engine) Generate(ctx context.Context, r Request) iter.Seq2[Piece, error] {
	return func(yield func(Piece, error) bool) {
		g, err := e.newGeneration(r)
		if err != nil {
			yield(Piece{Token: -1}, err)
			return
		}
		if !g.take(ctx) {
			yield(Piece{Token: -1, Finish: FinishCancelled, Stats: g.stats}, nil)
			return
		}
		defer e.slots.give(g.slot)
		for {
			p, err := g.next(ctx)
			if !yield(p, err) || err != nil || p.Finish != "" {
				return
			}
		}
	}
}

// A generation is one run of Generate.
type generation struct {
	e       *Engine
	r       Request
	slot    *slot
	tokens  []int32 // prompt and what was sampled
	fed     int     // how many of them the cache holds
	sampler *sample.Sampler
	logits  []float32 // (VocabSize) of the last token, -Inf where not computed
	top     []compute.Candidate
	decoder *tokenizer.Decoder
	stop    stopper
	ends    []int32
	stats   Stats
	start   time.Time // of the prompt, then of the first token
}

func (e *Engine) newGeneration(r Request) (*generation, error) {
	tokens, err := e.Tokens(r)
	if err != nil {
		return nil, err
	}
	if reflect.ValueOf(r.Sampling).IsZero() {
		r.Sampling = sample.Defaults()
	}
	sampler, err := sample.New(r.Sampling, e.model.VocabSize)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	if r.Max < 0 {
		return nil, fmt.Errorf("%w: cannot generate %d tokens", ErrUsage, r.Max)
	}
	g := &generation{
		e: e, r: r, tokens: tokens, sampler: sampler,
		logits:  make([]float32, e.model.VocabSize),
		decoder: e.tokenizer.NewDecoder(),
		stop:    stopper{stops: r.Stop},
		ends:    e.tokenizer.Stops(),
		start:   time.Now(),
	}
	for i := range g.logits {
		g.logits[i] = masked
	}
	g.stats.Prompt = len(tokens)
	return g, nil
}

var masked = float32(math.Inf(-1))

// take waits for a slot and keeps what its cache shares with the prompt. The
// last token is always fed: its logits are wanted.
func (g *generation) take(ctx context.Context) bool {
	g.slot = g.e.slots.take(ctx, g.tokens)
	if g.slot == nil {
		return false
	}
	g.fed = min(common(g.slot.tokens, g.tokens), len(g.tokens)-1)
	g.stats.Cached = g.fed
	return true
}

// Tokens returns the tokens of a request's prompt, checked.
func (e *Engine) Tokens(r Request) ([]int32, error) {
	if e.noText != nil {
		return nil, e.noText
	}
	var tokens []int32
	switch {
	case r.Messages != nil:
		segments, err := e.render(r.Messages)
		if err != nil {
			return nil, err
		}
		tokens = e.tokenizer.EncodeChat(segments)
	case r.Tokens != nil:
		tokens = append(tokens, r.Tokens...)
	default:
		if e.tokenizer.AddBOS() {
			tokens = append(tokens, e.tokenizer.BOS())
		}
		tokens = e.tokenizer.Encode(tokens, r.Prompt)
	}
	return tokens, e.checkPrompt(tokens, 1)
}

// render puts messages into the model's template, up to where its answer begins.
func (e *Engine) render(messages []chat.Message) (segments []chat.Segment, err error) {
	t, err := e.tokenizer.Template(e.model.Arch)
	if err == nil {
		segments, err = t.Render(messages, true)
	}
	var template *chat.TemplateError
	switch {
	case errors.As(err, &template):
		err = fmt.Errorf("%s: %w: %w", e.model.Path, err, weights.ErrInvalid)
	case err != nil:
		err = fmt.Errorf("%w: %w", ErrUsage, err)
	}
	return segments, err
}

// next computes and samples one token.
func (g *generation) next(ctx context.Context) (Piece, error) {
	if len(g.tokens) == g.e.context {
		return g.last(FinishLength), nil
	}
	for g.fed < len(g.tokens) {
		if ctx.Err() != nil {
			return g.last(FinishCancelled), nil
		}
		if err := g.feed(); err != nil {
			return Piece{Token: -1, Stats: g.stats}, err
		}
	}
	id, err := g.sample()
	if err != nil {
		return Piece{Token: -1, Stats: g.stats}, err
	}
	g.count()
	for _, end := range g.ends {
		if id == end {
			return g.last(FinishStop), nil
		}
	}
	g.tokens = append(g.tokens, id)
	text, stopped := g.stop.next(g.decoder.Next(id))
	switch {
	case stopped:
		return Piece{Text: text, Token: id, Finish: FinishStop, Stats: g.stats}, nil
	case g.stats.Generated == g.r.Max:
		p := g.last(FinishLength)
		p.Text, p.Token = text+p.Text, id
		return p, nil
	}
	return Piece{Text: text, Token: id, Stats: g.stats}, nil
}

// feed gives the backend the next tokens, of a long prompt one batch. Behind the
// last it asks for what sampling needs: the best candidates, if these decide.
func (g *generation) feed() error {
	n := min(len(g.tokens)-g.fed, max(g.e.Info().Batch, 1))
	step := compute.Step{Slot: g.slot.index, Pos: g.fed, Tokens: g.tokens[g.fed : g.fed+n]}
	if g.fed+n == len(g.tokens) {
		if k, ok := g.sampler.Enough(len(g.tokens)); ok {
			g.top = slices.Grow(g.top[:0], k)[:k]
			step.Top = [][]compute.Candidate{g.top}
		} else {
			g.top = g.top[:0]
			step.Logits = g.logits
		}
	}
	g.slot.tokens = g.slot.tokens[:0] // in case of an error
	if err := g.e.forward(g.slot, step); err != nil {
		if errors.Is(err, errRefeed) {
			g.fed = 0
			return nil
		}
		if errors.Is(err, compute.ErrNumeric) {
			err = fmt.Errorf("%w (at positions %d to %d: the weights are damaged)", err, g.fed, g.fed+n-1)
		}
		return err
	}
	g.fed += n
	g.slot.tokens = g.tokens[:g.fed]
	return nil
}

// sample draws the next token. The rows of logits that candidates stand in are
// masked elsewhere.
func (g *generation) sample() (int32, error) {
	for _, c := range g.top {
		g.logits[c.ID] = c.Logit
	}
	id, err := g.sampler.Sample(g.logits, g.tokens)
	for _, c := range g.top {
		g.logits[c.ID] = masked
	}
	return id, err
}

// count notes that a token was sampled.
func (g *generation) count() {
	now := time.Now()
	if g.stats.Generated == 0 {
		g.stats.PromptTime = now.Sub(g.start)
		g.start = now
	}
	g.stats.Generated++
	g.stats.DecodeTime = now.Sub(g.start)
}

// last returns the piece that ends the text, with what was held back.
func (g *generation) last(f Finish) Piece {
	text, stopped := g.stop.next(g.decoder.Flush())
	if stopped {
		f = FinishStop
	} else {
		text += g.stop.flush()
	}
	return Piece{Text: text, Token: -1, Finish: f, Stats: g.stats}
}
