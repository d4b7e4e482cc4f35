package weights

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"bitnet-gpu/weights/ternary"
)

// An hfConfig is the part of config.json that decides on the computation.
type hfConfig struct {
	Config `json:"-"`
	bitnet bool // of BitNet's own class, not Llama's

	Architectures []string `json:"architectures"`
	ModelName     string   `json:"_name_or_path"`
	HiddenAct     string   `json:"hidden_act"`
	HiddenSize    int      `json:"hidden_size"`
	FFNSize       int      `json:"intermediate_size"`
	LayerCount    int      `json:"num_hidden_layers"`
	HeadCount     int      `json:"num_attention_heads"`
	KVHeadCount   *int     `json:"num_key_value_heads"`
	HeadSize      *int     `json:"head_dim"`
	Vocabulary    int      `json:"vocab_size"`
	Positions     int      `json:"max_position_embeddings"`
	Epsilon       float64  `json:"rms_norm_eps"`
	Tie           *bool    `json:"tie_word_embeddings"`
	BOS           hfTokens `json:"bos_token_id"`
	EOS           hfTokens `json:"eos_token_id"`
	Pad           hfTokens `json:"pad_token_id"`
	Quantization  *struct {
		Method      string   `json:"quant_method"`
		LinearClass string   `json:"linear_class"`
		UseRMSNorm  bool     `json:"use_rms_norm"`
		Kept        []string `json:"modules_to_not_convert"`
	} `json:"quantization_config"`
}

// hfTokens are a token's id or several, or null. Some say that there is none by
// -1, also in 32 bits without a sign.
type hfTokens []int32

func (t *hfTokens) UnmarshalJSON(data []byte) error {
	if string(data) == "null" || string(data) == "4294967295" {
		return nil
	}
	var id int32
	if json.Unmarshal(data, &id) == nil {
		*t = hfTokens{id}
		return nil
	}
	return json.Unmarshal(data, (*[]int32)(t))
}

func (t hfTokens) first() int32 {
	if len(t) == 0 {
		return -1
	}
	return t[0]
}

const maxConfig = 1 << 20 // bytes of config.json and its like

func readHFConfig(path string) (*hfConfig, error) {
	data, err := readText(path, maxConfig)
	if errors.Is(err, fs.ErrNotExist) {
		dir := filepath.Dir(path)
		return nil, invalid(dir, errors.New("is a directory without config.json: name a GGUF file, or a directory as Hugging Face has them"))
	}
	if err != nil {
		return nil, invalid(path, err)
	}
	c, err := parseHFConfig(data)
	return c, invalid(path, err)
}

func parseHFConfig(data []byte) (*hfConfig, error) {
	var c hfConfig
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, fmt.Errorf("not a config.json: %w", err)
	}
	members, err := hfMembers(data)
	if err != nil {
		return nil, err
	}
	if err := c.graph(); err != nil {
		return nil, err
	}
	if err := c.shape(); err != nil {
		return nil, err
	}
	if err := c.rotation(members); err != nil {
		return nil, err
	}
	return &c, c.refuseKeys(members)
}

func (c *hfConfig) architecture() string {
	if len(c.Architectures) == 0 {
		return ""
	}
	return c.Architectures[0]
}

// multiply reports whether weight_scale is the scale itself. The class
// AutoBitLinear of transformers multiplies by it, BitLinear divides by it.
func (c *hfConfig) multiply() bool {
	return c.Quantization != nil && c.Quantization.LinearClass == "autobitlinear"
}

// kept reports whether a matrix, by the name of its module, is dense and not
// ternary: with a class that quantises nothing, or where modules_to_not_convert
// names it. A name there is the beginning or the end of a module's name, or, for
// older versions of transformers, any part of it.
func (c *hfConfig) kept(module string) (bool, error) {
	q := c.Quantization
	if q == nil {
		return !c.bitnet, nil // BitNet's classes quantise by themselves
	}
	kept, somewhere := false, ""
	for _, name := range q.Kept {
		switch {
		case strings.HasPrefix(module, name), strings.HasSuffix(module, name):
			kept = true
		case strings.Contains(module, name):
			somewhere = name
		case strings.ContainsAny(name, `*+?^$|()[]{}\`): // a pattern of newer versions
			return false, fmt.Errorf("modules_to_not_convert has the pattern %.60q: only names are supported", name)
		}
	}
	if somewhere != "" && !kept {
		return false, fmt.Errorf("modules_to_not_convert has %.60q, which is inside of %q: versions of transformers disagree whether it names that", somewhere, module)
	}
	return kept, nil
}

// graph finds what is computed.
func (c *hfConfig) graph() error {
	switch a := c.architecture(); {
	case slices.Contains([]string{"BitNetForCausalLM", "BitnetForCausalLM"}, a):
		c.bitnet = true
	case a != "LlamaForCausalLM":
		return fmt.Errorf("architecture %.40q is not supported, only BitNetForCausalLM and LlamaForCausalLM", a)
	}
	switch c.HiddenAct {
	case "relu2":
		c.Activation, c.Arch = ReLU2, "bitnet-b1.58"
	case "silu":
		c.Activation, c.Arch = SiLU, "bitnet"
	default:
		return fmt.Errorf("hidden_act %.40q is not supported, only relu2 and silu", c.HiddenAct)
	}
	if !c.bitnet {
		c.Arch = "llama"
	}
	switch q := c.Quantization; {
	case q != nil && q.Method != "bitnet" && (q.Method != "" || !c.bitnet):
		return fmt.Errorf("quant_method %.40q is not supported, only bitnet", q.Method)
	case q != nil && q.UseRMSNorm:
		return errors.New("norms in front of every projection are not supported (use_rms_norm)")
	case q != nil && !slices.Contains([]string{"", "bitlinear", "autobitlinear"}, q.LinearClass):
		return fmt.Errorf("linear_class %.40q is not supported, only bitlinear and autobitlinear", q.LinearClass)
	}
	c.Name = filepath.Base(c.ModelName)
	if c.ModelName == "" {
		c.Name = ""
	}
	return nil
}

// shape checks all sizes.
func (c *hfConfig) shape() error {
	c.KVHeads, c.HeadDim = c.HeadCount, 0
	if c.KVHeadCount != nil {
		c.KVHeads = *c.KVHeadCount
	}
	if c.HeadSize != nil {
		c.HeadDim = *c.HeadSize
	} else if c.HeadCount > 0 {
		c.HeadDim = c.HiddenSize / c.HeadCount
	}
	for _, n := range []struct {
		key       string
		n         int
		low, high int
		multiple  int
	}{
		{"hidden_size", c.HiddenSize, 64, maxWidth, ternary.WordWeights},
		{"intermediate_size", c.FFNSize, 16, maxWidth, ternary.WordWeights},
		{"num_hidden_layers", c.LayerCount, 1, maxBlocks, 1},
		{"num_attention_heads", c.HeadCount, 1, maxWidth, 1},
		{"num_key_value_heads", c.KVHeads, 1, maxWidth, 1},
		{"head_dim", c.HeadDim, 16, maxWidth, 2},
		{"vocab_size", c.Vocabulary, 1, 1<<31 - 1, 1},
		{"max_position_embeddings", c.Positions, 1, maxContext, 1},
	} {
		if n.n < n.low || n.n > n.high || n.n%n.multiple != 0 {
			return fmt.Errorf("%s is %d, expected %d to %d, a multiple of %d", n.key, n.n, n.low, n.high, n.multiple)
		}
	}
	width := c.HeadCount * c.HeadDim
	switch {
	case c.HeadCount%c.KVHeads != 0:
		return fmt.Errorf("%d query heads for %d key and value heads, expected a multiple", c.HeadCount, c.KVHeads)
	case width > maxWidth || width%ternary.WordWeights != 0:
		return fmt.Errorf("%d heads of %d elements, expected a multiple of %d up to %d together", c.HeadCount, c.HeadDim, ternary.WordWeights, maxWidth)
	case !(c.Epsilon >= 0x1p-50 && c.Epsilon <= 1):
		return fmt.Errorf("rms_norm_eps is %v, expected one up to 1", c.Epsilon)
	}
	c.Hidden, c.FFN, c.Blocks, c.Heads = c.HiddenSize, c.FFNSize, c.LayerCount, c.HeadCount
	c.VocabSize, c.Context, c.NormEps = c.Vocabulary, c.Positions, float32(c.Epsilon)
	return nil
}
