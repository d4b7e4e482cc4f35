// Package bench measures how fast a model runs, as llama-bench does: prompts of
// so many tokens (pp), so many decoded one by one (tg), either behind a filled
// context. Beside the rates it says what the machine would allow, measured in
// the same run (limits.go), what a token takes of its memory and its energy, and
// what loading took.
//
// Every token is forced: fixed by its position, and never one that the model
// chose, since random models repeat themselves. A decoded token includes the
// exact greedy pick of the next. There is no tokenizer, no sampling and no
// speculation in what is timed.
package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"bitnet-gpu/engine"
	"bitnet-gpu/engine/compute"
	"bitnet-gpu/weights"
	"bitnet-gpu/weights/synthetic"
)

// A Test feeds a prompt and then decodes, with Depth tokens in the cache before.
type Test struct {
	Prompt, Gen, Depth int // tokens
}

// Name returns llama-bench's name of a test, such as "pp512 @ d4096".
func (t Test) Name() string {
	name := ""
	if t.Prompt > 0 {
		name = fmt.Sprintf("pp%d", t.Prompt)
	}
	if t.Gen > 0 {
		if name != "" {
			name += "+"
		}
		name += fmt.Sprintf("tg%d", t.Gen)
	}
	if t.Depth > 0 {
		name += fmt.Sprintf(" @ d%d", t.Depth)
	}
	return name
}

func (t Test) end() int { return t.Depth + t.Prompt + t.Gen }

// A Plan says what to measure: every test with every batch and every number of
// threads.
type Plan struct {
	Path      string
	Synthetic bool           // a model of weights/synthetic: decode with random rows in the head, and again with planted winners
	Engine    engine.Options // Threads, Batch and Context are the plan's
	Tests     []Test
	Threads   []int // 0: the backend's choice
	Batches   []int // 0: the backend's choice
	Repeats   int
	Powercap  string // where the energy counters are: Powercap, but in tests

	Progress func(done, total int, doing string) // in units of about a decoded token's work; may be nil
}

// Heads of a result.
const (
	HeadStored  = "stored"  // the file's own
	HeadRandom  = "random"  // rows that nothing prefers: synthetic.New
	HeadPlanted = "planted" // a winner with a cosine of synthetic.WinnerCosine: synthetic.Plant
)

// A Result is one test on one setting.
type Result struct {
	Test
	Model   *Model
	Info    compute.Info
	Head    string
	Start   time.Time
	Samples []time.Duration // of each repetition
	Load    *Load
	Limits  Limits
	Energy  Energy
}

// A Model is what was measured.
type Model struct {
	Path         string // "" for a synthetic one
	Name, Format string
	Size         int64 // bytes of the tensors
	Params       int64
	Products     int64 // of int8 a token, in the ternary matrices
	CacheBytes   int64 // of keys and values a position
}

// A Load is one opening of the model, on one setting.
type Load struct {
	Info       compute.Info
	Head       string
	Open       time.Duration // file and backend, the file in the page cache
	FirstToken time.Duration // from nothing to the first token behind a prompt of firstPrompt
	NextToken  time.Duration // from it to the second, for which a backend may put off what one does not need
	Peak       int64         // most bytes that were resident up to the last position of the tests
	PeakError  error         // why Peak is not known
	TokenBytes int64         // read for every decoded token, without the cache: see compute.Info
}

const firstPrompt = 5

// Rates returns the tokens a second of each repetition.
func (r *Result) Rates() []float64 {
	rates := make([]float64, len(r.Samples))
	for i, s := range r.Samples {
		rates[i] = float64(r.Prompt+r.Gen) / s.Seconds()
	}
	return rates
}

// Run measures a plan and hands out every result as it is there. Errors are those
// of engine.Open, and context.Canceled.
func Run(ctx context.Context, p Plan, use func(*Result) error) error {
	r := &runner{plan: p, ctx: ctx}
	for _, t := range p.Tests {
		r.end = max(r.end, t.end(), firstPrompt+1)
	}
	for range len(p.Threads) * len(p.Batches) {
		for _, head := range r.heads() {
			r.total += r.cost(head)
		}
	}
	r.meter, r.noMeter = openMeter(p.Powercap)
	if err := r.warm(); err != nil {
		return err
	}
	for _, batch := range p.Batches {
		for _, threads := range p.Threads {
			for _, head := range r.heads() {
				if err := r.setting(batch, threads, head, use); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// A runner is a run of a plan.
type runner struct {
	plan        Plan
	ctx         context.Context
	model       *Model
	end         int // positions of all tests
	done, total int // of the progress
	meter       *meter
	noMeter     error // why there is none
	idle        float64
}

// heads returns the heads to measure. Only decoding depends on them.
func (r *runner) heads() []string {
	if !r.plan.Synthetic {
		return []string{HeadStored}
	}
	for _, t := range r.plan.Tests {
		if t.Gen > 0 {
			return []string{HeadRandom, HeadPlanted}
		}
	}
	return []string{HeadRandom}
}

// tests returns those to run with a head.
func (r *runner) tests(head string) []Test {
	var list []Test
	for _, t := range r.plan.Tests {
		if head != HeadPlanted || t.Gen > 0 {
			list = append(list, t)
		}
	}
	return list
}

// promptShare is how many tokens of a prompt are about the work of one decoded.
const promptShare = 8

func (r *runner) cost(head string) int {
	n := r.end
	for _, t := range r.tests(head) {
		n += r.plan.Repeats * (t.Prompt + promptShare*t.Gen)
	}
	return n
}

func (r *runner) tell(units int, doing string) {
	r.done += units
	if r.plan.Progress != nil {
		r.plan.Progress(r.done, r.total, doing)
	}
}

// warm opens the model once, which brings the file into the page cache, and finds
// out what it is. An idle machine is measured before.
func (r *runner) warm() error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	if r.meter != nil {
		r.tell(0, "idle power")
		if r.idle, r.noMeter = r.meter.power(idleTime); r.noMeter != nil {
			r.meter = nil
		}
	}
	r.tell(0, "loading")
	opt := r.plan.Engine
	opt.Context, opt.Threads, opt.Batch = r.end, r.plan.Threads[0], r.plan.Batches[0]
	m, err := weights.OpenWith(r.plan.Path, weights.OpenOptions{I2SLayout: opt.I2S})
	if err != nil {
		return err
	}
	if err := r.plan.Fits(m.Context); err != nil {
		return errors.Join(err, m.Close())
	}
	e, err := engine.New(m, opt)
	if err != nil {
		return errors.Join(err, m.Close())
	}
	r.model = about(e.Model())
	if r.plan.Synthetic {
		r.model.Path = "" // it will be gone
	}
	return e.Close()
}

// Fits refuses tests of more tokens than a model has positions: what is measured
// there is nothing that anybody would run. Errors are engine.ErrUsage.
func (p *Plan) Fits(context int) error {
	for _, t := range p.Tests {
		if t.end() > context {
			return fmt.Errorf("%w: %s takes %d positions, and the model has %d: fewer tokens or a smaller depth", engine.ErrUsage, t.Name(), t.end(), context)
		}
	}
	return nil
}

func about(m *weights.Model) *Model {
	a := &Model{Path: m.Path, Name: m.Name, Format: m.Format, CacheBytes: 2 * 2 * int64(m.Blocks) * int64(m.KVHeads) * int64(m.HeadDim)}
	if a.Name == "" {
		a.Name = m.Arch
	}
	dense := []*weights.Dense{&m.TokenEmbd}
	if !m.Tied {
		dense = append(dense, &m.Output)
	}
	for _, d := range dense {
		a.Size += int64(len(d.Data))
		a.Params += int64(d.Rows) * int64(d.Cols)
	}
	norms := len(m.OutputNorm)
	for i := range m.Layers {
		l := &m.Layers[i]
		for _, matrix := range l.Matrices() {
			rows, cols := matrix.Shape()
			a.Size += int64(len(matrix.Data()))
			a.Params += int64(rows) * int64(cols)
			if !matrix.IsDense() {
				a.Products += int64(rows) * int64(cols)
			}
		}
		norms += len(l.AttnNorm) + len(l.AttnSubNorm) + len(l.FFNNorm) + len(l.FFNSubNorm)
	}
	a.Size += 4 * int64(norms)
	a.Params += int64(norms)
	return a
}

// setting measures the tests of one setting.
func (r *runner) setting(batch, threads int, head string, use func(*Result) error) error {
	opt := r.plan.Engine
	opt.Context, opt.Threads, opt.Batch = r.end, threads, batch
	doing := fmt.Sprintf("loading for %d threads", threads)
	if threads == 0 {
		doing = "loading"
	}
	r.tell(0, doing)
	s, err := r.load(opt, head)
	if err != nil {
		return err
	}
	err = s.run(use)
	return errors.Join(err, s.engine.Close())
}

// load opens the model and computes its first token, then everything once.
func (r *runner) load(opt engine.Options, head string) (*session, error) {
	if err := r.ctx.Err(); err != nil {
		return nil, err
	}
	l := &Load{Head: head}
	debug.FreeOSMemory() // what came before is not this one's
	noPeak := resetPeak()
	start := time.Now()
	m, err := weights.OpenWith(r.plan.Path, weights.OpenOptions{I2SLayout: opt.I2S})
	if err != nil {
		return nil, err
	}
	if head == HeadPlanted {
		synthetic.Plant(m)
	}
	e, err := engine.New(m, opt)
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	l.Open = time.Since(start)
	s := &session{runner: r, engine: e, backend: e.Backend(), load: l, tokens: forced(r.end, m.VocabSize)}
	l.Info = s.backend.Info()
	l.TokenBytes = l.Info.Read
	if err := s.prompt(0, firstPrompt, true); err != nil {
		return s.fail(err)
	}
	l.FirstToken = time.Since(start)
	start = time.Now()
	if err := s.prompt(firstPrompt, 1, true); err != nil {
		return s.fail(err)
	}
	l.NextToken = time.Since(start)
	if err := s.warm(); err != nil {
		return s.fail(err)
	}
	if l.Peak, l.PeakError = peakMemory(); noPeak != nil {
		l.Peak, l.PeakError = 0, noPeak
	}
	return s, nil
}

// forced returns the tokens of all positions.
func forced(n, vocab int) []int32 {
	random := rand.New(rand.NewPCG(1, 2))
	tokens := make([]int32, n)
	for i := range tokens {
		tokens[i] = random.Int32N(int32(vocab))
	}
	return tokens
}
