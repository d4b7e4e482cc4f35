package main

import (
	"context"
	"io"
	"os"
	"sync"
	"time"

	"github.com/cheggaaa/pb/v3"
)

// A bar shows the loading of a model on a terminal, if it takes more than half
// a second. It has no colour.
type bar struct {
	mu    sync.Mutex
	out   *os.File // nil: nobody looks
	start time.Time
	verb  string
	bar   *pb.ProgressBar
}

const barDelay = 500 * time.Millisecond

func newBar(w io.Writer) *bar {
	b := &bar{start: time.Now(), verb: "loading"}
	if isTerminal(w) {
		b.out = w.(*os.File)
	}
	return b
}

// progress may be called from several goroutines, out of order.
func (b *bar) progress(done, total int64) {
	if b.out == nil || time.Since(b.start) < barDelay {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.bar == nil {
		b.bar = pb.New64(total).SetWriter(b.out).
			SetTemplateString(b.verb+` {{counters . }} {{bar . "[" "=" ">" " " "]"}} {{percent . }}`).
			Set(pb.Bytes, true).Set(pb.CleanOnFinish, true)
		if b.bar.Width() == 0 {
			b.bar.SetWidth(80)
		}
		b.bar.Start()
	}
	if total != b.bar.Total() { // another pass over the weights
		b.bar.SetTotal(total).SetCurrent(0)
	}
	if done > b.bar.Current() {
		b.bar.SetCurrent(done)
	}
}

// until is progress for a file that is written until ctx ends.
func (b *bar) until(ctx context.Context) func(done, total int64) error {
	return func(done, total int64) error {
		b.progress(done, total)
		return ctx.Err()
	}
}

// finish removes the bar.
func (b *bar) finish() {
	if b.bar != nil {
		b.bar.Finish()
	}
}
