package vocab

import (
	"bytes"
	"math"
	"reflect"
	"testing"

	"bitnet-gpu/weights/gguf"
)

// sameInGGUF writes v's keys to a GGUF file and reads them back.
func sameInGGUF(t *testing.T, v *Vocab) {
	t.Helper()
	if got, err := FromGGUF(parse(t, v.KV()), len(v.Tokens)); err != nil || !reflect.DeepEqual(&got, v) {
		t.Errorf("%+v, %v, expected %+v", got, err, v)
	}
}

// TestSpecialIDs reads ids that mean none, and padding that is no token: nothing
// here needs that.
func TestSpecialIDs(t *testing.T) {
	for _, c := range []struct {
		key   string
		value any
		want  int32
		err   string
	}{
		{"padding", uint32(math.MaxUint32), -1, ""},
		{"padding", int32(-1), -1, ""},
		{"padding", int64(-1), -1, ""},
		{"padding", uint32(2), -1, ""},
		{"padding", uint64(math.MaxUint64), -1, ""},
		{"padding", "none", -1, ""},
		{"padding", uint32(1), 1, ""},
		{"bos", uint32(math.MaxUint32), -1, ""},
		{"eos", int32(-1), -1, ""},
		{"eot", int32(-1), -1, ""},
		{"eos", uint32(2), 0, `key "tokenizer.ggml.eos_token_id" is 2, expected 0 to 1`},
		{"bos", int32(-7), 0, `key "tokenizer.ggml.bos_token_id" is -7, expected 0 to 1`},
	} {
		v := &Vocab{Model: "gpt2", Tokens: []string{"a", "b"}, BOS: -1, EOS: -1, EOT: -1, Pad: -1}
		kv := append(v.KV(), gguf.KV{Key: "tokenizer.ggml." + c.key + "_token_id", Value: c.value})
		got, err := FromGGUF(parse(t, kv), 2)
		if c.err != "" {
			if err == nil || err.Error() != c.err {
				t.Errorf("%s %v: error %v, expected %s", c.key, c.value, err, c.err)
			}
			continue
		}
		id := map[string]int32{"bos": got.BOS, "eos": got.EOS, "eot": got.EOT, "padding": got.Pad}[c.key]
		if err != nil || id != c.want {
			t.Errorf("%s %v: %d, %v, expected %d", c.key, c.value, id, err, c.want)
		}
	}
}

// parse makes a GGUF file of keys and reads it.
func parse(t *testing.T, kv []gguf.KV) *gguf.File {
	t.Helper()
	var file bytes.Buffer
	w, err := gguf.NewWriter(&file, kv, nil)
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	f, err := gguf.Parse(file.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return f
}
