package weights

import (
	"fmt"
	"strings"

	"bitnet-gpu/weights/gguf"
)

// ggufKeys are the keys that architectures have of their own, as ARCH.KEY: all
// that llama.cpp's loaders of bitnet and llama read, and those of their relatives
// that files of these architectures may have. Any other is refused: nobody can
// say what it changes.
//
// Sources: llama.cpp, src/llama-arch.cpp (the names), src/llama-model.cpp
// (load_hparams), src/models/bitnet.cpp and llama.cpp; GGUF's own description,
// docs/gguf.md of ggml.
var ggufKeys = map[string]rule{
	"vocab_size":          used,
	"context_length":      used,
	"embedding_length":    used,
	"block_count":         used,
	"feed_forward_length": used,
	"hidden_activation":   used,

	"attention.head_count":             used,
	"attention.head_count_kv":          used,
	"attention.key_length":             used,
	"attention.value_length":           used,
	"attention.layer_norm_rms_epsilon": used,
	"rope.dimension_count":             used,
	"rope.freq_base":                   used,

	// The rotation. Factors are 1, or 0 for none, as llama.cpp has it.
	"rope.scaling.type":                    {"a scaled rotation", among("none", "linear")}, // llama.cpp's word for none is linear, by a factor of 1
	"rope.scaling.factor":                  {"a scaled rotation", one},
	"rope.scale_linear":                    {"a scaled rotation", one}, // the older name
	"rope.scaling.attn_factor":             {"a scaled rotation", one},
	"rope.scaling.alpha":                   {"a scaled rotation", none},
	"rope.scaling.yarn_ext_factor":         {"a scaled rotation", among(-1.)}, // -1: as the type says
	"rope.scaling.yarn_attn_factor":        {"a scaled rotation", among(-1., 1.)},
	"rope.scaling.yarn_log_multiplier":     {"a scaled rotation", none},
	"rope.scaling.yarn_beta_fast":          harmless, // without one of the above
	"rope.scaling.yarn_beta_slow":          harmless,
	"rope.scaling.original_context_length": harmless,
	"rope.scaling.finetuned":               harmless,
	"rope.dimension_sections":              {"a rotation in sections", none},
	"rope.dimension_count_swa":             harmless, // without a sliding window
	"rope.freq_base_swa":                   harmless,

	"attention.sliding_window":         {"a sliding window", beyondContext},
	"attention.sliding_window_pattern": harmless, // without a window
	"attention.key_length_swa":         harmless,
	"attention.value_length_swa":       harmless,
	"attention.causal":                 {"attention to what follows", yes},
	"attention.scale":                  {"another scale of the attention's scores", perHead},
	"attention.output_scale":           {"a scale of the attention's output", one},
	"attention.value_scale":            {"a scale of values", one},
	"attention.temperature_length":     {"a temperature of the attention", none},
	"attention.temperature_scale":      {"a temperature of the attention", none},
	"attention.clamp_kqv":              {"clamped queries, keys and values", none},
	"attention.max_alibi_bias":         {"a bias of the attention's scores", none},
	"attention.layer_norm_epsilon":     harmless, // of a norm that these graphs do not have
	"attention.shared_kv_layers":       {"layers that share keys and values", none},
	"attn_logit_softcapping":           {"a soft cap of the attention's scores", none},
	"final_logit_softcapping":          {"a soft cap of logits", none},
	"logit_scale":                      {"a scale of logits", one},
	"embedding_scale":                  {"a scale of the embedding", one},
	"residual_scale":                   {"a scale of residuals", one},
	"use_parallel_residual":            {"attention beside the feed-forward layer", none},
	"swin_norm":                        {"norms behind the layers", none},

	"embedding_length_out":      {"an output of another width", ofHidden},
	"leading_dense_block_count": harmless, // without experts, all are dense
	"full_attention_interval":   {"layers without attention", one},
	"nextn_predict_layers":      {"layers that predict further tokens", none},
	"n_deepstack_layers":        {"images", none},
	"pooling_type":              harmless, // of embeddings, which nobody asks for
	"tensor_data_layout":        {"another layout of tensors", among("reference", "Meta AI original pth")},

	"expert_count":               {"experts", none},
	"expert_used_count":          {"experts", none},
	"expert_shared_count":        {"experts", none},
	"expert_group_count":         {"experts", none},
	"expert_group_used_count":    {"experts", none},
	"expert_feed_forward_length": harmless, // without experts
	"expert_weights_scale":       harmless,
	"expert_weights_norm":        harmless,
	"expert_gating_func":         harmless,
	"moe_every_n_layers":         harmless,
	"interleave_moe_layer_step":  harmless,
	"router_logit_softcapping":   harmless,
}

// ggufOtherKeys are the keys of no architecture that change what is computed, or
// names that such keys begin with. All others tell of the file (general, split,
// quantize, what tools add) or of the text (tokenizer), which is read elsewhere.
var ggufOtherKeys = map[string]rule{
	"general.type": {"something else than a model", among("model")},
	"adapter.":     {"an adapter", nil},
	"prism.":       {"a rotated basis", nil}, // of Bonsai 2: without the rotation the text is still fluent
}

// refuseKeys looks for what would change the result and is not computed here.
func (r *ggufReader) refuseKeys(c *Config) {
	for _, kv := range r.file.KV {
		if r.err != nil {
			return
		}
		if name, ok := strings.CutPrefix(kv.Key, r.arch+"."); ok {
			rule, known := ggufKeys[name]
			switch {
			case !known:
				r.fail(fmt.Errorf("key %q is not known here and may change the result: not supported", kv.Key))
			case !rule.allows(kv.Value, c):
				r.fail(refusedKey(kv, rule))
			}
			continue
		}
		for name, rule := range ggufOtherKeys {
			if kv.Key == name || strings.HasSuffix(name, ".") && strings.HasPrefix(kv.Key, name) {
				if rule.nothing == nil || !rule.allows(kv.Value, c) {
					r.fail(refusedKey(kv, rule))
				}
			}
		}
	}
}

func refusedKey(kv gguf.KV, r rule) error {
	value := fmt.Sprintf("%.40v", kv.Value)
	if text, ok := kv.Value.(string); ok {
		value = fmt.Sprintf("%.40q", text)
	} else if array, ok := kv.Value.(gguf.Array); ok {
		value = fmt.Sprintf("an array of %d", array.Len)
	}
	return fmt.Errorf("key %q is %s, which asks for %s: not supported", kv.Key, value, r.asks)
}
