package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"bitnet-gpu/engine"
	"bitnet-gpu/weights"
	"bitnet-gpu/weights/demo"
	"bitnet-gpu/weights/gguf"
)

func inspectCmd(std stdio) *cobra.Command {
	var from source
	var asJSON, sum bool
	cmd := &cobra.Command{
		Use:   "inspect [MODEL | -hf MODEL]",
		Short: "Show what is in a model file and what it will take to run it",
		Example: `  bitnet-gpu inspect model.gguf
  bitnet-gpu inspect 2b4t --json`,
		SuggestFor:        []string{"show", "info"},
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeFirst(completeModels),
	}
	from.add(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "write one JSON object")
	cmd.Flags().BoolVar(&sum, "sha256", false, "compute the file's SHA-256 too")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if len(args) > 0 {
			if args[0] == "" {
				return usage("inspect needs the name of a file")
			}
			if from.model != "" {
				return usage("inspect shows one model: %s or %s", args[0], from.model)
			}
			from.model = args[0]
		}
		path, err := from.path(std)
		if err != nil {
			return err
		}
		s, err := weights.Inspect(path)
		if err != nil {
			return err
		}
		defer s.Close()
		var r report
		if err := s.Guard(func() error { r = newReport(s); return nil }); err != nil {
			return err
		}
		if sum {
			if s.Files != 1 {
				return usage("--sha256 is of one file, and %s is in %d", path, s.Files)
			}
			if r.SHA256, err = fileSum(path); err != nil {
				return err
			}
		}
		if asJSON {
			return json.NewEncoder(std.out).Encode(r)
		}
		return r.print(std.out)
	}
	return cmd
}

// A report is what inspect tells.
type report struct {
	Path      string            `json:"path"`
	Container string            `json:"container"`
	Files     int               `json:"files"`
	Size      int64             `json:"size"`
	SHA256    string            `json:"sha256,omitempty"`
	Metadata  []entry           `json:"metadata"`
	Tensors   []tensor          `json:"tensors"`
	Problem   string            `json:"problem,omitempty"` // why it cannot be run here
	Config    *weights.Config   `json:"config,omitempty"`
	Memory    *engine.Memory    `json:"memory,omitempty"`
	Text      *engine.TextFacts `json:"text,omitempty"`
}

type entry struct {
	Key   string `json:"key"`
	Type  string `json:"type"`
	Value any    `json:"value"` // of an array the number of elements
}

type tensor struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Dims []int  `json:"dims"`
	Size int    `json:"size"`
}

func newReport(s *weights.Summary) report {
	r := report{Path: s.Path, Container: s.Container, Files: s.Files, Size: s.Size}
	for _, kv := range s.KV {
		e := entry{Key: kv.Key, Type: strings.TrimPrefix(fmt.Sprintf("%T", kv.Value), "gguf."), Value: kv.Value}
		if a, ok := kv.Value.(gguf.Array); ok {
			e.Type, e.Value = fmt.Sprintf("[]%s", a.Elem), a.Len
		}
		r.Metadata = append(r.Metadata, e)
	}
	for _, t := range s.Tensors {
		r.Tensors = append(r.Tensors, tensor{t.Name, t.Type, slices.Clone(t.Dims), t.Size})
	}
	if s.Problem != nil {
		r.Problem = s.Problem.Error()
		return r
	}
	config, memory, text := s.Model.Config, engine.Account(s.Model, 0), engine.Facts(s.Model)
	r.Config, r.Memory, r.Text = &config, &memory, &text
	return r
}

func (r *report) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%s: %d bytes, %s\n", r.Path, r.Size, r.Container)
	if r.SHA256 != "" {
		fmt.Fprintf(w, "sha256 %s\n", r.SHA256)
	}
	fmt.Fprintln(w)
	for _, e := range r.Metadata {
		value := printable(fmt.Sprintf("%.200s", fmt.Sprint(e.Value)))
		if strings.HasPrefix(e.Type, "[]") {
			value += " elements"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", printable(e.Key), e.Type, value)
	}
	fmt.Fprintln(w)
	for _, t := range r.Tensors {
		fmt.Fprintf(w, "%s\t%s\t%v\t%d bytes\n", printable(t.Name), t.Type, t.Dims, t.Size)
	}
	fmt.Fprintln(w)
	if r.Problem != "" {
		fmt.Fprintf(w, "cannot be run here: %s\n", r.Problem)
		return w.Flush()
	}
	m, c := r.Memory, r.Config
	subNorms := ""
	if c.SubNorms {
		subNorms = ", sub-norms"
	}
	fmt.Fprintf(w, "graph\t%d blocks of %d, %d heads of %d, %s%s\n", c.Blocks, c.Hidden, c.Heads, c.HeadDim, c.Activation, subNorms)
	fmt.Fprintf(w, "in the file's map\t%s\tembedding, head and other dense matrices\n", mebi(m.Mapped))
	fmt.Fprintf(w, "copied by the CPU backend\t%s\tternary weights\n", mebi(m.Weights))
	fmt.Fprintf(w, "screen of the head\t%s\tfour-bit codes\n", mebi(m.Screen))
	fmt.Fprintf(w, "cache\t%s\t%d positions, float16\n", mebi(m.Cache), m.Context)
	fmt.Fprintf(w, "intermediates\t%s\tof a batch\n", mebi(m.Scratch))
	fmt.Fprintln(w)
	fmt.Fprintf(w, "tokenizer\t%s\n", r.Text.Tokenizer)
	fmt.Fprintf(w, "end tokens\t%s\n", strings.Join(r.Text.Stops, " "))
	fmt.Fprintf(w, "chat template\t%s\n", r.Text.Template)
	return w.Flush()
}

func mebi(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

func fileSum(path string) (string, error) {
	if weights.IsDemo(path) {
		return fmt.Sprintf("%x", sha256.Sum256(demo.File())), nil
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return "", usage("--sha256 is of one file, and %s is a directory", path)
	}
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", h.Sum(nil)), nil
}
