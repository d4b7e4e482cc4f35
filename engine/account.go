package engine

import (
	"fmt"

	"bitnet-gpu/cpu"
	"bitnet-gpu/engine/compute"
	"bitnet-gpu/engine/tokenizer"
	"bitnet-gpu/weights"
)

// Memory says what running a model takes, in bytes.
type Memory struct {
	Context int   `json:"context"` // positions of one sequence
	Mapped  int64 `json:"mapped"`  // embedding, head and dense matrices, which stay in the file's map
	cpu.Memory
}

// Account returns the memory of the CPU backend for one sequence of a context, 0
// for the model's.
func Account(m *weights.Model, context int) Memory {
	if context == 0 {
		context = m.Context
	}
	a := Memory{Context: context, Mapped: int64(len(m.TokenEmbd.Data)) + m.DenseBytes()}
	if !m.Tied {
		a.Mapped += int64(len(m.Output.Data))
	}
	a.Memory = cpu.MemoryFor(m, compute.Options{Slots: 1, Context: context, Batch: 128, Threads: 1})
	return a
}

// TextFacts says how a model's text is handled.
type TextFacts struct {
	Tokenizer string   `json:"tokenizer"`
	Stops     []string `json:"stops"`    // tokens that end a text
	Template  string   `json:"template"` // of chats
}

// Facts looks at a model's tokenizer and chat template.
func Facts(m *weights.Model) TextFacts {
	t, err := tokenizer.New(&m.Vocab)
	if err != nil {
		return TextFacts{Tokenizer: "not usable: " + err.Error()}
	}
	f := TextFacts{Tokenizer: fmt.Sprintf("%s, %s, %d tokens", m.Vocab.Model, m.Vocab.Pre, t.VocabSize())}
	for _, id := range t.Stops() {
		f.Stops = append(f.Stops, fmt.Sprintf("%s (%d)", t.Token(id), id))
	}
	template, err := t.Template(m.Arch, "")
	if err != nil {
		f.Template = err.Error()
		return f
	}
	if f.Template = template.Name; template.Note != "" {
		f.Template += ": " + template.Note
	}
	return f
}
