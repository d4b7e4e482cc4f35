package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"bitnet-gpu/cpu"
	"bitnet-gpu/engine/compute"
	"bitnet-gpu/weights"
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
model before it gets its own.`,
		Args: cobra.ExactArgs(1),
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "`FILE` to write")
	cmd.Flags().StringVar(&typ, "type", "i2_s", "of the ternary matrices: i2_s, tq2_0, tq1_0 or iq2_bn")
	cmd.Flags().StringVar(&embd, "embd", "", "type of embedding and head: f16, bf16, q8_0 or q6_k (default as they are)")
	layout.add(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if out == "" {
			return usage("no output: name the file to write with -o OUT.gguf")
		}
		format, ok := convertTypes[typ]
		if !ok {
			return usage("--type %s: there are i2_s, tq2_0, tq1_0 and iq2_bn", typ)
		}
		bar := newBar(std.err)
		bar.verb = "writing"
		defer bar.finish()
		ctx, cancel := tidy(cmd.Context())
		defer cancel()
		opt := weights.WriteOptions{Type: format, Progress: bar.until(ctx)}
		opt.Notice = func(line string) { fmt.Fprintln(std.err, line) }
		if embd != "" {
			dtype, ok := convertEmbds[embd]
			if !ok {
				return usage("--embd %s: there are f16, bf16, q8_0 and q6_k", embd)
			}
			opt.Embd = &dtype
		}
		check := func(from, to *weights.Model) error { return cmp.Or(sameLogits(from, to), ctx.Err()) }
		if err := weights.Convert(args[0], out, weights.OpenOptions{I2SLayout: int(layout)}, opt, check); errors.Is(err, context.Canceled) {
			return context.Canceled // the path says nothing
		} else if err != nil {
			return err
		}
		bar.finish()
		return describeFile(std, out)
	}
	return cmd
}

func describeFile(std stdio, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	fmt.Fprintf(std.err, "%s: %d bytes, verified\n", path, info.Size())
	return nil
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
