package vocab

import (
	"bytes"
	"reflect"
	"testing"

	"bitnet-gpu/weights/gguf"
)

// sameInGGUF writes v's keys to a GGUF file and reads them back.
func sameInGGUF(t *testing.T, v *Vocab) {
	t.Helper()
	var file bytes.Buffer
	w, err := gguf.NewWriter(&file, v.KV(), nil)
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
	if got, err := FromGGUF(f, len(v.Tokens)); err != nil || !reflect.DeepEqual(&got, v) {
		t.Errorf("%+v, %v, expected %+v", got, err, v)
	}
}
