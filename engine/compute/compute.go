package compute

import "errors"

// A Backend runs the transformer. It owns its copies of the weights and the
// memory of the KV cache, and nothing else: which tokens a slot holds, who may
// use it and when it is rolled back is the caller's bookkeeping.
//
// Methods are called by one goroutine at a time.
type Backend interface {
	Info() Info

	// Forward runs one batch. For every step it stores the keys and values of
	// Tokens at positions Pos, Pos+1, ... of Slot, and fills the outputs the
	// step asks for. A slot appears at most once in a batch. Tokens, slots and
	// positions must lie within the model and the options the backend was
	// opened with; anything else is a bug of the caller and panics.
	//
	// ErrMemory and ErrLost mean that the backend is of no further use and its
	// slots are void; ErrNumeric that this batch is, and the backend is not.
	Forward(steps []Step) error

	Close() error
}

// A Step is what one sequence asks of a batch.
type Step struct {
	Slot   int     // 0 <= Slot < Options.Slots
	Pos    int     // the slot's cache holds [0, Pos); a Pos below the filled length rolls back
	Tokens []int32 // (n), n >= 1

	// At most one of the following is set. None: only the cache is filled.

	Logits []float32     // reference rows, (vocab) for the last token or (n, vocab) for each
	Top    [][]Candidate // the len(Top[i]) best, of the last token (1) or of each (n): highest first, ties to the lowest id; -1 where the vocabulary ends
	Next   []int32       // greedy continuation, cut short behind a token of Stop; its last token is not fed

	Stop []int32 // with Next: tokens that end it
	N    int     // with Next: how many were filled, the stop token included
}

// A Candidate is a token with its exact reference logit.
type Candidate struct {
	ID    int32
	Logit float32
}

// Options size a backend.
type Options struct {
	Slots   int       // sequences that keep a cache; at least 1
	Context int       // positions in each slot
	Least   int       // positions that will do where a device has no room for Context; 0: Context
	Batch   int       // most rows (tokens) computed together; 0 lets the backend choose
	Threads int       // CPU threads; 0 lets the backend choose
	Trace   func(Tap) // called with every named intermediate; nil in production

	// Progress, where not nil, hears how many bytes of weights of the total
	// have been prepared. It may be called from several goroutines.
	Progress func(done, total int64)
}

// A Tap is one named intermediate of one token. The names are the field's:
// inp_embd, attn_norm, Qcur, Kcur, Vcur, kqv_out, attn_sub_norm,
// ffn_inp, ffn_norm, ffn_out, ffn_sub_norm, l_out, result_norm, result_output.
// The four norms of a layer are given as the int8 codes that enter ternary
// matrices, or as the floats that enter dense ones where all are, and ffn_out as the activated product before ffn_sub_norm.
type Tap struct {
	Name  string
	Layer int // -1 outside the layers
	Slot  int
	Pos   int
	Data  []float32 // valid during the call
}

// Info describes an open backend.
type Info struct {
	Backend string // "cpu", "vulkan", "opengl"
	Device  string // the device's own name
	Path    string // kernels in use, such as "avx512"
	Threads int    // CPU threads in use; 0 on a GPU
	Batch   int    // rows computed together
	Few     int    // rows that cost little more than one; 0 or 1 where none do, or nobody has measured it
	Weights int64  // bytes of weights the backend keeps for itself
	Cache   int64  // bytes of KV cache
	Context int    // positions in each slot
	Read    int64  // bytes of weights that a decoded token reads to find its candidates, without the rows of the head that a screen leaves to be computed
}

var (
	// ErrUnavailable means that the backend cannot run here: no library, no
	// device, a device that lacks something, a failed self-test.
	ErrUnavailable = errors.New("backend unavailable")

	// ErrMemory means that the model or its cache does not fit, now or in the
	// middle of the work.
	ErrMemory = errors.New("not enough memory")

	// ErrLost means that the device went away in the middle of the work.
	ErrLost = errors.New("device lost")

	// ErrNumeric means that a vector left the range the contract covers: an
	// infinity, a NaN, or a magnitude of 2^100 and more.
	ErrNumeric = errors.New("numbers out of range")
)
