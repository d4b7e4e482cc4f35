package weights

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bitnet-gpu/weights/gguf"
)

// ggufVerdicts are the keys that files of the architectures may have, and what
// becomes of each: no values, it is read or changes nothing; else a model opens
// with the values of the first list and is refused with those of the second.
var ggufVerdicts = map[string]struct{ open, refuse []any }{
	"vocab_size": {}, "context_length": {}, "embedding_length": {}, "block_count": {}, "feed_forward_length": {}, "hidden_activation": {},
	"attention.head_count": {}, "attention.head_count_kv": {}, "attention.key_length": {}, "attention.value_length": {},
	"attention.layer_norm_rms_epsilon": {}, "rope.dimension_count": {}, "rope.freq_base": {},

	"rope.scaling.type":                    {[]any{"none", "linear"}, []any{"yarn", "longrope", "llama3", float32(1)}},
	"rope.scaling.factor":                  {[]any{float32(0), float32(1)}, []any{float32(4), float32(0.5), "4"}},
	"rope.scale_linear":                    {[]any{float32(0), float32(1)}, []any{float32(4)}},
	"rope.scaling.attn_factor":             {[]any{float32(1)}, []any{float32(1.2)}},
	"rope.scaling.alpha":                   {[]any{float32(0)}, []any{float32(1000)}},
	"rope.scaling.yarn_ext_factor":         {[]any{float32(-1), float32(0)}, []any{float32(1)}},
	"rope.scaling.yarn_attn_factor":        {[]any{float32(1), float32(-1)}, []any{float32(2)}},
	"rope.scaling.yarn_log_multiplier":     {[]any{float32(0)}, []any{float32(0.1)}},
	"rope.scaling.yarn_beta_fast":          {[]any{float32(32)}, nil},
	"rope.scaling.yarn_beta_slow":          {[]any{float32(1)}, nil},
	"rope.scaling.original_context_length": {[]any{uint32(4096)}, nil},
	"rope.scaling.finetuned":               {[]any{true, false}, nil},
	"rope.dimension_sections":              {nil, []any{uint32(8)}},
	"rope.dimension_count_swa":             {[]any{uint32(64)}, nil},
	"rope.freq_base_swa":                   {[]any{float32(1e4)}, nil},

	"attention.sliding_window":         {[]any{uint32(0), uint32(64), uint32(4096)}, []any{uint32(63), uint32(1)}}, // of 64 positions
	"attention.sliding_window_pattern": {[]any{uint32(6)}, nil},
	"attention.key_length_swa":         {[]any{uint32(64)}, nil},
	"attention.value_length_swa":       {[]any{uint32(64)}, nil},
	"attention.causal":                 {[]any{true}, []any{false}},
	"attention.scale":                  {[]any{float32(0), float32(0.2236068)}, []any{float32(0.125), float32(1)}}, // of heads of 20
	"attention.output_scale":           {[]any{float32(1)}, []any{float32(0.5)}},
	"attention.value_scale":            {[]any{float32(1)}, []any{float32(0.5)}},
	"attention.temperature_length":     {[]any{uint32(0)}, []any{uint32(8192)}},
	"attention.temperature_scale":      {[]any{float32(0)}, []any{float32(0.1)}},
	"attention.clamp_kqv":              {[]any{float32(0)}, []any{float32(8)}},
	"attention.max_alibi_bias":         {[]any{float32(0)}, []any{float32(8)}},
	"attention.layer_norm_epsilon":     {[]any{float32(1e-5)}, nil},
	"attention.shared_kv_layers":       {[]any{uint32(0)}, []any{uint32(2)}},
	"attn_logit_softcapping":           {[]any{float32(0)}, []any{float32(50)}},
	"final_logit_softcapping":          {[]any{float32(0)}, []any{float32(30)}},
	"logit_scale":                      {[]any{float32(0), float32(1)}, []any{float32(0.0625)}},
	"embedding_scale":                  {[]any{float32(0), float32(1)}, []any{float32(12)}},
	"residual_scale":                   {[]any{float32(0), float32(1)}, []any{float32(0.22)}},
	"use_parallel_residual":            {[]any{false}, []any{true}},
	"swin_norm":                        {[]any{false}, []any{true}},

	"embedding_length_out":      {[]any{uint32(256), uint32(0)}, []any{uint32(128)}},
	"leading_dense_block_count": {[]any{uint32(1)}, nil},
	"full_attention_interval":   {[]any{uint32(1)}, []any{uint32(4)}},
	"nextn_predict_layers":      {[]any{uint32(0)}, []any{uint32(1)}},
	"n_deepstack_layers":        {[]any{uint32(0)}, []any{uint32(3)}},
	"pooling_type":              {[]any{uint32(1)}, nil},
	"tensor_data_layout":        {[]any{"Meta AI original pth", "reference"}, []any{"other"}},

	"expert_count":               {[]any{uint32(0)}, []any{uint32(8)}},
	"expert_used_count":          {[]any{uint32(0)}, []any{uint32(2)}},
	"expert_shared_count":        {[]any{uint32(0)}, []any{uint32(1)}},
	"expert_group_count":         {[]any{uint32(0)}, []any{uint32(8)}},
	"expert_group_used_count":    {[]any{uint32(0)}, []any{uint32(8)}},
	"expert_feed_forward_length": {[]any{uint32(64)}, nil},
	"expert_weights_scale":       {[]any{float32(2.5)}, nil},
	"expert_weights_norm":        {[]any{true}, nil},
	"expert_gating_func":         {[]any{uint32(1)}, nil},
	"moe_every_n_layers":         {[]any{uint32(2)}, nil},
	"interleave_moe_layer_step":  {[]any{uint32(1)}, nil},
	"router_logit_softcapping":   {[]any{float32(30)}, nil},
}

// ggufOthers are keys of no architecture.
var ggufOthers = map[string]struct{ open, refuse []any }{
	"general.type":                 {[]any{"model"}, []any{"adapter", "mmproj", "imatrix"}},
	"general.file_type":            {[]any{uint32(7)}, nil},
	"general.base_model.count":     {[]any{uint32(1)}, nil},
	"general.sampling.temp":        {[]any{float32(0.6)}, nil},
	"quantize.imatrix.file":        {[]any{"imatrix.dat"}, nil},
	"mradermacher.quantized_by":    {[]any{"mradermacher"}, nil},
	"tokenizer.ggml.add_eos_token": {[]any{false}, nil},
	"qwen3.rope.scaling.factor":    {[]any{float32(4)}, nil}, // of another architecture
	"prism.hadamard.version":       {nil, []any{uint32(1)}},
	"adapter.type":                 {nil, []any{"lora"}},
}

// TestGGUFKeys holds what becomes of every key, in files of two architectures.
func TestGGUFKeys(t *testing.T) {
	if diff := slices.Compare(slices.Sorted(maps.Keys(ggufKeys)), slices.Sorted(maps.Keys(ggufVerdicts))); diff != 0 {
		t.Errorf("the tables have other keys: %v, expected %v", slices.Sorted(maps.Keys(ggufKeys)), slices.Sorted(maps.Keys(ggufVerdicts)))
	}
	for _, arch := range []string{"llama", "bitnet"} {
		m := random(F16, true)
		m.Arch, m.Activation = arch, SiLU // which the names of both stand for
		path := filepath.Join(t.TempDir(), "model.gguf")
		if err := m.WriteGGUF(path, WriteOptions{}); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		check := func(key string, value any, refused bool) {
			t.Helper()
			_, err := openWithKey(t, data, key, value)
			if (err != nil) != refused || refused && !strings.Contains(err.Error(), key) {
				t.Errorf("%s of %v: error %v, expected one: %v", key, value, err, refused)
			}
		}
		for key, v := range ggufVerdicts {
			for _, value := range v.open {
				check(arch+"."+key, value, false)
			}
			for _, value := range v.refuse {
				check(arch+"."+key, value, true)
			}
		}
		for key, v := range ggufOthers {
			for _, value := range v.open {
				check(key, value, false)
			}
			for _, value := range v.refuse {
				check(key, value, true)
			}
		}
		check(arch+".something_new", uint32(0), true)
	}
}

// openWithKey opens a file with a key more.
func openWithKey(t *testing.T, data []byte, key string, value any) (*Model, error) {
	t.Helper()
	f, err := gguf.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	kv := slices.DeleteFunc(slices.Clone(f.KV), func(e gguf.KV) bool { return e.Key == key })
	var b bytes.Buffer
	w, err := gguf.NewWriter(&b, append(kv, gguf.KV{Key: key, Value: value}), f.Tensors)
	if err != nil {
		t.Fatal(err)
	}
	for _, tensor := range f.Tensors {
		if err := w.WriteTensor(tensor.Name, tensor.Data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if f, err = gguf.Parse(b.Bytes()); err != nil {
		t.Fatal(err)
	}
	return fromGGUF(f, OpenOptions{})
}
