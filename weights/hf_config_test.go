package weights

import (
	"strings"
	"testing"

	"bitnet-gpu/test/badfiles"
)

// configs are those of known models, as far as they are read.
var configs = []struct {
	name, json string
	want       Config
	multiply   bool
}{
	{"2B4T", `{"architectures":["BitNetForCausalLM"],"model_type":"bitnet","num_hidden_layers":30,"hidden_size":2560,"num_attention_heads":20,
		"num_key_value_heads":5,"intermediate_size":6912,"hidden_act":"relu2","rms_norm_eps":1e-05,"rope_theta":500000.0,"max_position_embeddings":4096,
		"vocab_size":128256,"tie_word_embeddings":true,"bos_token_id":128000,"eos_token_id":128001,"torch_dtype":"bfloat16",
		"quantization_config":{"quant_method":"bitnet","linear_class":"autobitlinear","quantization_mode":"offline"}}`,
		Config{Arch: "bitnet-b1.58", VocabSize: 128256, Hidden: 2560, FFN: 6912, Blocks: 30, Heads: 20, KVHeads: 5, HeadDim: 128, Context: 4096, NormEps: 1e-5, RopeBase: 5e5}, true},
	{"Llama3-8B-1.58", `{"architectures":["LlamaForCausalLM"],"hidden_size":4096,"intermediate_size":14336,"num_hidden_layers":32,"num_attention_heads":32,
		"num_key_value_heads":8,"hidden_act":"silu","rms_norm_eps":1e-05,"rope_theta":500000.0,"rope_scaling":null,"max_position_embeddings":8192,
		"vocab_size":128256,"tie_word_embeddings":false,"eos_token_id":128009,"quantization_config":{"quant_method":"bitnet"}}`,
		Config{Arch: "llama", VocabSize: 128256, Hidden: 4096, FFN: 14336, Blocks: 32, Heads: 32, KVHeads: 8, HeadDim: 128, Context: 8192, NormEps: 1e-5, RopeBase: 5e5, Activation: SiLU}, false},
	{"Falcon3-7B", `{"architectures":["LlamaForCausalLM"],"hidden_size":3072,"intermediate_size":23040,"num_hidden_layers":28,"num_attention_heads":12,
		"num_key_value_heads":4,"head_dim":256,"hidden_act":"silu","rms_norm_eps":1e-06,"rope_theta":1000042,"max_position_embeddings":32768,
		"vocab_size":131072,"tie_word_embeddings":false,"eos_token_id":11,"attention_bias":false,"mlp_bias":false,"quantization_config":{"quant_method":"bitnet","linear_class":"bitlinear"}}`,
		Config{Arch: "llama", VocabSize: 131072, Hidden: 3072, FFN: 23040, Blocks: 28, Heads: 12, KVHeads: 4, HeadDim: 256, Context: 32768, NormEps: 1e-6, RopeBase: 1000042, Activation: SiLU}, false},
	{"bitnet_b1_58-3B", `{"architectures":["BitnetForCausalLM"],"model_type":"llama","hidden_size":3200,"intermediate_size":8640,"num_hidden_layers":26,"num_attention_heads":32,
		"num_key_value_heads":32,"hidden_act":"silu","rms_norm_eps":1e-05,"max_position_embeddings":2048,"vocab_size":32002,"rope_scaling":null,"rope_theta":10000.0,"bos_token_id":1,"eos_token_id":2,"pad_token_id":32000}`,
		Config{Arch: "bitnet", VocabSize: 32002, Hidden: 3200, FFN: 8640, Blocks: 26, Heads: 32, KVHeads: 32, HeadDim: 100, Context: 2048, NormEps: 1e-5, RopeBase: 1e4, Activation: SiLU}, false},
}

func TestHFConfig(t *testing.T) {
	for _, c := range configs {
		got, err := parseHFConfig([]byte(c.json))
		if err != nil {
			t.Fatal(c.name, err)
		}
		if got.Config != c.want || got.multiply() != c.multiply {
			t.Errorf("%s: multiply %v, config\n%+v, expected\n%+v", c.name, got.multiply(), got.Config, c.want)
		}
	}
}

// TestHFRotation reads the base in all spellings and refuses other rotations.
func TestHFRotation(t *testing.T) {
	for _, c := range []struct {
		members string // in place of the 2B4T's rope_theta
		base    float64
		want    string // of the error
	}{
		{`"rope_theta":500000.0`, 5e5, ""},
		{`"rope_theta":10000`, 1e4, ""},
		{`"rope_theta":null`, 5e5, ""}, // the class's own
		{`"x":1`, 5e5, ""},
		{`"rotary_emb_base":20000`, 2e4, ""},
		{`"rope_scaling":null,"rope_theta":7e4`, 7e4, ""},
		{`"rope_scaling":{"type":"linear","factor":1.0},"rope_theta":7e4`, 7e4, ""},
		{`"rope_scaling":{"type":"default","rope_type":"default"},"rope_theta":7e4`, 7e4, ""},
		{`"rope_scaling":{"rope_theta":7e4,"rope_type":"default"}`, 7e4, ""},
		{`"rope_parameters":{"rope_theta":7e4,"rope_type":"default"}`, 7e4, ""},
		{`"rope_parameters":{"rope_theta":7e4,"rope_type":"default","partial_rotary_factor":1.0,"factor":null}`, 7e4, ""},
		{`"rope_parameters":{"full_attention":{"rope_theta":7e4,"rope_type":"default"}}`, 7e4, ""},
		{`"rope_parameters":{"full_attention":{"rope_theta":7e4},"sliding_attention":null}`, 7e4, ""},
		{`"rope_parameters":{"full_attention":{"rope_theta":7e4},"sliding_attention":{"rope_theta":7e4}}`, 7e4, ""},
		{`"rope_theta":7e4,"rope_parameters":{"rope_theta":70000}`, 7e4, ""},
		{`"rope_theta":7e4,"partial_rotary_factor":1`, 7e4, ""},
		{`"rope_theta":7e4,"rotary_dim":128`, 7e4, ""},

		{`"rope_theta":7e4,"rope_parameters":{"rope_theta":80000}`, 0, `"rope_theta" is 70000 and "rope_parameters.rope_theta" is 80000, expected the same`},
		{`"rope_scaling":{"rope_theta":7e4},"rope_parameters":{"rope_theta":80000}`, 0, `expected the same`},
		{`"rope_parameters":{"full_attention":{"rope_theta":7e4},"sliding_attention":{"rope_theta":1e4}}`, 0, `"rope_parameters.full_attention.rope_theta" is 70000 and "rope_parameters.sliding_attention.rope_theta" is 10000`},
		{`"rope_scaling":{"type":"linear","factor":2}`, 0, `"rope_scaling.factor" is "2", expected 1`},
		{`"rope_scaling":{"factor":2}`, 0, `"rope_scaling.factor" is "2"`},
		{`"rope_scaling":{"type":"dynamic","factor":2}`, 0, `"rope_scaling.type": rope scaling of type "dynamic" is not supported`},
		{`"rope_scaling":{"rope_type":"llama3","factor":8,"low_freq_factor":1}`, 0, `rope scaling of type "llama3"`},
		{`"rope_scaling":{"rope_type":"default","type":"yarn"}`, 0, `"rope_scaling.type": rope scaling of type "yarn"`},
		{`"rope_parameters":{"full_attention":{"rope_type":"yarn","factor":4}}`, 0, `"rope_parameters.full_attention.rope_type": rope scaling of type "yarn"`},
		{`"rope_parameters":{"rope_theta":7e4,"partial_rotary_factor":0.5}`, 0, `"rope_parameters.partial_rotary_factor" is "0.5"`},
		{`"rope_parameters":{"rope_theta":7e4,"mrope_section":[16,24,24]}`, 0, `"rope_parameters.mrope_section" is not known here`},
		{`"partial_rotary_factor":0.5`, 0, `"partial_rotary_factor" is "0.5"`},
		{`"rotary_pct":0.25`, 0, `"rotary_pct" is "0.25"`},
		{`"rotary_dim":64`, 0, `"rotary_dim" is "64", expected 128`},
		{`"rope_theta":"10000"`, 0, `"rope_theta" is "10000", expected a number`},
		{`"rope_scaling":"yarn"`, 0, `"rope_scaling" is no object`},
	} {
		got, err := parseHFConfig([]byte(strings.Replace(configs[0].json, `"rope_theta":500000.0`, c.members, 1)))
		switch {
		case (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want):
			t.Errorf("%s: error %v, expected %q", c.members, err, c.want)
		case err == nil && got.RopeBase != c.base:
			t.Errorf("%s: base %v, expected %v", c.members, got.RopeBase, c.base)
		}
	}
	old := strings.Replace(configs[3].json, `"rope_theta":10000.0,`, "", 1)
	if got, err := parseHFConfig([]byte(old)); err != nil || got.RopeBase != 10000 {
		t.Errorf("1bitLLM's own class: base %v, %v", got, err)
	}
}

// FuzzHFConfig accepts only shapes that a model may have.
func FuzzHFConfig(f *testing.F) {
	for _, c := range configs {
		f.Add([]byte(c.json))
	}
	for _, change := range []string{ // of the last, where the last member counts
		`"architectures":[]`, `"quantization_config":{"quant_method":"bitnet","linear_class":"x"}`, `"quantization_config":{"use_rms_norm":true}`, `"hidden_act":"relu2"`,
		`"hidden_act":"gelu"`, `"attention_bias":true`, `"hidden_size":72`, `"num_attention_heads":0`, `"num_key_value_heads":3`, `"head_dim":17`, `"head_dim":131072`,
		`"rms_norm_eps":0`, `"rope_theta":1e300`, `"rope_scaling":{"type":"linear","factor":1}`, `"rope_scaling":{"rope_type":"llama3"}`,
		`"rope_parameters":{"rope_theta":500000.0,"rope_type":"default"}`, `"_name_or_path":"a/b"`, `"eos_token_id":[1,2]`, `"eos_token_id":null`, `"vocab_size":1e9`,
		`"architectures":["LlamaForCausalLM"]`, `"hidden_size":99999999999999999999`,
	} {
		json := configs[len(configs)-1].json
		f.Add([]byte(json[:len(json)-1] + "," + change + "}"))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var c *hfConfig
		var err error
		badfiles.Within(t, len(data), func() { c, err = parseHFConfig(data) })
		if err != nil {
			badfiles.OneLine(t, invalid("", err))
			return
		}
		ok := c.Hidden >= 64 && c.Hidden%16 == 0 && c.FFN%16 == 0 && c.Heads%c.KVHeads == 0 && c.HeadDim%2 == 0 && c.HeadDim >= 16 &&
			c.Heads*c.HeadDim%16 == 0 && c.Heads*c.HeadDim <= maxWidth && c.Blocks <= maxBlocks && c.Context <= maxContext && c.NormEps > 0 && c.RopeBase >= 1
		if !ok {
			t.Errorf("accepted %+v", c.Config)
		}
	})
}
