package weights

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
)

// hfKeys are the members of config.json that transformers' classes of BitNet and
// Llama and their base class read, and those by which relatives of these classes
// compute something else.
//
// Sources: transformers, models/llama and models/bitnet (configuration, modeling),
// configuration_utils.py, utils/quantization_config.py; configuration_bitnet.py of
// 1bitLLM's models.
var hfKeys = map[string]rule{
	"architectures":           used,
	"_name_or_path":           used,
	"hidden_act":              used,
	"hidden_size":             used,
	"intermediate_size":       used,
	"num_hidden_layers":       used,
	"num_attention_heads":     used,
	"num_key_value_heads":     used,
	"head_dim":                used,
	"vocab_size":              used,
	"max_position_embeddings": used,
	"rms_norm_eps":            used,
	"tie_word_embeddings":     used,
	"bos_token_id":            used,
	"eos_token_id":            used,
	"pad_token_id":            used,
	"quantization_config":     decoded, // hfQuantKeys

	// The rotation, hf_rope.go.
	"rope_theta":            decoded,
	"rope_scaling":          decoded,
	"rope_parameters":       decoded,
	"partial_rotary_factor": decoded,
	"rotary_pct":            decoded,
	"rotary_dim":            decoded,
	"rotary_emb_base":       decoded,

	"attention_bias": {"biases", none},
	"mlp_bias":       {"biases", none},
	"use_bias":       {"biases", none},
	"bias":           {"biases", none},
	"qkv_bias":       {"biases", none},
	"lm_head_bias":   {"biases", none},
	"weight_bits":    {"weights of other than 1.58 bits", among(1., 1.58)}, // 1bitLLM's
	"input_bits":     {"activations of other than 8 bits", among(8.)},

	"sliding_window":         {"a sliding window", beyondContext}, // unless use_sliding_window is false
	"use_sliding_window":     decoded,                             // refuseKeys
	"max_window_layers":      harmless,                            // without a window
	"sliding_window_pattern": harmless,
	"layer_types":            {"layers of several kinds", everywhere("full_attention")},
	"no_rope_layers":         {"layers without rotation", everywhere(1.)}, // 1: with
	"is_encoder_decoder":     {"an encoder", none},
	"add_cross_attention":    {"an encoder", none},
	"pruned_heads":           {"pruned heads", none},
	"is_causal":              {"attention to what follows", yes},

	"attn_logit_softcapping":  {"a soft cap of the attention's scores", none},
	"final_logit_softcapping": {"a soft cap of logits", none},
	"logit_scale":             {"a scale of logits", one},
	"logits_scaling":          {"a scale of logits", one},
	"embedding_multiplier":    {"a scale of the embedding", one},
	"scale_emb":               {"a scale of the embedding", one},
	"residual_multiplier":     {"a scale of residuals", one},
	"scale_depth":             {"a scale of residuals", none},
	"dim_model_base":          {"a scale of logits", ofHidden},
	"attention_multiplier":    {"another scale of the attention's scores", perHead},
	"query_pre_attn_scalar":   {"another scale of the attention's scores", func(v any, c *Config) bool { return v == float64(c.HeadDim) || none(v, c) }},
	"clip_qkv":                {"clamped queries, keys and values", none},
	"use_qk_norm":             {"norms of queries and keys", none},
	"qk_layernorm":            {"norms of queries and keys", none},
	"attn_temperature_tuning": {"a temperature of the attention", none},
	"parallel_attn":           {"attention beside the feed-forward layer", none},
	"alibi":                   {"a bias of the attention's scores", none},
	"num_local_experts":       {"experts", one},
	"num_experts":             {"experts", one},
	"n_routed_experts":        {"experts", one},
	"num_experts_per_tok":     harmless, // without experts

	"model_type":              harmless, // the class counts
	"initializer_range":       harmless, // of training, like the next
	"attention_dropout":       harmless,
	"pretraining_tp":          harmless, // of the order of sums
	"torch_dtype":             harmless,
	"transformers_version":    harmless,
	"use_cache":               harmless,
	"chunk_size_feed_forward": harmless,
	"tie_encoder_decoder":     harmless, // without an encoder
}

// decoded is the rule of members that are read as hfMembers returns them.
var decoded = rule{nothing: func(any, *Config) bool { return true }}

// hfQuantKeys are the members of quantization_config.
var hfQuantKeys = map[string]rule{
	"quant_method":           used,
	"linear_class":           used,
	"use_rms_norm":           used,
	"modules_to_not_convert": used,
	"quantization_mode":      {"quantisation at another time", among("offline", "online")}, // the tensors' types say it too
	"rms_norm_eps":           harmless,                                                     // of norms that use_rms_norm asks for
}

// suspicious are the names of other members that may change what is computed, if
// their value asks for anything. The classes themselves read none of them.
var suspicious = regexp.MustCompile(`(?i)rope|rotary|scal|multiplier|softcap|window|bias|clip|clamp|expert|moe|norm|alibi|residual|quant`)

// everywhere allows lists of one value, for each layer or kind of layer.
func everywhere(value any) func(any, *Config) bool {
	return func(v any, c *Config) bool {
		list, ok := v.([]any)
		return ok && !slices.ContainsFunc(list, func(e any) bool { return e != value }) || none(v, c)
	}
}

// hfMembers returns those members of config.json that hf_rope.go reads or that a
// rule looks at.
func hfMembers(data []byte) (map[string]any, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, fmt.Errorf("not a config.json: %w", err)
	}
	const most = 16 << 10 // bytes of one, which become fifty times as many
	members := map[string]any{}
	for name, text := range all {
		rule, known := hfKeys[name]
		if known && rule.nothing == nil || !known && !suspicious.MatchString(name) {
			continue
		}
		if len(text) > most {
			return nil, fmt.Errorf("%.60q has %d bytes, expected at most %d", name, len(text), most)
		}
		var value any
		if err := json.Unmarshal(text, &value); err != nil {
			return nil, fmt.Errorf("not a config.json: %w", err)
		}
		members[name] = value
	}
	return members, nil
}

// refuseKeys looks for what would change the result and is not computed here.
// members are those of hfMembers.
func (c *hfConfig) refuseKeys(members map[string]any) error {
	if members["use_sliding_window"] == false {
		members["sliding_window"] = nil
	}
	if err := refuseMembers("", members, hfKeys, &c.Config); err != nil {
		return err
	}
	quantization, _ := members["quantization_config"].(map[string]any)
	return refuseMembers("quantization_config.", quantization, hfQuantKeys, &c.Config)
}

func refuseMembers(prefix string, members map[string]any, rules map[string]rule, c *Config) error {
	for _, name := range slices.Sorted(maps.Keys(members)) {
		value := members[name]
		r, known := rules[name]
		if !known && suspicious.MatchString(name) {
			r = rule{"something that is not known here and may change the result", one}
		}
		if !r.allows(value, c) {
			text, _ := json.Marshal(value)
			return fmt.Errorf("%.60q is %.60s, which asks for %s: not supported", prefix+name, text, r.asks)
		}
	}
	return nil
}
