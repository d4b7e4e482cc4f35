package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"bitnet-gpu/cmd/bitnet-gpu/internal/plot"
	"bitnet-gpu/engine/bench"
	"bitnet-gpu/weights/outfile"
)

// draw writes the picture of results: a panel for prompts, for decoding and for
// both, over what was swept.
func (f *benchFlags) draw(ctx context.Context, results []*bench.Result, to outfile.Target) error {
	chart := benchChart(results)
	data := chart.SVG()
	if filepath.Ext(f.plot) == ".png" {
		var err error
		if data, err = chart.PNG(); err != nil {
			return err
		}
	}
	return to.Write(ctx, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// An axis is something that tests can differ in.
type axis struct {
	name  string
	label string // of a line that does not run along it
	value func(r *bench.Result) int
}

var axes = []axis{
	{"tokens in the context before", "d%d", func(r *bench.Result) int { return r.Depth }},
	{"prompt tokens computed together", "batch %d", func(r *bench.Result) int { return r.Info.Batch }},
	{"CPU threads", "threads %d", func(r *bench.Result) int { return r.Info.Threads }},
	{"tokens of the prompt", "pp%d", func(r *bench.Result) int { return r.Prompt }},
	{"tokens decoded", "tg%d", func(r *bench.Result) int { return r.Gen }},
}

func benchChart(results []*bench.Result) *plot.Chart {
	first := results[0]
	c := &plot.Chart{
		Title: fmt.Sprintf("%s on %s (%s, %s)", modelType(first), backendTitle(first), first.Info.Device, first.Info.Path),
		Note:  fmt.Sprintf("medians and ranges of %d repetitions; commit %s", len(first.Samples), buildCommit()),
	}
	for _, kind := range []struct {
		title string
		has   func(r *bench.Result) bool
	}{
		{"prompt", func(r *bench.Result) bool { return r.Gen == 0 }},
		{"decode", func(r *bench.Result) bool { return r.Prompt == 0 }},
		{"prompt and decode", func(r *bench.Result) bool { return r.Prompt > 0 && r.Gen > 0 }},
	} {
		var some []*bench.Result
		for _, r := range results {
			if kind.has(r) {
				some = append(some, r)
			}
		}
		if len(some) > 0 {
			c.Panels = append(c.Panels, benchPanel(kind.title, some))
		}
	}
	return c
}

// benchPanel draws results along the first axis that they differ in, with a line
// for everything else that they do.
func benchPanel(title string, results []*bench.Result) plot.Panel {
	along, others := 2, []int(nil) // the threads, if nothing was swept
	for i := range axes {
		if slices.ContainsFunc(results, func(r *bench.Result) bool { return axes[i].value(r) != axes[i].value(results[0]) }) {
			others = append(others, i)
		}
	}
	if len(others) > 0 {
		along, others = others[0], others[1:]
	}
	p := plot.Panel{Title: title, X: axes[along].name, Y: "tokens/s"}
	for _, r := range results {
		name := seriesName(r, along, others)
		i := slices.IndexFunc(p.Series, func(s plot.Series) bool { return s.Name == name })
		if i < 0 {
			i = len(p.Series)
			p.Series = append(p.Series, plot.Series{Name: name})
		}
		low, high := spread(r.Rates())
		s := &p.Series[i]
		s.Points = append(s.Points, plot.Point{X: float64(axes[along].value(r)), Y: bench.Median(r.Rates()), Low: low, High: high})
	}
	for _, s := range p.Series {
		slices.SortStableFunc(s.Points, func(a, b plot.Point) int { return int(a.X - b.X) })
	}
	return p
}

// seriesName names a line by its test, as far as that is not the axis, and by what
// else its results differ in.
func seriesName(r *bench.Result, along int, others []int) string {
	var parts []string
	for _, i := range []int{3, 4} {
		if n := axes[i].value(r); i != along && n > 0 {
			parts = append(parts, fmt.Sprintf(axes[i].label, n))
		}
	}
	for _, i := range others {
		if i < 3 {
			parts = append(parts, fmt.Sprintf(axes[i].label, axes[i].value(r)))
		}
	}
	if r.Head != bench.HeadStored {
		parts = append(parts, r.Head+" head")
	}
	if parts == nil {
		return "median"
	}
	return strings.Join(parts, ", ")
}
