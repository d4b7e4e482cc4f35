package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"bitnet-gpu/engine/bench"
)

// A column of the table. Its width is the least.
type column struct {
	name  string
	width int
	right bool
	text  func(r *bench.Result) string
}

// columns returns those of a table that begins with a result: llama-bench's, and
// behind them ours.
func columns(first *bench.Result) []column {
	list := []column{
		{"model", 18, false, modelType},
		{"size", 10, true, func(r *bench.Result) string { return gibi(r.Model.Size) }},
		{"params", 10, true, func(r *bench.Result) string { return billions(r.Model.Params) }},
		{"backend", 7, false, backendTitle},
		{"threads", 7, true, func(r *bench.Result) string { return fmt.Sprint(r.Info.Threads) }},
		{"n_batch", 7, true, func(r *bench.Result) string { return fmt.Sprint(r.Info.Batch) }},
	}
	if first.Head != bench.HeadStored {
		list = append(list, column{"head", 7, false, func(r *bench.Result) string { return r.Head }})
	}
	list = append(list,
		column{"test", 14, true, func(r *bench.Result) string { return r.Name() }},
		column{"t/s", 15, true, func(r *bench.Result) string { return fmt.Sprintf("%.2f ± %.2f", pair(meanDeviation(r.Rates()))...) }},
		column{"median (range)", 21, true, func(r *bench.Result) string {
			low, high := spread(r.Rates())
			return fmt.Sprintf("%.2f (%.2f-%.2f)", bench.Median(r.Rates()), low, high)
		}},
		column{"MB/token", 8, true, func(r *bench.Result) string { return number("%.0f", float64(r.TokenBytes())/1e6) }},
	)
	if first.Limits != (bench.Limits{}) {
		list = append(list, column{"of the limit", 12, true, share})
	}
	if first.Energy.Reason == nil {
		list = append(list,
			column{"J/token", 9, true, func(r *bench.Result) string { return joules(r, r.Energy.Joules) }},
			column{"less idle", 9, true, func(r *bench.Result) string { return joules(r, r.Energy.Net) }},
		)
	}
	return list
}

func pair(a, b float64) []any { return []any{a, b} }

// number is a number that is known, or a dash.
func number(format string, x float64) string {
	if x <= 0 {
		return "-"
	}
	return fmt.Sprintf(format, x)
}

func share(r *bench.Result) string {
	if x := r.ReadShare(); x > 0 {
		return fmt.Sprintf("%.0f %% read", 100*x)
	}
	return number("%.0f %% int8", 100*r.ProductShare())
}

func joules(r *bench.Result, x float64) string {
	if r.Energy.Reason != nil {
		return "-"
	}
	return fmt.Sprintf("%.3f", x)
}

// gibi and billions are as llama-bench writes them.
func gibi(n int64) string {
	if n < 1<<30 {
		return fmt.Sprintf("%.2f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.2f GiB", float64(n)/(1<<30))
}

func billions(n int64) string {
	if n < 1e9 {
		return fmt.Sprintf("%.2f M", float64(n)/1e6)
	}
	return fmt.Sprintf("%.2f B", float64(n)/1e9)
}

func markdownRow(w io.Writer, results []*bench.Result) error {
	list := columns(results[0])
	list[0].width = max(list[0].width, utf8.RuneCountInString(modelType(results[0])))
	var b strings.Builder
	if len(results) == 1 {
		tableHead(&b, list)
	}
	var cells []string
	for _, c := range list {
		cells = append(cells, c.text(results[len(results)-1]))
	}
	tableLine(&b, list, cells)
	_, err := io.WriteString(w, b.String())
	return err
}

func tableHead(b *strings.Builder, list []column) {
	var names, rules []string
	for _, c := range list {
		width := max(c.width, len(c.name))
		rule := strings.Repeat("-", width)
		if c.right {
			rule = rule[1:] + ":"
		}
		names, rules = append(names, c.name), append(rules, rule)
	}
	tableLine(b, list, names)
	tableLine(b, list, rules)
}

func tableLine(b *strings.Builder, list []column, cells []string) {
	for i, c := range list {
		space := strings.Repeat(" ", max(max(c.width, len(c.name))-utf8.RuneCountInString(cells[i]), 0))
		if c.right {
			fmt.Fprintf(b, "| %s%s ", space, cells[i])
		} else {
			fmt.Fprintf(b, "| %s%s ", cells[i], space)
		}
	}
	b.WriteString("|\n")
}

// markdownEnd writes a table of what loading took, and the limits.
func markdownEnd(w io.Writer, results []*bench.Result) error {
	list := []column{
		{"threads", 7, true, func(r *bench.Result) string { return fmt.Sprint(r.Info.Threads) }},
		{"n_batch", 7, true, func(r *bench.Result) string { return fmt.Sprint(r.Info.Batch) }},
		{"head", 7, false, func(r *bench.Result) string { return r.Head }},
		{"load ms", 9, true, func(r *bench.Result) string { return fmt.Sprint(r.Load.Open.Milliseconds()) }},
		{"first token ms", 14, true, func(r *bench.Result) string { return fmt.Sprint(r.Load.FirstToken.Milliseconds()) }},
		{"next token ms", 13, true, func(r *bench.Result) string { return fmt.Sprint(r.Load.NextToken.Milliseconds()) }},
		{"peak MiB", 9, true, func(r *bench.Result) string { return number("%.0f", float64(r.Load.Peak)/(1<<20)) }},
	}
	var b strings.Builder
	b.WriteString("\n")
	tableHead(&b, list)
	var last *bench.Load
	for _, r := range results {
		if r.Load == last {
			continue
		}
		last = r.Load
		var cells []string
		for _, c := range list {
			cells = append(cells, c.text(r))
		}
		tableLine(&b, list, cells)
	}
	b.WriteString("\n")
	about(&b, results)
	_, err := io.WriteString(w, b.String())
	return err
}

// about says what the numbers were measured on.
func about(b *strings.Builder, results []*bench.Result) {
	first := results[0]
	fmt.Fprintf(b, "device: %s, kernels %s\n", first.Info.Device, first.Info.Path)
	var counts []int
	read, products := map[int][]float64{}, map[int][]float64{} // by threads
	for _, r := range results {
		if r.Limits == (bench.Limits{}) {
			continue
		}
		n := r.Info.Threads
		if !slices.Contains(counts, n) {
			counts = append(counts, n)
		}
		read[n], products[n] = append(read[n], r.Limits.Read), append(products[n], r.Limits.Products)
	}
	for _, n := range counts {
		fmt.Fprintf(b, "limits of %d thread%s: %.1f GB/s read", n, plural(n), bench.Median(read[n])/1e9)
		if peak := bench.Median(products[n]); peak > 0 {
			fmt.Fprintf(b, ", %.0f * 10^9 int8 products/s", peak/1e9)
		}
		b.WriteString("\n")
	}
	if first.Load.PeakError != nil {
		fmt.Fprintf(b, "peak memory: %s\n", note(first.Load.PeakError))
	}
	if first.Energy.Reason != nil {
		fmt.Fprintf(b, "energy: %s\n", note(first.Energy.Reason))
	} else {
		fmt.Fprintf(b, "energy: RAPL, the whole machine; idle %.1f W\n", first.Energy.Idle)
	}
	fmt.Fprintf(b, "build: %s (0)\n", buildCommit())
}
