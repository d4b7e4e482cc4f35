package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"bitnet-gpu/engine"
	"bitnet-gpu/engine/chat"
	"bitnet-gpu/engine/sample"
)

// generateFlags are the flags of the verb generate, in llama.cpp's dialect.
type generateFlags struct {
	modelFlags
	prompt   string
	system   string
	chat     bool
	special  bool
	tokens   int
	stop     []string
	bias     []string
	seed     int64
	draft    int
	sampling sample.Params
	json     bool
	verbose  bool
}

func generateCmd(std stdio) *cobra.Command {
	f := generateFlags{sampling: sample.Defaults()}
	cmd := &cobra.Command{
		Use:   "generate [-m MODEL] -p PROMPT",
		Short: "Continue a text, or answer with --chat",
		Long: "Continue a text, or answer with --chat. The text goes to standard output, all\n" +
			"else to standard error. Ctrl-C ends the text, a second one the program.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd, std) },
	}
	f.add(cmd)
	flags := cmd.Flags()
	flags.StringVarP(&f.prompt, "prompt", "p", "", "`TEXT` to continue; - or a pipe: read standard input")
	flags.BoolVar(&f.chat, "chat", false, "take the prompt as a user's message, in the model's chat template")
	flags.StringVar(&f.system, "system", "", "system `MESSAGE`, with --chat")
	flags.StringVar(&f.template, "chat-template", "", "chat template instead of the model's own, with --chat: a `FILE` of Jinja, or "+strings.Join(chat.Names(), ", "))
	flags.BoolVar(&f.special, "special", false, "take special tokens in the prompt for what they spell, instead of as text")
	flags.IntVarP(&f.tokens, "n-predict", "n", -1, "most tokens to generate; -1: until the text ends")
	flags.Int64VarP(&f.seed, "seed", "s", -1, "seed of the sampling; -1: another one each time")
	flags.IntVar(&f.draft, "draft", -1, "most tokens to guess at once from what the text repeats, which changes nothing but the speed; 0: none; -1: as many as pay")
	flags.Float32Var(&f.sampling.Temp, "temp", f.sampling.Temp, "temperature; 0: always the likeliest token")
	flags.IntVar(&f.sampling.TopK, "top-k", f.sampling.TopK, "sample among the `K` likeliest tokens; 0: all")
	flags.Float32Var(&f.sampling.TopP, "top-p", f.sampling.TopP, "and among those that hold this share of the probability; 1: all")
	flags.Float32Var(&f.sampling.MinP, "min-p", f.sampling.MinP, "and among those at least this likely, next to the likeliest; 0: all")
	flags.Float32Var(&f.sampling.RepeatPenalty, "repeat-penalty", f.sampling.RepeatPenalty, "divides the logits of recent tokens; 1: off")
	flags.IntVar(&f.sampling.RepeatLast, "repeat-last-n", f.sampling.RepeatLast, "how many tokens are recent for the penalties; -1: all")
	flags.Float32Var(&f.sampling.PresencePenalty, "presence-penalty", 0, "taken off the logits of recent tokens")
	flags.Float32Var(&f.sampling.FrequencyPenalty, "frequency-penalty", 0, "taken off for each time a token is recent")
	flags.StringArrayVarP(&f.bias, "logit-bias", "l", nil, "`ID+X` or ID-X: add X to the logit of a token, as 15043-1 (repeatable)")
	flags.StringArrayVar(&f.stop, "stop", nil, "`TEXT` that ends the answer, itself left out (repeatable)")
	flags.BoolVar(&f.json, "json", false, "write one JSON object instead of the text")
	flags.BoolVar(&f.verbose, "verbose", false, "tell the options in effect and the prompt's tokens")
	return cmd
}

func (f *generateFlags) run(cmd *cobra.Command, std stdio) error {
	request, err := f.request(cmd, std.in)
	if err != nil {
		return err
	}
	e, err := f.open(std)
	if err != nil {
		return err
	}
	defer e.Close()
	describe(std.err, e)
	if special := asSpecial(e, request); special != nil && !f.verbose {
		fmt.Fprintln(std.err, "note: the prompt names special tokens, which are text here; --special makes them tokens")
	}
	if f.verbose {
		f.explain(std.err, e, request)
	}
	ctx, cancel := interruptible(cmd.Context())
	defer cancel()

	var text strings.Builder
	var last engine.Piece
	for piece, err := range e.Generate(ctx, request) {
		if err != nil {
			endLine(std, &text, f.json)
			return templateHelp(err)
		}
		text.WriteString(piece.Text)
		if !f.json {
			if _, err := io.WriteString(std.out, piece.Text); err != nil {
				return err
			}
		}
		last = piece
	}
	if f.json {
		return json.NewEncoder(std.out).Encode(f.result(e, text.String(), last))
	}
	endLine(std, &text, false)
	fmt.Fprintln(std.err, rates(last.Stats))
	return nil
}

// templateHelp adds to the error of a chat template what there is to do.
func templateHelp(err error) error {
	if template := (*chat.TemplateError)(nil); errors.As(err, &template) || errors.Is(err, chat.ErrNone) {
		return fmt.Errorf("%w (--chat-template FILE|NAME takes another one; without --chat, --special takes a prompt with special tokens)", err)
	}
	return err
}

// request makes the request of the flags. Standard input is read if -p says so,
// or if there is no -p and it is no terminal.
func (f *generateFlags) request(cmd *cobra.Command, in io.Reader) (engine.Request, error) {
	var r engine.Request
	if err := f.check(); err != nil { // before standard input is waited for
		return r, err
	}
	if f.prompt == "-" || !cmd.Flags().Changed("prompt") && !isTerminal(in) {
		var err error
		if f.prompt, err = readText(in, maxPrompt); err != nil {
			return r, err
		}
	}
	if f.prompt == "" {
		return r, usage("no prompt: give one with -p, or on standard input")
	}
	if f.system != "" && !f.chat {
		return r, usage("--system needs --chat")
	}
	if f.template != "" && !f.chat {
		return r, usage("--chat-template needs --chat")
	}
	if f.special && f.chat {
		return r, usage("--special is for a prompt without --chat: in a chat the template writes the special tokens")
	}
	if f.tokens < -1 || f.tokens == 0 {
		return r, usage("-n %d: a number from 1 on, or -1 for no limit", f.tokens)
	}
	if f.draft < -1 {
		return r, usage("--draft %d: a number of tokens, 0 for none, or -1 for as many as pay", f.draft)
	}
	var err error
	if f.sampling.LogitBias, err = parseBias(f.bias); err != nil {
		return r, err
	}
	if f.seed < 0 {
		f.seed = time.Now().UnixNano() & (1<<31 - 1)
	}
	f.sampling.Seed = uint64(f.seed)
	r.Sampling, r.Stop, r.Max = f.sampling, f.stop, max(f.tokens, 0)
	if r.Draft = f.draft; f.draft <= 0 {
		r.Draft = -1 - f.draft // here 0 is none, there -1
	}
	switch {
	case !f.chat:
		r.Prompt, r.Special = f.prompt, f.special
	case f.system != "":
		r.Messages = append(r.Messages, chat.Message{Role: "system", Content: f.system})
		fallthrough
	default:
		r.Messages = append(r.Messages, chat.Message{Role: "user", Content: f.prompt})
	}
	if err := f.sampling.Validate(); err != nil {
		return r, usage("%w", err)
	}
	return r, nil
}

// isTerminal reports whether a stream is a terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// parseBias reads ID+X and ID-X.
func parseBias(items []string) (map[int32]float32, error) {
	bias := map[int32]float32{}
	for _, item := range items {
		i := strings.IndexAny(item, "+-")
		if i < 1 {
			return nil, usage("--logit-bias %q: expected ID+X or ID-X, such as 15043-1", item)
		}
		id, err1 := strconv.ParseInt(item[:i], 10, 32)
		x, err2 := strconv.ParseFloat(item[i:], 32)
		if err1 != nil || err2 != nil {
			return nil, usage("--logit-bias %q: expected ID+X or ID-X, such as 15043-1", item)
		}
		bias[int32(id)] = float32(x)
	}
	return bias, nil
}

// interruptible ends the returned context at the first Ctrl-C and the program
// at the second.
func interruptible(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt)
	go func() {
		for n := 0; ; n++ {
			if _, ok := <-signals; !ok {
				return
			}
			if n == 1 {
				os.Exit(exitInterrupted)
			}
			cancel()
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(signals)
		cancel()
	}
}

// tidy ends the returned context at the first Ctrl-C or SIGTERM, so that files
// which are of no use go, and the program at the second.
func tidy(parent context.Context) (context.Context, func()) {
	ctx, cancel := signal.NotifyContext(parent, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, cancel)
	return ctx, cancel
}

// endLine ends the text's last line on a terminal, so that what follows begins
// on a new one.
func endLine(std stdio, text *strings.Builder, quiet bool) {
	if !quiet && isTerminal(std.out) && text.Len() > 0 && !strings.HasSuffix(text.String(), "\n") {
		fmt.Fprintln(std.out)
	}
}

// explain tells what the flags amount to.
func (f *generateFlags) explain(w io.Writer, e *engine.Engine, r engine.Request) {
	s, info := f.sampling, e.Info()
	fmt.Fprintf(w, "seed %d, temp %g, top-k %d, top-p %g, min-p %g, repeat-penalty %g over %d, presence-penalty %g, frequency-penalty %g\n",
		s.Seed, s.Temp, s.TopK, s.TopP, s.MinP, s.RepeatPenalty, s.RepeatLast, s.PresencePenalty, s.FrequencyPenalty)
	fmt.Fprintf(w, "%s; context %d, batch %d, weights %d MiB, cache %d MiB\n",
		info.Device, e.Context(), info.Batch, info.Weights>>20, info.Cache>>20)
	if tokens, err := e.Tokens(r); err == nil {
		fmt.Fprintf(w, "prompt %v", tokens)
		if special := asSpecial(e, r); special != nil {
			fmt.Fprintf(w, "; with --special %v", special)
		}
		fmt.Fprintln(w)
	}
}

// asSpecial returns the tokens of a prompt with --special, if it makes others.
func asSpecial(e *engine.Engine, r engine.Request) []int32 {
	tokens, err := e.Tokens(r)
	if err != nil || r.Messages != nil || r.Special {
		return nil
	}
	r.Special = true
	if special, err := e.Tokens(r); err == nil && !slices.Equal(tokens, special) {
		return special
	}
	return nil
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
