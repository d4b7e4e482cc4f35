package driver

import (
	"fmt"
	"strings"

	"bitnet-gpu/shaders"
)

// A List is a sequence of commands for a device. Like a kernel it is known by
// its address.
type List struct {
	Label    string
	Commands []Command
}

// Add appends commands.
func (l *List) Add(c ...Command) { l.Commands = append(l.Commands, c...) }

// A Command is an Upload, a Dispatch or a Download.
type Command interface {
	// accesses calls f with each range that the command touches.
	accesses(f func(r Range, stage Stage, a shaders.Access))
	check(lim Limits) error
	String() string
}

// A Range is part of a buffer, in bytes.
type Range struct {
	Buffer Buffer
	Offset int
	Size   int
}

// Whole returns all of a buffer.
func Whole(b Buffer) Range { return Range{b, 0, b.Size()} }

func (r Range) String() string {
	if r.Offset == 0 && r.Size == r.Buffer.Size() {
		return r.Buffer.Label()
	}
	return fmt.Sprintf("%s[%d:%d]", r.Buffer.Label(), r.Offset, r.Offset+r.Size)
}

// An Upload copies Data, as it is when the list runs, to a range of its length.
type Upload struct {
	To   Range
	Data []byte
}

// A Download copies a range to Data, which has its length.
type Download struct {
	From Range
	Data []byte
}

// A Dispatch runs a kernel.
type Dispatch struct {
	Kernel  *shaders.Kernel
	Buffers []Range  // one for each binding of the kernel
	Params  []uint32 // as many as the kernel has; floats by their bits
	Groups  [3]int   // work groups in x, y and z, each at least 1

	// Indirect, where its Buffer is not nil, are 12 bytes that hold the group
	// counts as three 32-bit words, instead of Groups.
	Indirect Range
}

func (c Upload) accesses(f func(Range, Stage, shaders.Access)) { f(c.To, Transfer, shaders.Write) }

func (c Download) accesses(f func(Range, Stage, shaders.Access)) { f(c.From, Transfer, shaders.Read) }

func (c Dispatch) accesses(f func(Range, Stage, shaders.Access)) {
	for i, r := range c.Buffers {
		f(r, Compute, c.Kernel.Bindings[i].Access)
	}
	if c.Indirect.Buffer != nil {
		f(c.Indirect, Indirect, shaders.Read)
	}
}

func (c Upload) String() string { return fmt.Sprintf("upload %s (%d bytes)", c.To, len(c.Data)) }

func (c Download) String() string {
	return fmt.Sprintf("download %s (%d bytes)", c.From, len(c.Data))
}

func (c Dispatch) String() string {
	var b strings.Builder
	b.WriteString(c.Kernel.Name)
	for i, r := range c.Buffers {
		bind := c.Kernel.Bindings[i]
		fmt.Fprintf(&b, " %s%s%s", bind.Name, [...]string{"?", "<", ">", "<>"}[bind.Access], r)
	}
	if c.Indirect.Buffer != nil {
		fmt.Fprintf(&b, " groups %s", c.Indirect)
	} else {
		fmt.Fprintf(&b, " groups %dx%dx%d", c.Groups[0], c.Groups[1], c.Groups[2])
	}
	if len(c.Params) > 0 {
		fmt.Fprintf(&b, " params %d", c.Params)
	}
	return b.String()
}

// String prints the list, a line a command, with the barriers between them.
func (l *List) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "list %s\n", l.Label)
	barriers := l.Barriers()
	for i, c := range l.Commands {
		if barriers[i] != (Barrier{}) {
			fmt.Fprintf(&b, "     -- %s\n", barriers[i])
		}
		fmt.Fprintf(&b, "%4d %s\n", i, c)
	}
	return b.String()
}

// A Count sums up a list.
type Count struct {
	Dispatches, Barriers int
	Uploaded, Downloaded int64            // bytes
	Read                 map[string]int64 // bytes of the ranges that kernels read, by the buffer's label
}

// Count counts what one Run of the list does. Read sums whole ranges: a kernel
// that reads part of one counts as if it read all.
func (l *List) Count() Count {
	n := Count{Read: map[string]int64{}}
	for _, b := range l.Barriers() {
		if b != (Barrier{}) {
			n.Barriers++
		}
	}
	for _, c := range l.Commands {
		switch c := c.(type) {
		case Upload:
			n.Uploaded += int64(len(c.Data))
		case Download:
			n.Downloaded += int64(len(c.Data))
		case Dispatch:
			n.Dispatches++
			for i, r := range c.Buffers {
				if c.Kernel.Bindings[i].Access&shaders.Read != 0 {
					n.Read[r.Buffer.Label()] += int64(r.Size)
				}
			}
		}
	}
	return n
}
