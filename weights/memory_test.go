package weights

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"bitnet-gpu/test/badfiles"
	"bitnet-gpu/weights/gguf"
	"bitnet-gpu/weights/safetensors"
	"bitnet-gpu/weights/vocab"
)

// TestMemory reads files that are made of the smallest things their format has,
// each of which becomes something larger: 1 MiB and more of them, so that the
// constant part of the bound counts for little.
func TestMemory(t *testing.T) {
	const n = 1 << 16
	ggufFile := func(tensors, keys int, body []byte) []byte {
		b := binary.LittleEndian.AppendUint32([]byte("GGUF"), 3)
		b = binary.LittleEndian.AppendUint64(b, uint64(tensors))
		return append(binary.LittleEndian.AppendUint64(b, uint64(keys)), body...)
	}
	text := func(s string) []byte { return append(binary.LittleEndian.AppendUint64(nil, uint64(len(s))), s...) }
	parseGGUF := func(data []byte) {
		f, err := gguf.Parse(data)
		if err != nil {
			return
		}
		_, _ = fromGGUF(f, OpenOptions{})
		_, _ = vocab.FromGGUF(f, vocab.AnySize)
	}
	var keys, tensors, strs, stens, index bytes.Buffer
	for i := range 1 << 16 {
		keys.Write(text(fmt.Sprintf("%04x", i)))
		keys.Write([]byte{0, 0, 0, 0, 1})
		tensors.Write(text(fmt.Sprintf("%04x", i)))
		tensors.Write([]byte{1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 24, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
		fmt.Fprintf(&stens, `"%04x":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},`, i)
	}
	strs.Write(text("tokenizer.ggml.model"))
	strs.Write([]byte{8, 0, 0, 0})
	strs.Write(text("gpt2"))
	strs.Write(text("tokenizer.ggml.tokens"))
	strs.Write([]byte{9, 0, 0, 0, 8, 0, 0, 0})
	strs.Write(binary.LittleEndian.AppendUint64(nil, n))
	strs.Write(make([]byte, 8*n))
	for i := range n {
		fmt.Fprintf(&index, `"%x":"a.safetensors",`, i)
	}
	repeat := func(s string) string { return strings.Repeat(s+",", n) + s }
	list := func(b *bytes.Buffer) string { return strings.TrimSuffix(b.String(), ",") }
	for _, c := range []struct {
		name string
		data []byte
		read func(data []byte)
	}{
		{"keys", ggufFile(0, 1<<16, keys.Bytes()), parseGGUF},
		{"tensors", ggufFile(1<<16, 0, tensors.Bytes()), parseGGUF},
		{"tokens", ggufFile(0, 2, strs.Bytes()), parseGGUF},
		{"safetensors", safetensorsFile("{" + list(&stens) + "}"), func(data []byte) { _, _ = safetensors.Parse(data) }},
		{"names of nothing", safetensorsFile("{" + repeat(`"a":{}`) + "}"), func(data []byte) { _, _ = safetensors.Parse(data) }},
		{"dimensions", safetensorsFile(`{"a":{"shape":[` + repeat("0") + `]}}`), func(data []byte) { _, _ = safetensors.Parse(data) }},
		{"end tokens", []byte("[" + repeat("0") + "]"), func(data []byte) { _ = json.Unmarshal(data, new(hfTokens)) }},
		{"architectures", []byte(`{"architectures":[` + repeat(`""`) + "]}"), func(data []byte) { _, _ = parseHFConfig(data) }},
		{"index", []byte(`{"weight_map":{` + list(&index) + `}}`), func(data []byte) { _, _ = safetensors.ParseIndex(data) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			badfiles.Within(t, len(c.data), func() { c.read(c.data) })
		})
	}
}

func safetensorsFile(header string) []byte {
	return append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...)
}
