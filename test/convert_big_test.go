package test

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"bitnet-gpu/test/tiny"
	"bitnet-gpu/weights"
)

// TestConvertBig converts a directory of the 2B4T's shape, 4.8 GB of BF16 master
// weights, and watches the memory that is not pages of files.
func TestConvertBig(t *testing.T) {
	if os.Getenv("BITNET_TEST_BIG") == "" {
		t.Skip("BITNET_TEST_BIG is not set: it writes 6 GB")
	}
	dir := t.TempDir()
	command := filepath.Join(dir, "bitnet-gpu")
	if out, err := exec.Command("go", "build", "-o", command, "bitnet-gpu/cmd/bitnet-gpu").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	size := writeBig(t, dir)
	start := time.Now()
	drainFiles(t, dir)
	reading := time.Since(start)

	start = time.Now()
	cmd := exec.Command(command, "convert", dir, "-o", filepath.Join(dir, "out.gguf"))
	var text strings.Builder
	cmd.Stderr = &text
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	peak := 0
	for running := true; running; {
		select {
		case err := <-done:
			if err != nil {
				t.Fatalf("%v: %s", err, text.String())
			}
			running = false
		case <-time.After(5 * time.Millisecond):
			peak = max(peak, anonymous(cmd.Process.Pid))
		}
	}
	took := time.Since(start)
	start = time.Now()
	rewriteFile(t, filepath.Join(dir, "out.gguf"), filepath.Join(dir, "plain"))
	writing := time.Since(start)
	busy := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	t.Logf("%d MB in %.1f s, %.0f MB/s, with %.1f s of processor time; reading the input alone took %.1f s, copying the output %.1f s; %d MB of memory beside file pages",
		size>>20, took.Seconds(), float64(size)/1e6/took.Seconds(), busy.Seconds(), reading.Seconds(), writing.Seconds(), peak>>20)
	if peak == 0 || peak > 400<<20 {
		t.Errorf("%d MB of memory beside file pages, expected less than 400", peak>>20)
	}
}

// anonymous returns the bytes of memory of a process that are no file's pages.
func anonymous(pid int) int {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "RssAnon:" {
			n, _ := strconv.Atoi(f[1])
			return n << 10
		}
	}
	return 0
}

func drainFiles(t *testing.T, dir string) {
	f, err := os.Open(filepath.Join(dir, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := io.Copy(io.Discard, struct{ io.Reader }{f}); err != nil {
		t.Fatal(err)
	}
}

// rewriteFile copies a file to the disk.
func rewriteFile(t *testing.T, from, to string) {
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if _, err := io.Copy(struct{ io.Writer }{out}, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Sync(); err != nil {
		t.Fatal(err)
	}
}

// writeBig writes the directory, with Llama 3's vocabulary where it is at hand,
// and returns its bytes.
func writeBig(t *testing.T, dir string) int64 {
	shape := tiny.Shape{Name: "2B4T", Hidden: 2560, FFN: 6912, Blocks: 30, Heads: 20, KVHeads: 5, HeadDim: 128, Vocab: 128256, Context: 4096, Tied: true}
	type tensor struct {
		name  string
		shape []int
	}
	list := []tensor{{"model.embed_tokens.weight", []int{shape.Vocab, shape.Hidden}}, {"model.norm.weight", []int{shape.Hidden}}}
	for i := range shape.Blocks {
		p, q, kv := fmt.Sprintf("model.layers.%d.", i), shape.Heads*shape.HeadDim, shape.KVHeads*shape.HeadDim
		list = append(list, []tensor{
			{p + "input_layernorm.weight", []int{shape.Hidden}}, {p + "post_attention_layernorm.weight", []int{shape.Hidden}},
			{p + "self_attn.attn_sub_norm.weight", []int{q}}, {p + "mlp.ffn_sub_norm.weight", []int{shape.FFN}},
			{p + "self_attn.q_proj.weight", []int{q, shape.Hidden}}, {p + "self_attn.k_proj.weight", []int{kv, shape.Hidden}},
			{p + "self_attn.v_proj.weight", []int{kv, shape.Hidden}}, {p + "self_attn.o_proj.weight", []int{shape.Hidden, q}},
			{p + "mlp.gate_proj.weight", []int{shape.FFN, shape.Hidden}}, {p + "mlp.up_proj.weight", []int{shape.FFN, shape.Hidden}},
			{p + "mlp.down_proj.weight", []int{shape.Hidden, shape.FFN}},
		}...)
	}
	header := map[string]any{}
	at := int64(0)
	for _, x := range list {
		n := int64(2)
		for _, dim := range x.shape {
			n *= int64(dim)
		}
		header[x.name] = map[string]any{"dtype": "BF16", "shape": x.shape, "data_offsets": []int64{at, at + n}}
		at += n
	}
	text, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(dir, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	// One stretch of random weights of about +-2 over and over, from changing
	// places.
	source := rand.New(rand.NewPCG(1, 2))
	stretch := make([]byte, 2, 8<<20)
	for len(stretch) < cap(stretch) {
		stretch = binary.LittleEndian.AppendUint16(stretch, tiny.BF16(float32(source.NormFloat64()*2)))
	}
	f.Write(append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...))
	for left := at; left > 0; {
		part := stretch[2*source.IntN(1<<20):]
		n, err := f.Write(part[:min(int64(len(part)), left)])
		if err != nil {
			t.Fatal(err)
		}
		left -= int64(n)
	}
	config := map[string]any{
		"architectures": []string{"BitNetForCausalLM"}, "hidden_act": "relu2", "hidden_size": shape.Hidden, "intermediate_size": shape.FFN,
		"num_hidden_layers": shape.Blocks, "num_attention_heads": shape.Heads, "num_key_value_heads": shape.KVHeads, "vocab_size": shape.Vocab,
		"max_position_embeddings": shape.Context, "rms_norm_eps": 1e-5, "rope_theta": 500000.0, "tie_word_embeddings": true,
		"bos_token_id": 128000, "eos_token_id": 128001,
		"quantization_config": map[string]any{"quant_method": "bitnet", "linear_class": "autobitlinear", "quantization_mode": "online"},
	}
	files := map[string]any{"config.json": config}
	if data := os.Getenv("BITNET_TEST_DATA"); data != "" {
		v, err := weights.ReadVocab(filepath.Join(data, "llama3", "tokenizer.model"))
		if err != nil {
			t.Fatal(err)
		}
		v.Merges = splits(v.Tokens[:128000])
		t.Logf("vocabulary of %d tokens, %d merges", len(v.Tokens), len(v.Merges))
		files["tokenizer.json"] = tiny.TokenizerJSON(v)
	}
	for name, value := range files {
		data, err := json.Marshal(value)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), data, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return at
}

// splits lists every way in which a token is two others.
func splits(tokens []string) (merges []string) {
	known := map[string]bool{}
	for _, token := range tokens {
		known[token] = true
	}
	for _, token := range tokens {
		for i := range token {
			if i > 0 && known[token[:i]] && known[token[i:]] {
				merges = append(merges, token[:i]+" "+token[i:])
			}
		}
	}
	return merges
}
