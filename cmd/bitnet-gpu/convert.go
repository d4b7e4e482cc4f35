package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"bitnet-gpu/cpu"
	"bitnet-gpu/engine/compute"
	"bitnet-gpu/weights"
	"bitnet-gpu/weights/outfile"
	"bitnet-gpu/weights/ternary"
)

// The names of flags' values.
var (
	convertTypes = map[string]ternary.Format{"i2_s": ternary.I2S, "tq1_0": ternary.TQ1_0, "tq2_0": ternary.TQ2_0, "iq2_bn": ternary.IQ2_BN}
	convertEmbds = map[string]weights.DType{"f16": weights.F16, "bf16": weights.BF16, "q8_0": weights.Q8_0, "q6_k": weights.Q6_K}
)

func convertCmd(std stdio) *cobra.Command {
	var out, typ, embd string
	var layout i2sLayout
	cmd := &cobra.Command{
		Use:   "convert IN -o OUT.gguf",
		Short: "Write any model that can be opened as a GGUF file",
		Long: `Write a model, a GGUF file or a directory of Hugging Face, as a GGUF file.

The file is written under a temporary name, opened again and compared with the
model before it gets its own. A link stays a link, and a pipe or a device gets
what was compared.`,
		Example: `  bitnet-gpu convert ./Falcon3-1B-Instruct-1.58bit -o falcon3.gguf
  bitnet-gpu convert model.gguf --type tq2_0 --embd q6_k -o small.gguf`,
		SuggestFor: []string{"quantize"},
		Args:       cobra.ExactArgs(1),
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "`FILE` to write; - for standard output")
	cmd.Flags().StringVar(&typ, "type", "i2_s", "of the ternary matrices: i2_s, tq2_0, tq1_0 or iq2_bn")
	cmd.Flags().StringVar(&embd, "embd", "", "type of embedding and head: f16, bf16, q8_0 or q6_k (default as they are)")
	layout.add(cmd)
	complete(cmd, "type", slices.Sorted(maps.Keys(convertTypes))...)
	complete(cmd, "embd", slices.Sorted(maps.Keys(convertEmbds))...)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		target := outfile.Target{Path: out, Stdout: std.out, Binary: true}
		opt, err := convertOptions(typ, embd)
		switch {
		case err != nil:
			return err
		case out == "":
			return usage("no output: name the file to write with -o OUT.gguf")
		}
		if err := target.Check(); err != nil {
			return err
		}
		bar := newBar(std.err)
		bar.verb = "writing"
		defer bar.finish()
		ctx, cancel := tidy(cmd.Context())
		defer cancel()
		opt.Progress = bar.until(ctx)
		opt.Notice = func(line string) { fmt.Fprintln(std.err, line) }
		size, err := convert(ctx, args[0], target, weights.OpenOptions{I2SLayout: int(layout)}, opt)
		if errors.Is(err, context.Canceled) {
			return context.Canceled // the path says nothing
		}
		if err != nil {
			return err
		}
		bar.finish()
		fmt.Fprintf(std.err, "%s: %d bytes, verified\n", out, size)
		return nil
	}
	return cmd
}

// convertOptions reads the flags of the types.
func convertOptions(typ, embd string) (opt weights.WriteOptions, err error) {
	var ok bool
	if opt.Type, ok = convertTypes[typ]; !ok {
		return opt, usage("--type %s: there are i2_s, tq2_0, tq1_0 and iq2_bn", typ)
	}
	if embd != "" {
		dtype, ok := convertEmbds[embd]
		if !ok {
			return opt, usage("--embd %s: there are f16, bf16, q8_0 and q6_k", embd)
		}
		opt.Embd = &dtype
	}
	return opt, nil
}

// convert writes the file and returns its size. What cannot be read again, as a
// pipe, gets a copy of a file that was.
func convert(ctx context.Context, from string, target outfile.Target, read weights.OpenOptions, write weights.WriteOptions) (int64, error) {
	path, remove := target.Path, func() {}
	if target.Streams() {
		dir, away, err := outfile.TempDir()
		if err != nil {
			return 0, err
		}
		defer away()
		path, remove = filepath.Join(dir, "out.gguf"), away
	}
	check := func(from, to *weights.Model) error { return cmp.Or(sameLogits(from, to), ctx.Err()) }
	if err := weights.Convert(from, path, read, write, check); err != nil {
		return 0, err
	}
	file, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || path == target.Path {
		return info.Size(), err
	}
	remove() // now, for a reader who goes away ends the program; the file stays open
	return info.Size(), target.Write(ctx, func(w io.Writer) error {
		_, err := io.Copy(w, file)
		return err
	})
}

// sameLogits compares what two models compute, of a few tokens and with their
// first two blocks and first tokens: all weights are compared elsewhere, here it
// is about what is done with them. What the conversion rounds, scales, embedding
// and head, is the written file's on both sides.
func sameLogits(from, to *weights.Model) error {
	a, b := *from, *to
	for _, m := range []*weights.Model{&a, &b} {
		m.Blocks = min(m.Blocks, 2)
		m.VocabSize = min(m.VocabSize, 512)
		m.Layers = slices.Clone(m.Layers[:m.Blocks])
		m.TokenEmbd.Rows, m.Output.Rows = m.VocabSize, m.VocabSize
	}
	for i := range a.Layers {
		for j, t := range a.Layers[i].Tensors() {
			t.Scale = b.Layers[i].Tensors()[j].Scale
		}
	}
	a.TokenEmbd, a.Output = b.TokenEmbd, b.Output
	want, err := fewLogits(&a)
	if err != nil {
		return err
	}
	got, err := fewLogits(&b)
	if err == nil && !slices.Equal(got, want) {
		err = errors.New("verification failed: the written file computes something else")
	}
	return err
}

func fewLogits(m *weights.Model) ([]float32, error) {
	tokens := make([]int32, 4)
	for i := range tokens {
		tokens[i] = int32((i*7919 + 1) % m.VocabSize)
	}
	b, err := cpu.New(m, compute.Options{Slots: 1, Context: len(tokens)})
	if err != nil {
		return nil, err
	}
	defer b.Close()
	logits := make([]float32, m.VocabSize)
	return logits, b.Forward([]compute.Step{{Tokens: tokens, Logits: logits}})
}
