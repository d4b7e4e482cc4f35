// Package engine runs ternary language models: it opens a model file, picks a
// backend, and turns prompts into text.
//
//	e, err := engine.Open("model.gguf", engine.Options{})
//	if err != nil {
//		return err
//	}
//	defer e.Close()
//	for piece, err := range e.Generate(ctx, engine.Request{Prompt: "Once"}) {
//		if err != nil {
//			return err
//		}
//		fmt.Print(piece.Text)
//	}
//
// What is not set has a default: Options, Request and sample.Params are as good
// empty but for what matters. The name "demo" in place of a file opens the small
// model inside this module.
//
// An Engine serves any number of goroutines. Options.Slots of them are in the middle
// of a text at once, and others wait for one of these to end; all share the backend,
// which computes for one after the other. A text is the same whatever runs beside it.
package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"bitnet-gpu/cpu"
	"bitnet-gpu/engine/chat"
	"bitnet-gpu/engine/compute"
	"bitnet-gpu/engine/tokenizer"
	"bitnet-gpu/weights"
)

// ErrUsage means that a request or an option asks for what cannot be: the
// message says what to change.
var ErrUsage = errors.New("bad request")

// ErrClosed is the error of an engine's methods after Close.
var ErrClosed = errors.New("the engine is closed")

// maxContext is as far as compute.RopeTable is good.
const maxContext = 1 << 20

// leastContext is what a GPU with little memory may cut the context to, where
// none is asked for: with less the CPU serves better.
const leastContext = 1024

// Options say how to run a model. The zero value is a good choice.
type Options struct {
	Backend  string                  // "auto" ("" too), "cpu", "vulkan", "opengl"
	Device   string                  // "cpu", or the index, ID or part of the name of a GPU; "": the best
	Context  int                     // positions of a sequence; 0: what the model was trained for, or fewer where a GPU has no room for them
	Slots    int                     // sequences that run or stay cached at once; 0: 1
	Batch    int                     // prompt tokens computed together; 0: the backend's choice
	Threads  int                     // CPU threads; 0: one for each core
	Template string                  // of chats, instead of the model's own: Jinja, or one of chat.Names
	I2S      int                     // the layout of I2_S matrices, see weights.OpenOptions.I2SLayout
	Progress func(done, total int64) // hears of loading, in bytes of weights; may be nil
	Notice   func(line string)       // hears when another backend takes over, of too many threads, and of a chat template that is replaced; may be nil
	Trace    func(compute.Tap)       // sees every intermediate; nil in production
}

// An Engine is a loaded model on a backend. Its methods may be called from
// several goroutines at once.
type Engine struct {
	model     *weights.Model
	tokenizer *tokenizer.Tokenizer
	noText    error // why there is no tokenizer, or nil
	context   int
	options   compute.Options
	device    string
	notice    func(string)
	chosen    bool // the chat template is not the model's own
	template  func() (*chat.Template, error)
	slots     slots

	mu      sync.Mutex // guards what follows
	closed  bool
	backend compute.Backend
	info    compute.Info
	rest    []choice // backends to try when this one fails for good
	reasons []string // why better ones are not in use, or not as was wished
	epoch   int      // how many backends have failed: older caches are void
}

// Open loads the model of a file. The engine owns the file until Close.
//
// Errors wrap weights.ErrInvalid for a file that is no usable model,
// compute.ErrUnavailable, ErrMemory and ErrLost for a backend that cannot run
// it, and ErrUsage.
func Open(path string, opt Options) (*Engine, error) {
	m, err := weights.OpenWith(path, weights.OpenOptions{I2SLayout: opt.I2S, Progress: opt.Progress})
	if err != nil {
		return nil, err
	}
	e, err := New(m, opt)
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return e, nil
}

// New is Open for a model at hand, which the engine then owns.
func New(m *weights.Model, opt Options) (*Engine, error) {
	e := &Engine{model: m, context: opt.Context, device: opt.Device, chosen: opt.Template != ""}
	e.template = sync.OnceValues(func() (*chat.Template, error) { return e.newTemplate(opt.Template) })
	var text sync.WaitGroup
	text.Go(e.newTokenizer) // while the weights are loaded
	defer text.Wait()
	if e.context == 0 {
		e.context = m.Context
	}
	for _, c := range []struct {
		what       string
		given, top int
	}{{"context", opt.Context, maxContext}, {"slots", opt.Slots, 1 << 10}, {"batch", opt.Batch, 1 << 16}, {"threads", opt.Threads, 1 << 10}} {
		if c.given < 0 || c.given > c.top {
			return nil, fmt.Errorf("%w: %s %d: from 0 (the default) to %d are possible", ErrUsage, c.what, c.given, c.top)
		}
	}
	from, err := choices(opt.Backend, opt.Device)
	if err != nil {
		return nil, err
	}
	e.options = compute.Options{
		Slots: max(opt.Slots, 1), Context: e.context, Batch: opt.Batch, Threads: opt.Threads,
		Progress: opt.Progress, Trace: opt.Trace,
	}
	if opt.Context == 0 {
		e.options.Least = min(m.Context, leastContext)
	}
	e.backend, e.rest, e.reasons, err = pick(from, m, e.options, opt.Device)
	if err != nil {
		return nil, err
	}
	e.info, e.notice = e.backend.Info(), opt.Notice
	if n := e.info.Context; n < e.context {
		e.reasons = append(e.reasons, fmt.Sprintf("room for %d of %d positions", n, e.context))
		e.context, e.options.Context = n, n
	}
	e.options.Least = 0 // a backend that takes over has to hold as much
	if n, cores := e.info.Threads, cpu.Cores(); n > cores && e.notice != nil {
		e.notice(fmt.Sprintf("warning: %d threads and the cores or processor time for %d: threads that wait for each other slow all of them", n, cores))
	}
	e.slots = newSlots(e.options.Slots)
	return e, nil
}

// newTokenizer makes the tokenizer, or notes why there is none: ids still work.
func (e *Engine) newTokenizer() {
	var err error
	if e.tokenizer, err = tokenizer.New(&e.model.Vocab); err != nil {
		e.noText = fmt.Errorf("%s: %w: %w", e.model.Path, err, weights.ErrInvalid)
	}
}

// Close frees the backend and the model, whose weights nobody may read any more. It
// may come at any time, and again. It waits for the batch that is being computed;
// what runs or waits then ends with ErrClosed.
func (e *Engine) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil
	}
	e.closed = true
	e.slots.close()
	return errors.Join(e.backend.Close(), e.model.Close())
}

// Model returns the model, which the engine owns.
func (e *Engine) Model() *weights.Model { return e.model }

// Context returns the positions a sequence may have.
func (e *Engine) Context() int { return e.context }

// Info describes the backend in use.
func (e *Engine) Info() compute.Info {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.info
}

// Backend returns the backend in use, for those who measure it. Nothing else may
// use the engine meanwhile, and no cache is good behind it.
func (e *Engine) Backend() compute.Backend {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.epoch++
	return e.backend
}

// Reasons says, a line each, why better backends are not in use, and what the one
// in use has no room for.
func (e *Engine) Reasons() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.reasons)
}

// Logits computes the reference logits of every position of a sequence and
// gives them to use in order, some (n, VocabSize) positions at a time; rows is
// valid during the call. Errors are those of Generate, and that of use.
func (e *Engine) Logits(ctx context.Context, tokens []int32, use func(rows []float32) error) error {
	if err := e.checkPrompt(tokens, 0); err != nil {
		return err
	}
	s, err := e.slots.take(ctx, nil)
	if err != nil {
		return err
	}
	defer e.slots.give(s)
	s.tokens = nil
	n := min(len(tokens), max(e.Info().Batch, 1))
	out := make([]float32, n*e.model.VocabSize)
	for pos, done := 0, 0; pos < len(tokens); {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		part := tokens[pos:min(pos+n, len(tokens))]
		step := compute.Step{Slot: s.index, Pos: pos, Tokens: part}
		rows := out[:len(part)*e.model.VocabSize]
		if pos == done { // else it only goes where it was
			step.Logits = rows
		}
		err := e.forward(s, step)
		if errors.Is(err, errRefeed) {
			pos = 0
			continue
		}
		if err != nil {
			return err
		}
		pos += len(part)
		if step.Logits == nil {
			continue
		}
		done = pos
		if err := use(rows); err != nil {
			return err
		}
	}
	return nil
}

// checkPrompt refuses tokens that cannot be fed, with room for more after them.
func (e *Engine) checkPrompt(tokens []int32, more int) error {
	if len(tokens) == 0 {
		return fmt.Errorf("%w: the prompt is empty", ErrUsage)
	}
	if len(tokens)+more > e.context {
		return fmt.Errorf("%w: the prompt has %d tokens and the context %d positions: shorten it, or open the model with a larger context (it was trained for %d)",
			ErrUsage, len(tokens), e.context, e.model.Context)
	}
	for i, id := range tokens {
		if id < 0 || int(id) >= e.model.VocabSize {
			return fmt.Errorf("%w: token %d at position %d lies outside the vocabulary of %d", ErrUsage, id, i, e.model.VocabSize)
		}
	}
	return nil
}

// Tokenizer returns the model's tokenizer, or nil where it has none that is usable.
func (e *Engine) Tokenizer() *tokenizer.Tokenizer { return e.tokenizer }
