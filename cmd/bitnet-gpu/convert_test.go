package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bitnet-gpu/test/tiny"
	"bitnet-gpu/weights"
)

// TestConvert converts directories of every kind to every type, and runs what
// comes out.
func TestConvert(t *testing.T) {
	for _, shape := range []tiny.Shape{
		{Name: "2B4T", Hidden: 256, FFN: 512, Blocks: 3, Heads: 4, KVHeads: 2, HeadDim: 64, Vocab: 300, Context: 64, Embd: weights.BF16, Tied: true},
		{Name: "Falcon3", Hidden: 256, FFN: 512, Blocks: 1, Heads: 2, KVHeads: 1, HeadDim: 128, Vocab: 300, Context: 64, Embd: weights.F16, Activation: weights.SiLU, NoSubNorms: true},
	} {
		m := tiny.New(shape, 1)
		for _, opt := range []tiny.HFOptions{{}, {Master: "BF16"}, {Divide: true, Shards: 2}} {
			dir := t.TempDir()
			if err := tiny.WriteHF(dir, m, opt); err != nil {
				t.Fatal(err)
			}
			for _, flags := range [][]string{nil, {"--type", "tq1_0"}, {"--type", "tq2_0", "--embd", "q6_k"}, {"--embd", "f16"}} {
				out := filepath.Join(t.TempDir(), "out.gguf")
				if _, errs, code := command(t, "", append([]string{"convert", dir, "-o", out}, flags...)...); code != exitOK || !strings.Contains(errs, "bytes, verified") {
					t.Fatalf("%s, %+v, %v: exit code %d, %q", shape.Name, opt, flags, code, errs)
				}
				again := filepath.Join(t.TempDir(), "again.gguf")
				ok(t, "", append([]string{"convert", out, "-o", again}, flags...)...)
				if a, b := read(t, out), read(t, again); a != b {
					t.Errorf("%s, %+v, %v: a copy of the copy differs", shape.Name, opt, flags)
				}
				ok(t, "", "generate", "-m", out, "--backend", "cpu", "-p", "hello", "-n", "2")
			}
			ok(t, "", "generate", "-m", dir, "--backend", "cpu", "-p", "hello", "-n", "2")
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestConvertRefuses leaves nothing behind where it refuses, and what was there.
func TestConvertRefuses(t *testing.T) {
	dir := t.TempDir()
	shape := tiny.Shapes()[0] // rows of 64 and 80
	odd := filepath.Join(t.TempDir(), "odd.gguf")
	if err := tiny.New(shape, 1).WriteGGUF(odd, weights.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out.gguf")
	if err := os.WriteFile(out, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{odd}, exitFailure, out + `: tensor "blk.0.attn_q.weight" has rows of 64 weights and cannot be I2_S, which wants a multiple of 128`},
		{[]string{odd, "--type", "tq2_0"}, exitFailure, "cannot be TQ2_0, which wants a multiple of 256"},
		{[]string{tinyA, "--type", "tq2"}, exitUsage, "--type tq2: there are i2_s"},
		{[]string{tinyA, "--embd", "f32"}, exitUsage, "--embd f32: there are f16"},
		{[]string{tinyA, "--i2s-layout", "32"}, exitUsage, "there are 128 and 64"},
		{[]string{dir}, exitModel, "without config.json"},
		{[]string{"absent"}, exitModel, "absent: no such file"},
	} {
		text, errs, code := command(t, "", append([]string{"convert", "-o", out}, c.args...)...)
		refused(t, text, errs, code, c.code, c.want)
	}
	text, errs, code := command(t, "", "convert", tinyA)
	refused(t, text, errs, code, exitUsage, "no output")
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 || read(t, out) != "old" {
		t.Errorf("%v is left, %v", left, err)
	}
}
