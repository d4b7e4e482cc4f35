package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"bitnet-gpu/engine"
)

// endLine ends the text's last line, so that what follows begins on a new one,
// wherever both go.
func endLine(out io.Writer, text string) error {
	if text == "" || strings.HasSuffix(text, "\n") {
		return nil
	}
	_, err := io.WriteString(out, "\n")
	return err
}

// tellContext says where the context is another one than the model was trained
// for.
func tellContext(w io.Writer, e *engine.Engine) {
	switch asked, trained := e.Context(), e.Model().Context; {
	case asked > trained:
		fmt.Fprintf(w, "warning: a context of %d positions, and the model was trained for %d: what lies beyond them may be nonsense\n", asked, trained)
	case asked < trained:
		fmt.Fprintf(w, "a context of %d positions; the model was trained for %d\n", asked, trained)
	}
}

// ending says why a text ended.
func ending(last engine.Piece, request engine.Request, e *engine.Engine) string {
	switch {
	case last.Finish == engine.FinishCancelled:
		return "interrupted"
	case last.Finish == engine.FinishStop && last.Token >= 0:
		return "ended at a stop text"
	case last.Finish == engine.FinishStop:
		return "ended by the model"
	case last.Stats.Generated == request.Max:
		return fmt.Sprintf("ended at the limit, -n %d", request.Max)
	}
	return fmt.Sprintf("ended because the context of %d positions is full (-c)", e.Context())
}

// rates is the line of speeds behind a text.
func rates(s engine.Stats) string {
	cached, drafted := "", ""
	if s.Cached > 0 {
		cached = fmt.Sprintf(" (%d cached)", s.Cached)
	}
	if s.Drafted > 0 {
		drafted = fmt.Sprintf("; %d of %d drafted tokens accepted (%.0f %%)", s.Accepted, s.Drafted, 100*float64(s.Accepted)/float64(s.Drafted))
	}
	return fmt.Sprintf("prompt %d tokens%s, %.1f tok/s; generated %d tokens, %.1f tok/s%s",
		s.Prompt, cached, perSecond(s.Prompt-s.Cached, s.PromptTime), s.Generated, perSecond(s.Generated-1, s.DecodeTime), drafted)
}

func perSecond(n int, d time.Duration) float64 {
	if n <= 0 || d <= 0 {
		return 0
	}
	return float64(n) / d.Seconds()
}
