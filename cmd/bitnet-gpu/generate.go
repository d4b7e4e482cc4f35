package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/spf13/cobra"

	"bitnet-gpu/engine"
	"bitnet-gpu/engine/chat"
)

func generateCmd(std stdio) *cobra.Command {
	f := newGenerateFlags()
	cmd := &cobra.Command{
		Use:   "generate [-m MODEL] [TEXT]",
		Short: "Continue a text, or answer with --chat",
		Long: "Continue a text, or answer with --chat. The text is an argument, or comes with -p or\n" +
			"-f or on standard input. What is generated goes to standard output, all else to\n" +
			"standard error. Ctrl-C ends it, a second one the program. The flags are llama.cpp's;\n" +
			"those of its flags that mean nothing here are passed over, with a line.",
		Example: `  bitnet-gpu generate "Once upon a time"
  bitnet-gpu generate -m model.gguf -n 100 --temp 0 -p "The capital of France is"
  bitnet-gpu generate -hf 2b4t --chat --system "Be brief." "What is a prime?"
  bitnet-gpu generate -m model.gguf --json < prompt.txt`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkText(args); err != nil {
				return err
			}
			return f.run(cmd, args, std)
		},
	}
	f.source.add(cmd)
	f.addFlags(cmd)
	return cmd
}

// run generates a text behind what args, flags or standard input hold.
func (f *generateFlags) run(cmd *cobra.Command, args []string, std stdio) error {
	if err := f.check(); err != nil { // before standard input is waited for
		return err
	}
	if err := f.readPrompt(cmd, args, std.in); err != nil {
		return err
	}
	request, err := f.request()
	if err != nil {
		return err
	}
	e, err := f.open(std)
	if err != nil {
		return err
	}
	defer e.Close()
	if f.ignoreEOS {
		banEnds(&request, e)
	}
	f.tell(std.err, e, request)
	ctx, cancel := interruptible(cmd.Context())
	defer cancel()

	out := std.out
	if f.json {
		out = io.Discard
	}
	text, last, err := f.write(ctx, out, e, request)
	if err == nil && f.json {
		err = json.NewEncoder(std.out).Encode(f.result(e, text, last))
	}
	if err != nil {
		return templateHelp(err)
	}
	fmt.Fprintf(std.err, "%s; %s; seed %d\n", rates(last.Stats), ending(last, request, e), f.sampling.Seed)
	if last.Finish == engine.FinishCancelled {
		return context.Canceled
	}
	return nil
}

// write writes the text as it comes, and returns all of it.
func (f *generateFlags) write(ctx context.Context, out io.Writer, e *engine.Engine, request engine.Request) (string, engine.Piece, error) {
	var text strings.Builder
	var last engine.Piece
	if f.display {
		if _, err := io.WriteString(out, f.prompt); err != nil {
			return "", last, err
		}
	}
	for piece, err := range e.Generate(ctx, request) {
		if err != nil && piece.Finish != engine.FinishCancelled { // then the text so far stays
			return "", last, errors.Join(err, endLine(out, text.String()))
		}
		text.WriteString(piece.Text)
		if _, err := io.WriteString(out, piece.Text); err != nil {
			return "", last, err
		}
		last = piece
	}
	return text.String(), last, endLine(out, text.String())
}

// banEnds makes the tokens impossible that end a text.
func banEnds(r *engine.Request, e *engine.Engine) {
	if t := e.Tokenizer(); t != nil {
		for _, id := range t.Stops() {
			r.Sampling.LogitBias[id] = float32(math.Inf(-1))
		}
	}
}

// templateHelp adds to the error of a chat template what there is to do.
func templateHelp(err error) error {
	if template := (*chat.TemplateError)(nil); errors.As(err, &template) || errors.Is(err, chat.ErrNone) {
		return fmt.Errorf("%w (--chat-template FILE|NAME takes another one; without --chat, --special takes a prompt with special tokens)", err)
	}
	return err
}

// result is what --json writes.
type result struct {
	Text               string        `json:"text"`
	Finish             engine.Finish `json:"finish"`
	Model              string        `json:"model"`
	Backend            string        `json:"backend"`
	Path               string        `json:"path"`
	Reasons            []string      `json:"reasons"`
	Seed               uint64        `json:"seed"`
	PromptTokens       int           `json:"prompt_tokens"`
	CachedTokens       int           `json:"cached_tokens"`
	GeneratedTokens    int           `json:"generated_tokens"`
	DraftedTokens      int           `json:"drafted_tokens"`
	AcceptedTokens     int           `json:"accepted_tokens"` // of the drafted
	PromptPerSecond    float64       `json:"prompt_tokens_per_second"`
	GeneratedPerSecond float64       `json:"generated_tokens_per_second"`
}

func (f *generateFlags) result(e *engine.Engine, text string, last engine.Piece) result {
	s, info := last.Stats, e.Info()
	return result{
		Text: text, Finish: last.Finish, Model: e.Model().Path,
		Backend: info.Backend, Path: info.Path, Reasons: e.Reasons(), Seed: f.sampling.Seed,
		PromptTokens: s.Prompt, CachedTokens: s.Cached, GeneratedTokens: s.Generated,
		DraftedTokens: s.Drafted, AcceptedTokens: s.Accepted,
		PromptPerSecond:    perSecond(s.Prompt-s.Cached, s.PromptTime),
		GeneratedPerSecond: perSecond(s.Generated-1, s.DecodeTime),
	}
}
