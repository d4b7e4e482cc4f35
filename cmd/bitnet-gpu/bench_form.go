package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"bitnet-gpu/cpu"
	"bitnet-gpu/engine/bench"
)

// A benchForm writes results: row the last of those that are there, and end what
// comes behind all of them.
type benchForm struct {
	row func(w io.Writer, results []*bench.Result) error
	end func(w io.Writer, results []*bench.Result) error
}

var benchForms = map[string]benchForm{
	"md":    {markdownRow, markdownEnd},
	"csv":   {csvRow, nil},
	"json":  {jsonRow, jsonEnd},
	"jsonl": {jsonlRow, nil},
	"bench": {gobenchRow, nil},
}

// A benchField is a column of csv and json. A value of nil is not known.
type benchField struct {
	name  string
	value any
}

// benchFields returns llama-bench's fields, as far as they have a meaning here,
// and then ours.
func benchFields(r *bench.Result) []benchField {
	ns, rates := make([]float64, len(r.Samples)), r.Rates()
	for i, s := range r.Samples {
		ns[i] = float64(s.Nanoseconds())
	}
	meanNs, sdNs := meanDeviation(ns)
	meanRate, sdRate := meanDeviation(rates)
	low, high := spread(rates)
	processor, _ := cpu.Describe() // its error is about the kernels
	gpu := ""
	if r.Info.Backend != "cpu" {
		gpu = r.Info.Device
	}
	return []benchField{
		{"build_commit", buildCommit()},
		{"build_number", 0},
		{"cpu_info", processor.Name},
		{"gpu_info", gpu},
		{"backends", backendTitle(r)},
		{"model_filename", r.Model.Path},
		{"model_type", modelType(r)},
		{"model_size", r.Model.Size},
		{"model_n_params", r.Model.Params},
		{"n_batch", r.Info.Batch},
		{"n_ubatch", r.Info.Batch},
		{"n_threads", r.Info.Threads},
		{"type_k", "f16"},
		{"type_v", "f16"},
		{"n_prompt", r.Prompt},
		{"n_gen", r.Gen},
		{"n_depth", r.Depth},
		{"test_time", r.Start.UTC().Format(time.RFC3339)},
		{"avg_ns", int64(meanNs)},
		{"stddev_ns", int64(sdNs)},
		{"avg_ts", meanRate},
		{"stddev_ts", sdRate},

		{"median_ts", bench.Median(rates)},
		{"min_ts", low},
		{"max_ts", high},
		{"kernels", r.Info.Path},
		{"head", r.Head},
		{"bytes_per_token", known(float64(r.TokenBytes()))},
		{"read_bandwidth", known(r.Limits.Read)},
		{"read_share", known(r.ReadShare())},
		{"int8_peak", known(r.Limits.Products)},
		{"int8_share", known(r.ProductShare())},
		{"peak_memory", known(float64(r.Load.Peak))},
		{"load_ns", r.Load.Open.Nanoseconds()},
		{"first_token_ns", r.Load.FirstToken.Nanoseconds()},
		{"next_token_ns", r.Load.NextToken.Nanoseconds()},
		{"joules_per_token", energy(r, r.Energy.Joules)},
		{"joules_per_token_net", energy(r, r.Energy.Net)},
		{"idle_watts", energy(r, r.Energy.Idle)},
		{"energy_note", note(r.Energy.Reason)},
		{"peak_memory_note", note(r.Load.PeakError)},
	}
}

// known is a number above 0, or nil.
func known(x float64) any {
	if x > 0 {
		return x
	}
	return nil
}

func energy(r *bench.Result, x float64) any {
	if r.Energy.Reason != nil {
		return nil
	}
	return x
}

// note says why a number is not known.
func note(reason error) string {
	if reason == nil {
		return ""
	}
	return "not available: " + message(reason)
}

// meanDeviation returns the mean and the standard deviation of samples.
func meanDeviation(x []float64) (mean, deviation float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		deviation += (v - mean) * (v - mean)
	}
	if len(x) < 2 {
		return mean, 0
	}
	return mean, math.Sqrt(deviation / float64(len(x)-1))
}

func spread(x []float64) (low, high float64) {
	low, high = math.Inf(1), 0
	for _, v := range x {
		low, high = min(low, v), max(high, v)
	}
	return low, high
}

// backendTitle is the backend as llama-bench spells it.
func backendTitle(r *bench.Result) string {
	switch r.Info.Backend {
	case "cpu":
		return "CPU"
	case "vulkan":
		return "Vulkan"
	case "opengl":
		return "OpenGL"
	}
	return r.Info.Backend
}

func modelType(r *bench.Result) string {
	_, format, _ := strings.Cut(r.Model.Format, ", ")
	return printable(strings.TrimSpace(r.Model.Name + " " + format))
}

// buildCommit is the commit that the program was built from, as far as it knows.
func buildCommit() string {
	info, _ := debug.ReadBuildInfo()
	commit, dirty := "unknown", ""
	if info != nil {
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision":
				commit = s.Value[:min(len(s.Value), 8)]
			case s.Key == "vcs.modified" && s.Value == "true":
				dirty = "-dirty"
			}
		}
	}
	return commit + dirty
}

// csvRow writes every value in quotation marks, as llama-bench does.
func csvRow(w io.Writer, results []*bench.Result) error {
	var names, values []string
	for _, f := range benchFields(results[len(results)-1]) {
		names = append(names, f.name)
		text := ""
		if f.value != nil {
			text = fmt.Sprint(f.value)
		}
		if x, ok := f.value.(float64); ok {
			text = fmt.Sprintf("%f", x)
		}
		values = append(values, `"`+strings.ReplaceAll(text, `"`, `""`)+`"`)
	}
	if len(results) == 1 {
		if _, err := fmt.Fprintln(w, strings.Join(names, ",")); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(w, strings.Join(values, ","))
	return err
}

// object returns a result as a JSON object, its fields joined by sep.
func object(r *bench.Result, open, sep, end string) (string, error) {
	fields := append(benchFields(r), benchField{"samples_ns", r.Samples}, benchField{"samples_ts", r.Rates()})
	var items []string
	for _, f := range fields {
		value, err := json.Marshal(f.value) // a time.Duration is a number of nanoseconds
		if err != nil {
			return "", err
		}
		items = append(items, fmt.Sprintf("%q: %s", f.name, value))
	}
	return open + strings.Join(items, sep) + end, nil
}

func jsonRow(w io.Writer, results []*bench.Result) error {
	text, err := object(results[len(results)-1], "  {\n    ", ",\n    ", "\n  }")
	if err != nil {
		return err
	}
	before := ",\n"
	if len(results) == 1 {
		before = "[\n"
	}
	_, err = io.WriteString(w, before+text)
	return err
}

func jsonEnd(w io.Writer, _ []*bench.Result) error {
	_, err := io.WriteString(w, "\n]\n")
	return err
}

func jsonlRow(w io.Writer, results []*bench.Result) error {
	text, err := object(results[len(results)-1], "{", ", ", "}\n")
	if err == nil {
		_, err = io.WriteString(w, text)
	}
	return err
}

// gobenchRow writes a line for each repetition, in the format of Go's benchmarks
// (golang.org/design/14313-benchmark-format), which benchstat reads.
func gobenchRow(w io.Writer, results []*bench.Result) error {
	r := results[len(results)-1]
	var b strings.Builder
	if len(results) == 1 {
		processor, _ := cpu.Describe()
		fmt.Fprintf(&b, "goos: %s\ngoarch: %s\npkg: bitnet-gpu\ncpu: %s\ncommit: %s\nUnit tok/s better=higher\n",
			runtime.GOOS, runtime.GOARCH, processor.Name, buildCommit())
	}
	name := fmt.Sprintf("BenchmarkModel/model=%s/test=%s/backend=%s/threads=%d/batch=%d/head=%s",
		benchName(modelType(r)), benchName(r.Name()), r.Info.Backend, r.Info.Threads, r.Info.Batch, r.Head)
	for i, s := range r.Samples {
		n := r.Prompt + r.Gen
		fmt.Fprintf(&b, "%s %d %.1f ns/token %.3f tok/s\n", name, n, float64(s.Nanoseconds())/float64(n), r.Rates()[i])
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// benchName is text that may stand in the name of a benchmark.
func benchName(text string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '/' || r == '=' {
			return '_'
		}
		return r
	}, strings.ReplaceAll(text, " @ ", "@"))
}
