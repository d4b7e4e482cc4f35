package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/cheggaaa/pb/v3"
)

// A benchView is the bar of a measurement, on a terminal. It has no colour, and goes
// away while something else is written.
type benchView struct {
	errs  io.Writer
	out   *os.File // nil: nobody looks
	start time.Time
	bar   *pb.ProgressBar
	said  map[string]bool
}

func newBenchView(errs io.Writer) *benchView {
	v := &benchView{errs: errs, start: time.Now(), said: map[string]bool{}}
	if isTerminal(errs) {
		v.out = errs.(*os.File)
	}
	return v
}

func (v *benchView) tell(done, total int, doing string) {
	if v.out == nil {
		return
	}
	if v.bar == nil {
		v.bar = pb.New(total).SetWriter(v.out).
			SetTemplateString(`{{string . "doing"}} {{bar . "[" "=" ">" " " "]"}} {{percent .}}{{string . "left"}}`).
			Set(pb.CleanOnFinish, true)
		if v.bar.Width() == 0 {
			v.bar.SetWidth(80)
		}
		v.bar.Start()
	}
	left := ""
	if gone := time.Since(v.start); done > 0 && gone > 5*time.Second {
		rest := time.Duration(float64(gone) * float64(total-done) / float64(done))
		left = fmt.Sprintf(", %s left", rest.Round(time.Second))
	}
	v.bar.Set("doing", doing).Set("left", left).SetCurrent(int64(done))
}

// hide takes the bar away until the next tell.
func (v *benchView) hide() {
	if v.bar != nil {
		v.bar.Finish()
		v.bar = nil
	}
}

// notice writes a line, once: the model is loaded again and again.
func (v *benchView) notice(line string) {
	if !v.said[line] {
		v.said[line] = true
		v.hide()
		fmt.Fprintln(v.errs, line)
	}
}
