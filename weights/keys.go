package weights

import (
	"math"
	"slices"

	"bitnet-gpu/weights/gguf"
)

// What a file says of the computation, a key of GGUF's metadata or a member of
// config.json, is either read, or it changes nothing, or the file is refused.
// The tables of gguf_keys.go and hf_keys.go are the one place where that is
// decided.

// A rule is what becomes of a key. The zero rule is that of keys that are read,
// by code that checks them, and of those that change nothing here.
type rule struct {
	asks    string                          // what the key asks for, which is not computed here
	nothing func(value any, c *Config) bool // whether a value does not ask for it
}

var (
	used     = rule{} // by the readers
	harmless = rule{}
)

// allows reports whether a model with that value can be computed. The value is
// one of package gguf, or of JSON.
func (r rule) allows(value any, c *Config) bool {
	return r.nothing == nil || r.nothing(value, c)
}

// number returns a value as a number: bools are 0 and 1.
func number(value any) (x float64, ok bool) {
	switch v := value.(type) {
	case uint8:
		return float64(v), true
	case int8:
		return float64(v), true
	case uint16:
		return float64(v), true
	case int16:
		return float64(v), true
	case uint32:
		return float64(v), true
	case int32:
		return float64(v), true
	case uint64:
		return float64(v), true
	case int64:
		return float64(v), true
	case float32:
		return float64(v), true
	case float64:
		return v, true
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

// none allows what stands for nothing: 0, false, null, empty text, lists and
// objects.
func none(value any, _ *Config) bool {
	switch v := value.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	case gguf.Array:
		return v.Len == 0
	}
	x, ok := number(value)
	return ok && x == 0
}

// yes allows true alone.
func yes(value any, _ *Config) bool { return value == true }

// one allows a factor of 1, and none.
func one(value any, c *Config) bool {
	x, ok := number(value)
	return ok && x == 1 || none(value, c)
}

// beyondContext allows a number of positions that the model never has, and none.
func beyondContext(value any, c *Config) bool {
	x, ok := number(value)
	return ok && x >= float64(c.Context) || none(value, c)
}

// ofHidden allows the width of the residual stream, and none.
func ofHidden(value any, c *Config) bool {
	x, ok := number(value)
	return ok && x == float64(c.Hidden) || none(value, c)
}

// perHead allows the usual factor of scores, 1/sqrt(d), and none.
func perHead(value any, c *Config) bool {
	x, ok := number(value)
	return ok && math.Abs(x*math.Sqrt(float64(c.HeadDim))-1) < 1e-6 || none(value, c)
}

// among allows some texts or numbers, and none.
func among(values ...any) func(any, *Config) bool {
	return func(value any, c *Config) bool {
		if x, ok := number(value); ok {
			value = x
		}
		return slices.Contains(values, value) || none(value, c)
	}
}
