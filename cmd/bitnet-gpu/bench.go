package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"bitnet-gpu/cpu"
	"bitnet-gpu/engine"
	"bitnet-gpu/engine/bench"
	"bitnet-gpu/engine/compute"
	"bitnet-gpu/weights"
	"bitnet-gpu/weights/outfile"
	"bitnet-gpu/weights/synthetic"
)

// benchFlags are the flags of the verb bench, in llama-bench's dialect.
type benchFlags struct {
	source
	synthetic string
	backend   string
	device    string
	layout    i2sLayout
	prompts   intList
	gens      intList
	pairs     pairList
	depths    intList
	threads   intList
	batches   intList
	repeats   int
	output    string
	plot      string
	powercap  string
}

func benchCmd(std stdio) *cobra.Command {
	f := benchFlags{
		prompts: intList{values: []int{512}}, gens: intList{values: []int{128}}, depths: intList{values: []int{0}},
		threads: intList{values: []int{0}}, batches: intList{values: []int{0}}, powercap: bench.Powercap,
	}
	cmd := &cobra.Command{
		Use:   "bench -m MODEL | --synthetic " + strings.Join(synthetic.Names(), "|"),
		Short: "Measure how fast a model runs, and what the machine would allow",
		Long: `Measure how fast a model runs: prompts of -p tokens (pp), -n tokens decoded one by
one (tg), and -pg P,G both in one go, each behind -d tokens of context; with every
batch of -b and every number of threads of -t. Lists are separated by commas, and
ranges are 128-512+128 and 128-1024*2. Flags, tests and fields are llama-bench's.

Tokens are forced, seeded numbers, and a decoded token includes the exact greedy
pick of the next. --synthetic makes a model of a known shape out of random numbers
and decodes with two kinds of head: "random", rows that nothing prefers, and
"planted", where one row has a cosine of 0.3 with its input, as of a trained model.

Beside the rates: the bytes that a decoded token reads, without rows of the head
that a screen leaves to be computed; their share of the bandwidth of the best loop
that only reads, and of prompts the share of the peak of the int8 instructions,
both measured before each repetition with as many threads; the peak of resident
memory; the time to open the model from the page cache, from nothing to the first
token behind a prompt of five, and from this to the next, before which the CPU packs
the weights; and the joules of a token where the system tells them, of the whole
machine and less those of the idle one.`,
		Example: `  bitnet-gpu bench -m model.gguf
  bitnet-gpu bench --synthetic 2b-4t -p 128,512 -n 64 -t 1,2
  bitnet-gpu bench -m model.gguf -d 0-4096+1024 -o csv --plot depth.svg`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd.Context(), std) },
	}
	f.source.add(cmd)
	flags := cmd.Flags()
	flags.Var((*name)(&f.synthetic), "synthetic", "measure a random model of this `SHAPE` instead of a file: "+strings.Join(synthetic.Names(), ", "))
	addBackend(cmd, &f.backend, &f.device)
	f.layout.add(cmd)
	flags.VarP(&f.prompts, "n-prompt", "p", "tokens of a prompt; 0: no such test (default 512)")
	flags.VarP(&f.gens, "n-gen", "n", "tokens to decode; 0: no such test (default 128)")
	flags.Var(&f.pairs, "pg", "also -pg: a prompt and then tokens to decode, as 512,128 (repeatable)")
	flags.VarP(&f.depths, "n-depth", "d", "tokens in the cache before each test (default 0)")
	flags.VarP(&f.threads, "threads", "t", "CPU threads (default one for each core)")
	flags.VarP(&f.batches, "batch", "b", "prompt tokens computed together (default the backend's choice)")
	flags.IntVarP(&f.repeats, "repetitions", "r", 5, "repetitions of each test")
	flags.StringVarP(&f.output, "output", "o", "md", "`FORM` of the output: md, csv, json, jsonl, or bench for Go's benchstat")
	flags.Var((*name)(&f.plot), "plot", "draw the results into `FILE`, .svg or .png")
	complete(cmd, "synthetic", synthetic.Names()...)
	complete(cmd, "output", slices.Sorted(maps.Keys(benchForms))...)
	group(cmd, "Model", "synthetic")
	group(cmd, "Tests", "n-prompt", "n-gen", "pg", "n-depth", "repetitions")
	group(cmd, "Machine", "threads", "batch")
	group(cmd, "Output", "output", "plot")
	return cmd
}

func (f *benchFlags) run(ctx context.Context, std stdio) error {
	plan, form, err := f.plan()
	if err != nil {
		return err
	}
	if f.synthetic == "" {
		if plan.Path, err = f.path(std); err != nil {
			return err
		}
	}
	picture := outfile.Target{Path: f.plot, Stdout: std.out, Binary: true}
	if f.plot != "" {
		if err := picture.Check(); err != nil {
			return err
		}
	}
	ctx, cancel := tidy(ctx)
	defer cancel()
	if shape, ok := synthetic.Known(f.synthetic); ok { // plan has looked whether it is
		if err := plan.Fits(shape.Context); err != nil { // before it is made
			return err
		}
		dir, remove, err := outfile.TempDir()
		if err != nil {
			return err
		}
		defer remove()
		plan.Path = filepath.Join(dir, f.synthetic+".gguf")
		if err := writeSynthetic(ctx, std.err, f.synthetic, plan.Path); err != nil {
			return err
		}
	}
	view := newBenchView(std.err)
	defer view.hide()
	plan.Progress = view.tell
	plan.Engine.Notice = view.notice
	results, err := measure(ctx, plan, form, std.out, view)
	if err != nil || f.plot == "" {
		return err
	}
	return f.draw(ctx, results, picture)
}

// measure runs a plan and writes every result as it is there.
func measure(ctx context.Context, plan bench.Plan, form benchForm, out io.Writer, view *benchView) (results []*bench.Result, err error) {
	err = bench.Run(ctx, plan, func(r *bench.Result) error {
		view.hide()
		results = append(results, r)
		return form.row(out, results)
	})
	view.hide()
	if len(results) > 0 && form.end != nil { // of what was measured before an error, too
		if ended := form.end(out, results); err == nil {
			err = ended
		}
	}
	return results, err
}

// plan makes what is to be measured of the flags.
func (f *benchFlags) plan() (p bench.Plan, form benchForm, err error) {
	if f.synthetic == "" {
		if err := f.check(); err != nil {
			return p, form, err
		}
	} else if f.model != "" || f.hf != "" {
		return p, form, usage("--synthetic takes the place of -m and -hf")
	} else if _, ok := synthetic.Known(f.synthetic); !ok {
		return p, form, usage("--synthetic %s: there are %s", f.synthetic, strings.Join(synthetic.Names(), ", "))
	}
	form, ok := benchForms[f.output]
	if !ok {
		return p, form, usage("-o %s: there are md, csv, json, jsonl and bench", f.output)
	}
	if ext := filepath.Ext(f.plot); f.plot != "" && ext != ".png" && ext != ".svg" {
		return p, form, usage("--plot %s: the name must end in .png or .svg", f.plot)
	}
	if f.repeats < 1 || f.repeats > 10000 {
		return p, form, usage("-r %d: from 1 to 10000 are possible", f.repeats)
	}
	p = bench.Plan{
		Synthetic: f.synthetic != "",
		Engine:    engine.Options{Backend: f.backend, Device: f.device, I2S: int(f.layout)},
		Tests:     f.tests(), Threads: f.threads.values, Batches: f.batches.values, Repeats: f.repeats, Powercap: f.powercap,
	}
	if len(p.Tests) == 0 {
		return p, form, usage("nothing to measure: -p, -n and -pg are all 0")
	}
	return p, form, nil
}

// tests returns the tests in llama-bench's order.
func (f *benchFlags) tests() (list []bench.Test) {
	for _, d := range f.depths.values {
		for _, n := range f.prompts.values {
			list = append(list, bench.Test{Prompt: n, Depth: d})
		}
		for _, n := range f.gens.values {
			list = append(list, bench.Test{Gen: n, Depth: d})
		}
		for _, pair := range f.pairs {
			list = append(list, bench.Test{Prompt: pair[0], Gen: pair[1], Depth: d})
		}
	}
	some := list[:0]
	for _, t := range list {
		if t.Prompt+t.Gen > 0 {
			some = append(some, t)
		}
	}
	return some
}

// writeSynthetic makes a model of a known shape and writes its file, which is
// then loaded as any other.
func writeSynthetic(ctx context.Context, errs io.Writer, name, path string) error {
	shape, ok := synthetic.Known(name)
	if !ok {
		panic("BUG: bench: no shape " + name)
	}
	if left, where := cpu.MemoryLeft(); left >= 0 && shape.Bytes() > left {
		return fmt.Errorf("making a model of %s takes %d MiB and %s leaves %d MiB: %w", name, shape.Bytes()>>20, where, left>>20, compute.ErrMemory)
	}
	bar := newBar(errs)
	bar.verb = "making " + name
	defer bar.finish()
	err := synthetic.New(shape, 1).WriteGGUF(path, weights.WriteOptions{Progress: bar.until(ctx)})
	switch {
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case err != nil:
		return fmt.Errorf("%w (TMPDIR names another folder)", err)
	}
	return nil
}
