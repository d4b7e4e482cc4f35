package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"bitnet-gpu/cpu"
	"bitnet-gpu/engine/bench"
	"bitnet-gpu/engine/compute"
)

func TestBenchUsage(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"two models", []string{"-m", tinyA, "--synthetic", "2b-4t"}, exitUsage, "--synthetic takes the place"},
		{"unknown shape", []string{"--synthetic", "7b"}, exitUsage, "there are 2b-4t, 0.7b, 3b, 8b"},
		{"unknown form", []string{"-m", tinyA, "-o", "xml"}, exitUsage, "md, csv, json, jsonl and bench"},
		{"picture of no kind", []string{"-m", tinyA, "--plot", "x.gif"}, exitUsage, ".png or .svg"},
		{"no repetitions", []string{"-m", tinyA, "-r", "0"}, exitUsage, "-r 0"},
		{"no tests", []string{"-m", tinyA, "-p", "0", "-n", "0"}, exitUsage, "nothing to measure"},
		{"no number", []string{"-m", tinyA, "-t", "1,two"}, exitUsage, `"two" is no number`},
		{"a negative number", []string{"-m", tinyA, "-d", "-5"}, exitUsage, `"-5" is none of N, N-M`},
		{"half a pair", []string{"-m", tinyA, "-pg", "512"}, exitUsage, "512,128"},
		{"a sweep of too many", []string{"-m", tinyA, "-p", "1-100000"}, exitUsage, "more than 1000"},
		{"too large a number", []string{"-m", tinyA, "-n", "99999999"}, exitUsage, "at most 1048576"},
		{"too long a context", []string{"-m", tinyA, "-p", "1048576", "-d", "1"}, exitUsage, "pp1048576 @ d1 takes 1048577 positions, and the model has 4096"},
		{"more than the model has", []string{"-m", "demo", "-p", "400", "-n", "100", "-d", "64,128"}, exitUsage, "pp400 @ d128 takes 528 positions, and the model has 512"},
		{"more than a shape has", []string{"--synthetic", "2b-4t", "-n", "8", "-d", "4096"}, exitUsage, "pp512 @ d4096 takes 4608 positions, and the model has 4096"},
		{"too many threads", []string{"-m", tinyA, "-t", "20000"}, exitUsage, "threads 20000"},
		{"unknown backend", []string{"-m", tinyA, "--backend", "cuda"}, exitUsage, "unknown backend"},
		{"unknown device", []string{"-m", tinyA, "--device", "gpu7"}, exitUnavailable, "gpu7"},
		{"no file", []string{"-m", "/nowhere/model.gguf"}, exitModel, "/nowhere/model.gguf"},
		{"an argument", []string{"-m", tinyA, "x"}, exitUsage, "unknown command"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, errs, code := command(t, "", append([]string{"bench"}, c.args...)...)
			refused(t, out, errs, code, c.code, c.want)
		})
	}
}

func TestIntList(t *testing.T) {
	for text, want := range map[string][]int{
		"512": {512}, "0": {0}, "1,2,4": {1, 2, 4}, "1-4": {1, 2, 3, 4}, "0-4096+2048": {0, 2048, 4096},
		"0-5+2": {0, 2, 4}, "128-1024*2": {128, 256, 512, 1024}, "3-3": {3}, "7,1-2,64-128*2": {7, 1, 2, 64, 128},
	} {
		l := intList{values: []int{99}}
		if err := l.Set(text); err != nil || !slices.Equal(l.values, want) {
			t.Errorf("%q: %v, %v", text, l.values, err)
		}
	}
	l := intList{values: []int{99}}
	if l.Set("1") != nil || l.Set("2,3") != nil || !slices.Equal(l.values, []int{1, 2, 3}) {
		t.Errorf("given twice: %v", l.values)
	}
	for _, text := range []string{"", ",", "1,", "x", "-1", "1-", "4-1", "1-9+0", "1-9*1", "1-9*0", "0-9*2", "1-9+x", "1-9+1*2", "9223372036854775808", "1.5"} {
		if err := new(intList).Set(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func FuzzIntList(f *testing.F) {
	for _, text := range []string{"1,2", "0-4096+1024", "1-1048576*2", "5-", "*+-,"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		l := new(intList)
		if err := l.Set(text); err == nil && (len(l.values) == 0 || len(l.values) > maxBenchList || slices.Min(l.values) < 0) {
			t.Errorf("%q gave %v", text, l.values)
		}
	})
}

// quick is a measurement of a moment: 3 results.
var quick = []string{"bench", "-m", tinyA, "--backend", "cpu", "-p", "6", "-n", "2", "-pg", "3,1", "-d", "4", "-t", "1", "-b", "8", "-r", "2"}

// llamaFields are llama-bench's, in its order, that bench has.
var llamaFields = []string{
	"build_commit", "build_number", "cpu_info", "gpu_info", "backends", "model_filename", "model_type", "model_size", "model_n_params",
	"n_batch", "n_ubatch", "n_threads", "type_k", "type_v", "n_prompt", "n_gen", "n_depth",
	"test_time", "avg_ns", "stddev_ns", "avg_ts", "stddev_ts",
}

func TestBenchTable(t *testing.T) {
	out := ok(t, "", quick...)
	lines := strings.Split(out, "\n")
	if want := "| model              |       size |     params | backend | threads | n_batch |           test |             t/s |        median (range) | MB/token | of the limit |"; lines[0] != want {
		t.Errorf("the table begins %q", lines[0])
	}
	for i, test := range []string{"pp6 @ d4", "tg2 @ d4", "pp3+tg1 @ d4"} {
		row := regexp.MustCompile(`^\| tinyA I2_S +\| +0\.64 MiB \| +1\.71 M \| CPU +\| +1 \| +8 \| +` + regexp.QuoteMeta(test) + ` \| +[\d.]+ ± [\d.]+ \| +[\d.]+ \([\d.]+-[\d.]+\) \|`)
		if !row.MatchString(lines[2+i]) {
			t.Errorf("row %d: %q", i, lines[2+i])
		}
	}
	for _, want := range []string{"\n| threads | n_batch | head ", "load ms", "first token ms", "next token ms", "peak MiB", "limits of 1 thread: ", "\nenergy: ", "\nbuild: "} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if !regexp.MustCompile(`\d % read`).MatchString(lines[3]) || strings.Contains(lines[4], "%") {
		t.Errorf("shares: %q, %q", lines[3], lines[4])
	}
}

func TestBenchCSV(t *testing.T) {
	rows, err := csv.NewReader(strings.NewReader(ok(t, "", append(quick, "-o", "csv")...))).ReadAll()
	if err != nil || len(rows) != 4 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	if !slices.Equal(rows[0][:len(llamaFields)], llamaFields) {
		t.Errorf("fields %v", rows[0])
	}
	at := func(row int, name string) string { return rows[row][slices.Index(rows[0], name)] }
	for i, want := range []string{"6 0 4", "0 2 4", "3 1 4"} {
		if got := strings.Join([]string{at(i+1, "n_prompt"), at(i+1, "n_gen"), at(i+1, "n_depth")}, " "); got != want {
			t.Errorf("row %d: %s, expected %s", i+1, got, want)
		}
	}
	if at(1, "bytes_per_token") != "" || at(2, "bytes_per_token") == "" || at(1, "head") != "stored" {
		t.Errorf("rows %v", rows[1:])
	}
}

func TestBenchJSON(t *testing.T) {
	var list []map[string]any
	if err := json.Unmarshal([]byte(ok(t, "", append(quick, "-o", "json")...)), &list); err != nil || len(list) != 3 {
		t.Fatalf("%d results, %v", len(list), err)
	}
	checkFields(t, list)
	var lines []map[string]any
	for line := range strings.Lines(ok(t, "", append(quick, "-o", "jsonl")...)) {
		var one map[string]any
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, one)
	}
	if len(lines) != 3 {
		t.Fatalf("%d lines", len(lines))
	}
	checkFields(t, lines)
}

func checkFields(t *testing.T, list []map[string]any) {
	t.Helper()
	for i, r := range list {
		for _, name := range append(slices.Clone(llamaFields), "samples_ns", "samples_ts", "median_ts", "read_bandwidth", "load_ns", "first_token_ns", "next_token_ns") {
			if r[name] == nil {
				t.Errorf("result %d has no %s", i, name)
			}
		}
		if samples := r["samples_ts"].([]any); len(samples) != 2 || r["median_ts"] != (samples[0].(float64)+samples[1].(float64))/2 {
			t.Errorf("result %d: samples %v, median %v", i, samples, r["median_ts"])
		}
		if _, err := time.Parse(time.RFC3339, r["test_time"].(string)); err != nil {
			t.Error(err)
		}
		if note := r["energy_note"].(string); (r["joules_per_token"] == nil) != strings.HasPrefix(note, "not available: ") {
			t.Errorf("result %d: energy %v, %q", i, r["joules_per_token"], note)
		}
		if r["n_prompt"].(float64) > 0 != (r["bytes_per_token"] == nil) {
			t.Errorf("result %d: bytes %v", i, r["bytes_per_token"])
		}
	}
}

func TestBenchLines(t *testing.T) {
	out := ok(t, "", append(quick, "-o", "bench")...)
	for _, want := range []string{
		`(?m)^goos: \w+\ngoarch: \w+\npkg: bitnet-gpu\ncpu: .+\n`,
		`(?m)^Unit tok/s better=higher$`,
		`(?m)^BenchmarkModel/model=tinyA_I2_S/test=pp6@d4/backend=cpu/threads=1/batch=8/head=stored 6 [\d.]+ ns/token [\d.]+ tok/s$`,
		`(?m)^BenchmarkModel/model=tinyA_I2_S/test=pp3\+tg1@d4/\S+ 4 `,
	} {
		if !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("nothing matches %s in\n%s", want, out)
		}
	}
	if n := strings.Count(out, "\nBenchmarkModel/"); n != 6 {
		t.Errorf("%d lines, expected one for each of 6 repetitions", n)
	}
}

// TestBenchEnergy writes what a machine with counters would show.
func TestBenchEnergy(t *testing.T) {
	r := &bench.Result{
		Test: bench.Test{Gen: 2}, Model: &bench.Model{Name: "m", Format: "GGUF v3, I2_S"}, Info: compute.Info{Backend: "vulkan", Device: "card"},
		Head: bench.HeadPlanted, Samples: []time.Duration{time.Second}, Load: &bench.Load{},
		Energy: bench.Energy{Joules: 1.5, Net: 0.25, Idle: 20},
	}
	var b bytes.Buffer
	for _, write := range []func(*bytes.Buffer) error{
		func(b *bytes.Buffer) error { return markdownRow(b, []*bench.Result{r}) },
		func(b *bytes.Buffer) error { return markdownEnd(b, []*bench.Result{r}) },
	} {
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"J/token", "less idle", " 1.500 |", " 0.250 |", "idle 20.0 W", "| Vulkan ", "| planted |", "device: card"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "of the limit") {
		t.Error("limits of a processor beside a GPU's rates")
	}
	r.Energy = bench.Energy{Reason: fmt.Errorf("no counters")}
	b.Reset()
	if err := jsonlRow(&b, []*bench.Result{r}); err != nil || !strings.Contains(b.String(), `"joules_per_token": null`) || !strings.Contains(b.String(), `"energy_note": "not available: no counters"`) {
		t.Errorf("%s, %v", b.String(), err)
	}
}

func TestBenchPlot(t *testing.T) {
	dir := t.TempDir()
	svg, picture := filepath.Join(dir, "out.svg"), filepath.Join(dir, "out.png")
	ok(t, "", append(quick, "-d", "0,8", "--plot", svg)...)
	data, err := os.ReadFile(svg)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"tinyA I2_S on CPU", ">prompt<", ">decode<", ">prompt and decode<", ">tokens in the context before<", ">pp6<", ">tg2<", ">pp3, tg1<", "ranges of 2 repetitions"} {
		if !strings.Contains(string(data), want) {
			t.Errorf("no %q in the picture", want)
		}
	}
	ok(t, "", append(quick, "--plot", picture)...)
	if data, err = os.ReadFile(picture); err != nil {
		t.Fatal(err)
	}
	if _, err := png.Decode(bytes.NewReader(data)); err != nil {
		t.Error(err)
	}
	_, errs, code := command(t, "", append(quick, "--plot", filepath.Join(dir, "none", "out.svg"))...)
	if code != exitFailure || strings.Count(errs, "\n") != 1 {
		t.Errorf("a folder that is not there: exit code %d, %s", code, errs)
	}
}

// TestBenchPanels chooses what to draw along what.
func TestBenchPanels(t *testing.T) {
	result := func(test bench.Test, threads, batch int, head string) *bench.Result {
		return &bench.Result{
			Test: test, Head: head, Info: compute.Info{Backend: "cpu", Threads: threads, Batch: batch},
			Model: &bench.Model{Name: "m"}, Samples: []time.Duration{time.Second}, Load: &bench.Load{},
		}
	}
	for name, c := range map[string]struct {
		results []*bench.Result
		along   string
		lines   []string
	}{
		"depths": {[]*bench.Result{
			result(bench.Test{Gen: 8}, 1, 4, bench.HeadStored), result(bench.Test{Gen: 8, Depth: 64}, 1, 4, bench.HeadStored),
		}, "tokens in the context before", []string{"tg8"}},
		"depths and threads": {[]*bench.Result{
			result(bench.Test{Gen: 8}, 1, 4, bench.HeadStored), result(bench.Test{Gen: 8, Depth: 64}, 1, 4, bench.HeadStored),
			result(bench.Test{Gen: 8}, 2, 4, bench.HeadStored), result(bench.Test{Gen: 8, Depth: 64}, 2, 4, bench.HeadStored),
		}, "tokens in the context before", []string{"tg8, threads 1", "tg8, threads 2"}},
		"batches": {[]*bench.Result{
			result(bench.Test{Prompt: 64}, 1, 4, bench.HeadStored), result(bench.Test{Prompt: 64}, 1, 8, bench.HeadStored),
		}, "prompt tokens computed together", []string{"pp64"}},
		"prompts": {[]*bench.Result{
			result(bench.Test{Prompt: 64}, 1, 4, bench.HeadStored), result(bench.Test{Prompt: 128}, 1, 4, bench.HeadStored),
		}, "tokens of the prompt", []string{"median"}},
		"heads": {[]*bench.Result{
			result(bench.Test{Gen: 8}, 1, 4, bench.HeadRandom), result(bench.Test{Gen: 8}, 1, 4, bench.HeadPlanted),
		}, "CPU threads", []string{"tg8, random head", "tg8, planted head"}},
	} {
		chart := benchChart(c.results)
		if len(chart.Panels) != 1 {
			t.Fatalf("%s: %d panels", name, len(chart.Panels))
		}
		p := chart.Panels[0]
		var lines []string
		for _, s := range p.Series {
			lines = append(lines, s.Name)
		}
		if p.X != c.along || !slices.Equal(lines, c.lines) {
			t.Errorf("%s: along %q with lines %q", name, p.X, lines)
		}
	}
}

// TestBenchThreads: more threads than cores are said once.
func TestBenchThreads(t *testing.T) {
	n := fmt.Sprint(cpu.Cores() + 1)
	_, errs, code := command(t, "", "bench", "-m", tinyA, "--backend", "cpu", "-p", "1", "-n", "0", "-r", "1", "-t", n)
	if code != exitOK || strings.Count(errs, "warning: "+n+" threads") != 1 {
		t.Errorf("exit code %d: %q", code, errs)
	}
}

// TestBenchSynthetic measures the smallest of the known shapes, from its file.
func TestBenchSynthetic(t *testing.T) {
	if testing.Short() {
		t.Skip("short: writes 0.3 GB")
	}
	t.Setenv("TMPDIR", t.TempDir())
	out := ok(t, "", "bench", "--synthetic", "0.7b", "--backend", "cpu", "-p", "1", "-n", "1", "-r", "1", "-t", "1")
	for _, want := range []string{"| synthetic 0.7b I2_S ", "| random  |            pp1 |", "| random  |            tg1 |", "| planted |            tg1 |"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if left, _ := os.ReadDir(os.Getenv("TMPDIR")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	t.Setenv("TMPDIR", "/nowhere")
	_, errs, code := command(t, "", "bench", "--synthetic", "0.7b")
	if code != exitFailure || !strings.Contains(errs, "/nowhere") || strings.Count(errs, "\n") != 1 {
		t.Errorf("no temporary folder: exit code %d, %s", code, errs)
	}
}
