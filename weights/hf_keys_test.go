package weights

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// hfVerdicts are the members of config.json, and what becomes of each: no values,
// it is read elsewhere or changes nothing; else a configuration (of 4,096
// positions and heads of 128) is read with the values of the first list and
// refused with those of the second.
var hfVerdicts = map[string]struct{ open, refuse []string }{
	"architectures": {}, "_name_or_path": {}, "hidden_act": {}, "hidden_size": {}, "intermediate_size": {}, "num_hidden_layers": {},
	"num_attention_heads": {}, "num_key_value_heads": {}, "head_dim": {}, "vocab_size": {}, "max_position_embeddings": {}, "rms_norm_eps": {},
	"tie_word_embeddings": {}, "bos_token_id": {}, "eos_token_id": {}, "pad_token_id": {}, "quantization_config": {},

	"rope_theta": {}, "rope_scaling": {}, "rope_parameters": {}, "partial_rotary_factor": {}, "rotary_pct": {}, "rotary_dim": {}, "rotary_emb_base": {},

	"attention_bias": {[]string{"false", "null"}, []string{"true"}},
	"mlp_bias":       {[]string{"false"}, []string{"true"}},
	"use_bias":       {[]string{"false"}, []string{"true"}},
	"bias":           {[]string{"false"}, []string{"true"}},
	"qkv_bias":       {[]string{"false"}, []string{"true"}},
	"lm_head_bias":   {[]string{"false"}, []string{"true"}},
	"weight_bits":    {[]string{"1"}, []string{"2"}},
	"input_bits":     {[]string{"8"}, []string{"4"}},

	"sliding_window":         {[]string{"null", "4096", `131072,"use_sliding_window":true`, `1024,"use_sliding_window":false`}, []string{"1024"}},
	"use_sliding_window":     {[]string{"true", "false"}, nil},
	"max_window_layers":      {[]string{"28"}, nil},
	"sliding_window_pattern": {[]string{"6"}, nil},
	"layer_types":            {[]string{"null", `["full_attention","full_attention"]`}, []string{`["sliding_attention","full_attention"]`, `"mixed"`}},
	"no_rope_layers":         {[]string{"[]", "[1,1]"}, []string{"[1,0]"}},
	"is_encoder_decoder":     {[]string{"false"}, []string{"true"}},
	"add_cross_attention":    {[]string{"false"}, []string{"true"}},
	"pruned_heads":           {[]string{"{}"}, []string{`{"0":[1]}`}},
	"is_causal":              {[]string{"true"}, []string{"false"}},

	"attn_logit_softcapping":  {[]string{"null"}, []string{"50.0"}},
	"final_logit_softcapping": {[]string{"null"}, []string{"30.0"}},
	"logit_scale":             {[]string{"1.0", "null"}, []string{"0.0625"}},
	"logits_scaling":          {[]string{"1"}, []string{"8"}},
	"embedding_multiplier":    {[]string{"1.0"}, []string{"12"}},
	"scale_emb":               {[]string{"1"}, []string{"12"}},
	"residual_multiplier":     {[]string{"1.0"}, []string{"0.22"}},
	"scale_depth":             {[]string{"null"}, []string{"1.4"}},
	"dim_model_base":          {[]string{"2560"}, []string{"256"}},
	"attention_multiplier":    {[]string{"0.08838834764831845"}, []string{"0.0078125"}},
	"query_pre_attn_scalar":   {[]string{"128"}, []string{"256"}},
	"clip_qkv":                {[]string{"null"}, []string{"8.0"}},
	"use_qk_norm":             {[]string{"false"}, []string{"true"}},
	"qk_layernorm":            {[]string{"false"}, []string{"true"}},
	"attn_temperature_tuning": {[]string{"false"}, []string{"4", "true"}},
	"parallel_attn":           {[]string{"false"}, []string{"true"}},
	"alibi":                   {[]string{"false"}, []string{"true"}},
	"num_local_experts":       {[]string{"0", "1"}, []string{"8"}},
	"num_experts":             {[]string{"0"}, []string{"64"}},
	"n_routed_experts":        {[]string{"null"}, []string{"64"}},
	"num_experts_per_tok":     {[]string{"2"}, nil},

	"model_type":              {[]string{`"llama"`}, nil},
	"initializer_range":       {[]string{"0.02"}, nil},
	"attention_dropout":       {[]string{"0.1"}, nil},
	"pretraining_tp":          {[]string{"2"}, nil},
	"torch_dtype":             {[]string{`"bfloat16"`}, nil},
	"transformers_version":    {[]string{`"4.52.0.dev0"`}, nil},
	"use_cache":               {[]string{"true"}, nil},
	"chunk_size_feed_forward": {[]string{"2"}, nil},
	"tie_encoder_decoder":     {[]string{"true"}, nil},
}

// hfOthers are members that no class here reads: those whose names tell of the
// computation are refused where they ask for something.
var hfOthers = map[string]struct{ open, refuse []string }{
	"auto_map":             {[]string{`{"AutoConfig":"configuration_bitnet.BitNetConfig"}`}, nil},
	"output_hidden_states": {[]string{"true"}, nil},
	"id2label":             {[]string{`{"0":"LABEL_0"}`}, nil},
	"activation":           {[]string{`"swiglu"`}, nil},
	"dtype":                {[]string{`"bfloat16"`}, nil},
	"rope_interleaved":     {[]string{"false", "null"}, []string{"2"}},
	"swiglu_clamp":         {[]string{"0"}, []string{"7.0"}},
	"global_window":        {[]string{"null"}, []string{"512"}},
	"mup_width_multiplier": {[]string{"1.0"}, []string{"0.5"}},
	"longrope_long_factor": {[]string{"[]"}, []string{"[1.5,2.5]", "[" + strings.Repeat("1,", 20000) + "1]"}},
}

// hfQuantVerdicts are the members of quantization_config.
var hfQuantVerdicts = map[string]struct{ open, refuse []string }{
	"quant_method":           {[]string{`"bitnet"`}, []string{`"gptq"`}},
	"linear_class":           {[]string{`"bitlinear"`, `"autobitlinear"`}, []string{`"linear"`}},
	"use_rms_norm":           {[]string{"false"}, []string{"true"}},
	"modules_to_not_convert": {[]string{"null", `["lm_head"]`}, nil}, // TestKept
	"quantization_mode":      {[]string{`"offline"`, `"online"`}, []string{`"runtime"`}},
	"rms_norm_eps":           {[]string{"1e-6"}, nil},
}

func TestHFKeys(t *testing.T) {
	sameKeys := func(got map[string]rule, want map[string]struct{ open, refuse []string }) {
		if a, b := slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)); !slices.Equal(a, b) {
			t.Errorf("the tables have other members: %v, expected %v", a, b)
		}
	}
	sameKeys(hfKeys, hfVerdicts)
	sameKeys(hfQuantKeys, hfQuantVerdicts)
	good := configs[0].json
	check := func(name, value, json string, refused bool) {
		t.Helper()
		if _, err := parseHFConfig([]byte(json)); (err != nil) != refused || refused && !strings.Contains(err.Error(), name) {
			t.Errorf("%s of %.40s: error %v, expected one: %v", name, value, err, refused)
		}
	}
	for _, table := range []map[string]struct{ open, refuse []string }{hfVerdicts, hfOthers} {
		for name, v := range table {
			for i, value := range slices.Concat(v.open, v.refuse) {
				check(name, value, good[:len(good)-1]+`,"`+name+`":`+value+"}", i >= len(v.open))
			}
		}
	}
	for name, v := range hfQuantVerdicts {
		for i, value := range slices.Concat(v.open, v.refuse) {
			check(name, value, good[:len(good)-2]+`,"`+name+`":`+value+"}}", i >= len(v.open))
		}
	}
}
