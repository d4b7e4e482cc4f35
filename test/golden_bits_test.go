package test

import (
	"crypto/sha256"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bitnet-gpu/cpu"
	"bitnet-gpu/engine/compute"
	"bitnet-gpu/test/tiny"
)

var update = flag.Bool("update", false, "write the golden bits anew: only with a new version of the arithmetic contract")

// TestGoldenBits compares the logits of the synthetic models with those that
// other machines computed: one list of hashes for every architecture.
func TestGoldenBits(t *testing.T) {
	path := filepath.Join("testdata", "golden", "logits.sha256")
	var got strings.Builder
	for _, shape := range tiny.All() {
		m := tiny.New(shape, 1)
		b, err := cpu.New(m, compute.Options{Slots: 1, Context: 100})
		if err != nil {
			t.Fatal(err)
		}
		ids := make([]int32, 70)
		for i := range ids {
			ids[i] = int32(i * 37 % m.VocabSize)
		}
		logits := make([]float32, len(ids)*m.VocabSize)
		if err := b.Forward([]compute.Step{{Tokens: ids, Logits: logits}}); err != nil {
			t.Fatal(err)
		}
		b.Close()
		hash := sha256.New()
		binary.Write(hash, binary.LittleEndian, logits)
		fmt.Fprintf(&got, "%x  %s\n", hash.Sum(nil), shape.Name)
	}
	if *update {
		if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("logits\n%sexpected\n%s", got.String(), want)
	}
}
