package engine

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"time"

	"bitnet-gpu/engine/chat"
	"bitnet-gpu/engine/compute"
	"bitnet-gpu/engine/sample"
	"bitnet-gpu/engine/tokenizer"
	"bitnet-gpu/weights"
)

// A Request is one generation. One of Prompt, Messages and Tokens is set, and no
// more; all else has defaults.
type Request struct {
	Prompt   string         // plain text, to be continued
	Special  bool           // the names of special tokens in Prompt are these tokens, not text
	Messages []chat.Message // a conversation, rendered with the model's template
	Tokens   []int32        // the prompt as it is

	Max      int           // most tokens to generate; 0: until the text ends or the context is full
	Stop     []string      // strings that end the text, themselves left out
	Sampling sample.Params // what is not set: as in sample.Defaults

	// Draft is how many tokens at most are guessed at once from what the text
	// repeats. 0: as many as pay on the backend; below 0: none. Guesses change
	// how long a text takes and nothing else.
	Draft int
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
	FinishCancelled Finish = "cancelled" // the caller's context ended: its error is beside the piece
)

// Stats counts the work of a generation.
type Stats struct {
	Prompt     int           // tokens of the prompt
	Cached     int           // of them found in the cache
	Generated  int           // tokens sampled, an end token included
	Drafted    int           // tokens guessed, see Request.Draft
	Accepted   int           // of them those that were right
	PromptTime time.Duration // until the first token
	DecodeTime time.Duration // from the first token on
}

// Generate continues a prompt. The sequence yields pieces of text as they come; the
// last one says why the text ended. It may be ranged over again, which is the same
// request once more.
//
// An error ends the sequence, as its last value. When ctx ends this is the error of
// ctx, beside a last piece that has what text was held back: errors.Is(err,
// context.Canceled) tells it from what went wrong. The others wrap ErrUsage where the
// request asks for what cannot be, weights.ErrInvalid where the model's file is at
// fault, as without a usable tokenizer, ErrClosed, and those of the backend.
//
// A generation holds one of the engine's slots until its loop ends, also by a break;
// the next waits where there is none free, so a loop within a loop needs two. Any
// number of goroutines may generate at once.
func (e *Engine) Generate(ctx context.Context, r Request) iter.Seq2[Piece, error] {
	return func(yield func(Piece, error) bool) {
		g, err := e.newGeneration(r)
		if err != nil {
			yield(Piece{Token: -1}, err)
			return
		}
		if err := g.take(ctx); err != nil {
			p := Piece{Token: -1, Stats: g.stats}
			if err == ctx.Err() {
				p.Finish = FinishCancelled
			}
			yield(p, err)
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
	draft   drafter // what the cache holds behind them
	sampler *sample.Sampler
	// Outputs of the last token, and of the draft behind it. Without top logits is
	// (rows, VocabSize); else it is one row of -Inf to put candidates in.
	logits  []float32
	top     [][]compute.Candidate // (rows)
	row     int                   // of the token to sample from
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
	sampler, err := sample.New(r.Sampling, e.model.VocabSize)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	if r.Max < 0 {
		return nil, fmt.Errorf("%w: at most %d tokens to generate: it must be 0 (until the text ends) or more", ErrUsage, r.Max)
	}
	g := &generation{
		e: e, r: r, tokens: tokens, sampler: sampler,
		draft:   drafter{most: r.Draft},
		logits:  make([]float32, e.model.VocabSize),
		decoder: e.tokenizer.NewDecoder(tokens...),
		stop:    stopper{stops: r.Stop},
		ends:    e.tokenizer.Stops(),
		start:   time.Now(),
	}
	for i := range g.logits {
		g.logits[i] = masked
	}
	g.stats.Prompt = len(tokens)
	if e.options.Trace != nil { // a tracer sees each position once
		g.draft.most = -1
	}
	return g, nil
}

var masked = float32(math.Inf(-1))

// take waits for a slot and keeps what its cache shares with the prompt. The
// last token is always fed: its logits are wanted.
func (g *generation) take(ctx context.Context) (err error) {
	if g.slot, err = g.e.slots.take(ctx, g.tokens); err != nil {
		return err
	}
	g.fed = min(common(g.slot.tokens, g.tokens), len(g.tokens)-1)
	g.stats.Cached = g.fed
	return nil
}

// Tokens returns the tokens of a request's prompt, checked.
func (e *Engine) Tokens(r Request) ([]int32, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	if e.noText != nil {
		return nil, e.noText
	}
	var tokens []int32
	switch {
	case len(r.Messages) > 0:
		segments, err := e.render(r.Messages)
		if err != nil {
			return nil, err
		}
		tokens = e.tokenizer.EncodeChat(segments)
	case len(r.Tokens) > 0:
		tokens = append(tokens, r.Tokens...)
	case r.Special: // as a conversation: one BOS in front, whether or not the prompt has it
		tokens = e.tokenizer.EncodeChat([]chat.Segment{{Text: r.Prompt, Special: true}})
	default:
		if e.tokenizer.AddBOS() {
			tokens = append(tokens, e.tokenizer.BOS())
		}
		tokens = e.tokenizer.Encode(tokens, r.Prompt)
	}
	return tokens, e.checkPrompt(tokens, 1)
}

// check refuses a request without a prompt, or with several.
func (r *Request) check() error {
	var given []string
	for _, c := range []struct {
		name string
		set  bool
	}{{"Prompt", r.Prompt != ""}, {"Messages", len(r.Messages) > 0}, {"Tokens", len(r.Tokens) > 0}} {
		if c.set {
			given = append(given, c.name)
		}
	}
	switch len(given) {
	case 0:
		return fmt.Errorf("%w: no prompt: one of Prompt, Messages and Tokens must be set", ErrUsage)
	case 1:
		return nil
	}
	return fmt.Errorf("%w: several prompts: only one of %s may be set", ErrUsage, strings.Join(given, " and "))
}

// render puts messages into the chat template, up to where the answer begins.
func (e *Engine) render(messages []chat.Message) ([]chat.Segment, error) {
	t, err := e.template()
	if err != nil {
		return nil, err
	}
	segments, err := t.Render(messages, true)
	return segments, e.templateError(err)
}

// newTemplate makes the chat template: the chosen one, if there is one.
func (e *Engine) newTemplate(chosen string) (*chat.Template, error) {
	t, err := e.tokenizer.Template(e.model.Arch, chosen)
	if err != nil {
		return nil, e.templateError(err)
	}
	if t.Note != "" && e.notice != nil {
		e.notice(t.Note)
	}
	return t, nil
}

// templateError says whose fault it is that a conversation cannot be rendered.
func (e *Engine) templateError(err error) error {
	var template *chat.TemplateError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &template) && !e.chosen:
		return fmt.Errorf("%s: %w: %w", e.model.Path, err, weights.ErrInvalid)
	}
	return fmt.Errorf("%w: %w", ErrUsage, err)
}

// next computes and samples one token.
func (g *generation) next(ctx context.Context) (Piece, error) {
	if len(g.tokens) == g.e.context {
		return g.last(FinishLength), nil
	}
	for g.fed < len(g.tokens) {
		if err := ctx.Err(); err != nil {
			return g.last(FinishCancelled), err
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

// feed gives the backend the next tokens, of a long prompt one batch, and behind
// a single one a draft. A token that came with a draft is there already.
func (g *generation) feed() error {
	if g.draft.accept(g.tokens[g.fed]) {
		g.stats.Accepted++
		g.row++
		g.hold(1)
		return nil
	}
	info := g.e.Info()
	n := min(len(g.tokens)-g.fed, max(info.Batch, 1))
	step := compute.Step{Slot: g.slot.index, Pos: g.fed, Tokens: g.tokens[g.fed : g.fed+n]}
	if g.fed+n == len(g.tokens) {
		var draft []int32
		if n == 1 {
			draft = g.draft.next(g.tokens, info.Few, min(g.room(), info.Batch-1))
			step.Tokens = append(step.Tokens, draft...) // into the room behind g.tokens
		}
		g.want(&step, 1+len(draft))
	}
	g.slot.tokens = g.slot.tokens[:0] // in case of an error
	switch err := g.e.forward(g.slot, step); {
	case errors.Is(err, errRefeed):
		g.fed = 0
		g.draft.drop()
		return nil
	case errors.Is(err, compute.ErrNumeric) && len(step.Tokens) > n:
		g.draft = drafter{most: -1} // a token that will never come may be at fault
		return nil
	case errors.Is(err, compute.ErrNumeric):
		return fmt.Errorf("%w (at positions %d to %d: the weights are damaged)", err, g.fed, g.fed+n-1)
	case err != nil:
		return err
	}
	g.stats.Drafted += len(step.Tokens) - n
	g.hold(n)
	return nil
}

// hold notes that the cache holds n more of the tokens.
func (g *generation) hold(n int) {
	g.fed += n
	g.slot.tokens = g.tokens[:g.fed]
}

// room returns how many tokens may follow before the last one.
func (g *generation) room() int {
	n := g.e.context - len(g.tokens)
	if g.r.Max > 0 {
		n = min(n, g.r.Max-g.stats.Generated)
	}
	return n - 1
}

// want asks for what sampling needs behind each of the last tokens of a step: the
// best candidates, if these decide, else whole rows.
func (g *generation) want(step *compute.Step, rows int) {
	g.row = 0
	if _, ok := g.sampler.Enough(len(g.tokens)); !ok {
		n := rows * g.e.model.VocabSize
		g.logits = slices.Grow(g.logits[:0], n)[:n]
		step.Logits = g.logits
		return
	}
	g.top = append(g.top, make([][]compute.Candidate, max(rows-len(g.top), 0))...)
	for i := range rows {
		k, _ := g.sampler.Enough(len(g.tokens) + i)
		g.top[i] = slices.Grow(g.top[i][:0], k)[:k]
	}
	step.Top = g.top[:rows]
}

// sample draws the next token. The row of logits that candidates stand in is
// masked elsewhere.
func (g *generation) sample() (int32, error) {
	if len(g.top) == 0 {
		v := g.e.model.VocabSize
		return g.sampler.Sample(g.logits[g.row*v:(g.row+1)*v], g.tokens)
	}
	top := g.top[g.row]
	for _, c := range top {
		g.logits[c.ID] = c.Logit
	}
	id, err := g.sampler.Sample(g.logits, g.tokens)
	for _, c := range top {
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
