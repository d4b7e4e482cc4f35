package main

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"bitnet-gpu/engine"
	"bitnet-gpu/engine/chat"
	"bitnet-gpu/engine/sample"
)

// generateFlags are the flags of the verbs generate and run, in llama.cpp's
// dialect.
type generateFlags struct {
	modelFlags
	prompt        string
	file          string
	escape        bool
	system        string
	chat          bool
	special       bool
	tokens        int
	stop          []string
	ignoreEOS     bool
	bias          []string
	seed          int64
	draft         int
	sampling      sample.Params
	json          bool
	display       bool
	verbose       bool
	verbosePrompt bool
}

func newGenerateFlags() *generateFlags { return &generateFlags{sampling: sample.Defaults()} }

func (f *generateFlags) addFlags(cmd *cobra.Command) {
	f.modelFlags.addRun(cmd)
	f.addText(cmd)
	f.addSampling(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&f.json, "json", false, "write one JSON object instead of the text")
	flags.BoolVar(&f.display, "display-prompt", false, "write the prompt before the text")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "tell the options in effect and the prompt's tokens")
	flags.BoolVar(&f.verbosePrompt, "verbose-prompt", false, "tell the prompt's tokens one by one")
	group(cmd, "Output", "json", "display-prompt", "verbose", "verbose-prompt")
}

func (f *generateFlags) addText(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVarP(&f.prompt, "prompt", "p", "", "`TEXT` to continue; - or a pipe: read standard input")
	flags.StringVarP(&f.file, "file", "f", "", "`FILE` with the text, without the line end at its end")
	flags.BoolVarP(&f.escape, "escape", "e", true, `\n, \t, \\ and the like stand for characters in TEXT, --system and --stop; --no-escape: they do not`)
	flags.BoolVar(&f.chat, "chat", false, "take the text as a user's message, in the model's chat template")
	flags.StringVar(&f.system, "system", "", "system `MESSAGE`, with --chat; also -sys")
	flags.StringVar(&f.template, "chat-template", "", "chat template instead of the model's own, with --chat: a `FILE` of Jinja, or "+strings.Join(chat.Names(), ", "))
	flags.BoolVar(&f.special, "special", false, "take special tokens in the prompt for what they spell, instead of as text")
	flags.IntVarP(&f.tokens, "n-predict", "n", -1, "most tokens to generate; -1: until the text ends")
	flags.StringArrayVarP(&f.stop, "stop", "r", nil, "`TEXT` that ends the answer, itself left out (repeatable)")
	flags.BoolVar(&f.ignoreEOS, "ignore-eos", false, "go on where the model would end the text")
	group(cmd, "Text", "prompt", "file", "escape", "chat", "system", "chat-template", "special", "n-predict", "stop", "ignore-eos")
}

func (f *generateFlags) addSampling(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.Int64VarP(&f.seed, "seed", "s", -1, "seed of the sampling; -1: another one each time")
	flags.Float32Var(&f.sampling.Temp, "temp", f.sampling.Temp, "temperature; 0: always the likeliest token")
	flags.IntVar(&f.sampling.TopK, "top-k", f.sampling.TopK, "sample among the `K` likeliest tokens; 0: all")
	flags.Float32Var(&f.sampling.TopP, "top-p", f.sampling.TopP, "and among those that hold this share of the probability; 1: all")
	flags.Float32Var(&f.sampling.MinP, "min-p", f.sampling.MinP, "and among those at least this likely, next to the likeliest; 0: all")
	flags.Float32Var(&f.sampling.RepeatPenalty, "repeat-penalty", f.sampling.RepeatPenalty, "divides the logits of recent tokens; 1: off")
	flags.IntVar(&f.sampling.RepeatLast, "repeat-last-n", f.sampling.RepeatLast, "how many tokens are recent for the penalties; -1: all")
	flags.Float32Var(&f.sampling.PresencePenalty, "presence-penalty", 0, "taken off the logits of recent tokens")
	flags.Float32Var(&f.sampling.FrequencyPenalty, "frequency-penalty", 0, "taken off for each time a token is recent")
	flags.StringArrayVarP(&f.bias, "logit-bias", "l", nil, "`ID+X` or ID-X: add X to the logit of a token, as 15043-1 (repeatable)")
	flags.IntVar(&f.draft, "draft", -1, "most tokens to guess at once from what the text repeats, which changes nothing but the speed; 0: none; -1: as many as pay")
	group(cmd, "Sampling", "seed", "temp", "top-k", "top-p", "min-p", "repeat-penalty", "repeat-last-n", "presence-penalty", "frequency-penalty", "logit-bias", "draft")
}

// request makes the request of the flags, behind readPrompt.
func (f *generateFlags) request() (engine.Request, error) {
	var r engine.Request
	if slices.Contains(f.stop, "") {
		return r, usage("--stop: the text is empty, which would end everything")
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
	if f.tokens < -2 || f.tokens == 0 { // -2 is llama.cpp's too, and the same
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
	if f.escape {
		f.system = unescape(f.system)
		for i := range f.stop {
			f.stop[i] = unescape(f.stop[i])
		}
	}
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
