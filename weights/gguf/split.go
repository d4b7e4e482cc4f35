package gguf

import (
	"bytes"
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"strconv"
)

// A model can be split into several files. The first part has all keys, the
// others three of them, which say what part each is; the tensors are spread over
// all. (llama.cpp, tools/gguf-split; it names the parts NAME-00001-of-00003.gguf.)
const (
	splitNo      = "split.no"            // from 0 on
	splitCount   = "split.count"         // of parts
	splitTensors = "split.tensors.count" // of all parts together
)

// Part says what part of how many a file is, from 0 on; a whole file is part 0
// of 1.
func (f *File) Part() (no, count int, err error) {
	if !f.Has(splitCount) {
		return 0, 1, nil
	}
	if count, err = f.Int(splitCount); err != nil || count == 0 || count == 1 {
		return 0, 1, err
	}
	if no, err = f.Int(splitNo); err != nil {
		return 0, 0, err
	}
	if count < 0 || count > math.MaxUint16 || no < 0 || no >= count {
		return 0, 0, fmt.Errorf("key %q is %d and key %q is %d, expected a part from 0 on below a count of up to %d", splitNo, no, splitCount, count, math.MaxUint16)
	}
	return no, count, nil
}

var partName = regexp.MustCompile(`^(.+)-(\d{5})-of-(\d{5})(?i:\.gguf)$`)

// PartOf reads the name of a part: no from 1 on, and what stands before and behind
// it. For any other name, count is 0.
func PartOf(path string) (before string, no, count int, behind string) {
	match := partName.FindStringSubmatch(filepath.Base(path))
	if match == nil {
		return "", 0, 0, ""
	}
	no, _ = strconv.Atoi(match[2])
	count, _ = strconv.Atoi(match[3])
	if no < 1 || no > count || count > math.MaxUint16 {
		return "", 0, 0, ""
	}
	behind = path[len(path)-len("-of-00003.gguf"):]
	return path[:len(path)-len("00001")-len(behind)], no, count, behind
}

// PartNames returns the names of all parts of the split file of which path names
// one, or nil where it is not named as a part.
func PartNames(path string) []string {
	before, _, count, behind := PartOf(path)
	var names []string
	for i := range count {
		names = append(names, fmt.Sprintf("%s%05d%s", before, i+1, behind))
	}
	return names
}

// Join makes one file of all parts of a split one, in their order: with the keys
// of the first and the tensors of all, whose Offset is that in their own part. An
// error of part i names it as such.
func Join(parts []*File) (*File, error) {
	first := parts[0]
	total, err := first.Int(splitTensors)
	if err != nil {
		return nil, err
	}
	f := &File{Version: first.Version, KV: first.KV, Alignment: first.Alignment, keys: first.keys, tensors: map[string]int{}}
	for i, part := range parts {
		if err := part.isPart(i, len(parts), first); err != nil {
			return nil, fmt.Errorf("part %d of %d: %w", i+1, len(parts), err)
		}
		for _, t := range part.Tensors {
			if _, ok := f.tensors[t.Name]; ok {
				return nil, fmt.Errorf("part %d of %d: tensor %q stands in another part too: the parts are of two models", i+1, len(parts), t.Name)
			}
			f.tensors[t.Name] = len(f.Tensors)
			f.Tensors = append(f.Tensors, t)
		}
	}
	if len(f.Tensors) != total {
		return nil, fmt.Errorf("the %d parts hold %d tensors, but key %q is %d: they are not of one model", len(parts), len(f.Tensors), splitTensors, total)
	}
	return f, nil
}

// isPart checks that f is part no of as many as the first one says, and says
// nothing else than that does.
func (f *File) isPart(no, count int, first *File) error {
	gotNo, gotCount, err := f.Part()
	if err != nil {
		return err
	}
	if gotNo != no || gotCount != count {
		return fmt.Errorf("the file is part %d of %d: it has another's name, or is of another model", gotNo+1, gotCount)
	}
	for _, kv := range f.KV {
		if kv.Key == splitNo || kv.Key == "general.alignment" {
			continue
		}
		if i, ok := first.keys[kv.Key]; !ok || !equal(kv.Value, first.KV[i].Value) {
			return fmt.Errorf("key %.80q is not what it is in part 1: the parts are of two models", kv.Key)
		}
	}
	return nil
}

// equal compares two values of metadata, types included, NaNs with themselves.
func equal(a, b any) bool {
	x, ok := a.(Array)
	y, both := b.(Array)
	if ok && both {
		return x.Elem == y.Elem && x.Len == y.Len && bytes.Equal(x.raw, y.raw)
	}
	return ok == both && (a == b || a != a && b != b)
}
