package driver

import (
	"slices"
	"strings"

	"bitnet-gpu/shaders"
)

// Stage is a set of the places where a device touches buffers.
type Stage int

const (
	Compute  Stage = 1 << iota // kernels
	Transfer                   // uploads and downloads
	Indirect                   // the reading of group counts
)

func (s Stage) String() string {
	var names []string
	for i, name := range []string{"compute", "transfer", "indirect"} {
		if s&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, "+")
}

// A Barrier makes the stages To of all later commands wait for the stages From
// of all earlier ones, and see what they wrote. The zero value is no barrier.
type Barrier struct{ From, To Stage }

func (b Barrier) String() string { return "barrier " + b.From.String() + " > " + b.To.String() }

// touch is an access of an earlier command.
type touch struct {
	r       Range
	stage   Stage
	access  shaders.Access
	ordered Stage // stages of later commands that a barrier has put behind it
}

// follows returns the stages that a further barrier may wait for in order to
// wait for the touch: its own, and those that already wait for it.
func (e touch) follows() Stage { return e.stage | e.ordered }

// Barriers returns for each command the barrier that has to stand before it.
// A command needs one where it reads what an earlier command wrote, or writes
// what an earlier one read or wrote, at overlapping bytes of one buffer, and no
// barrier between them, nor a chain of them, orders its stage behind the
// earlier one's.
//
// A barrier orders all that was before it, so in a list of dispatches each is
// as late as can be, and their number is the least.
func (l *List) Barriers() []Barrier {
	barriers := make([]Barrier, len(l.Commands))
	var earlier []touch
	for i, c := range l.Commands {
		b := &barriers[i]
		c.accesses(func(r Range, stage Stage, a shaders.Access) {
			for _, e := range slices.Backward(earlier) {
				if e.ordered&stage != 0 || (e.access|a)&shaders.Write == 0 || !overlap(e.r, r) {
					continue
				}
				if e.follows()&b.From == 0 {
					b.From |= e.stage
				}
				b.To |= stage
			}
		})
		if *b != (Barrier{}) {
			earlier = order(earlier, *b)
		}
		c.accesses(func(r Range, stage Stage, a shaders.Access) {
			earlier = append(earlier, touch{r: r, stage: stage, access: a})
		})
	}
	return barriers
}

// order notes what a barrier orders, and drops the touches that no later command
// can meet unordered.
func order(earlier []touch, b Barrier) []touch {
	const all = Compute | Transfer | Indirect
	kept := earlier[:0]
	for _, e := range earlier {
		if e.follows()&b.From != 0 {
			e.ordered |= b.To
		}
		if e.ordered != all {
			kept = append(kept, e)
		}
	}
	return kept
}

func overlap(a, b Range) bool {
	return a.Buffer == b.Buffer && a.Offset < b.Offset+b.Size && b.Offset < a.Offset+a.Size
}
