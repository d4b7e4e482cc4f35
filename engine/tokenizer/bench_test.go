package tokenizer

import (
	"strings"
	"testing"
	"time"
)

// prose is English text as people write it, about 1.3 kB.
const prose = `It was late in the afternoon when the survey party came down from the ridge, and nobody
had eaten since the morning. The youngest of them, a draughtsman called Merriweather, had
been carrying the theodolite for six hours; he set it down on the grass and said that if
anyone wanted another bearing they'd have to take it themselves.

"We've got 14 stations left," the captain answered, without looking up from his notebook.
"At this rate we'll be here until the 23rd. Didn't you sign for the whole season?"

Nobody laughed. The valley below was already blue, and the smoke of the village stood up
straight in the cold air. There was a road on the old map, drawn in 1887 by a man who
(it was generally believed) had never left the inn; they had spent two days proving that
it didn't exist, and a third in finding the real one, which ran along the river's far
bank, unmarked, unfenced and perfectly good. Measurements like these aren't exciting. They
are, however, the sort of thing on which everything else rests: railways, boundaries,
lawsuits, the price of land. Somebody has to walk the line with a chain and write down
what is there, rather than what ought to be, and the captain, whatever his other faults,
had always understood the difference.
`

func BenchmarkEncode(b *testing.B) {
	tok := mustNew(b, llama3(b))
	for _, c := range []struct{ name, text string }{
		{"prose", strings.Repeat(prose, 100)},
		{"code", strings.Repeat("func (t *Tokenizer) Token(id int32) []byte {\n\tif !t.valid(id) {\n\t\treturn nil\n\t}\n}\n\n", 1000)},
		{"chinese", strings.Repeat("他们用了两天时间证明它不存在，第三天才找到真正的路。", 1000)},
		{"letters", strings.Repeat("a", 1<<20)},
		{"angles", strings.Repeat("<", 1<<20)},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.text)))
			b.ReportAllocs()
			var ids []int32
			for b.Loop() {
				ids = tok.EncodeSpecial(ids[:0], c.text)
			}
		})
	}
}

func BenchmarkNew(b *testing.B) {
	model := llama3(b)
	listed := *model
	listed.Merges = listedMerges(b, model)
	b.Run("derived merges", func(b *testing.B) {
		for b.Loop() {
			mustNew(b, model)
		}
	})
	b.Run("listed merges", func(b *testing.B) {
		for b.Loop() {
			mustNew(b, &listed)
		}
	})
}

// TestLongPiece: merging is not quadratic. The limit is wide of what it takes,
// and far below the minutes that a quadratic merge would.
func TestLongPiece(t *testing.T) {
	tok := mustNew(t, llama3(t))
	for _, unit := range []string{"a", " ", "é", "<"} {
		text := strings.Repeat(unit, 1<<20/len(unit))
		start := time.Now()
		ids := tok.EncodeSpecial(nil, text)
		if d := time.Since(start); d > time.Minute {
			t.Errorf("1 MiB of %q takes %v", unit, d)
		}
		if got := tok.Decode(ids); got != text {
			t.Errorf("1 MiB of %q comes back different", unit)
		}
	}
}
