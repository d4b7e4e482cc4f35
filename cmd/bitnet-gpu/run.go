package main

import (
	"os"
	"strings"

	"github.com/spf13/cobra"

	"bitnet-gpu/weights"
	"bitnet-gpu/weights/hub"
)

func runCmd(std stdio) *cobra.Command {
	f := newGenerateFlags()
	cmd := &cobra.Command{
		Use:   "run MODEL [TEXT]",
		Short: "Answer a text: generate with --chat, as ollama spells it",
		Long: "Answer a text, which may be several arguments or come on standard input: generate\n" +
			"with --chat. MODEL is a file, a directory, or a model of Hugging Face that is pulled if\n" +
			"it is not in the cache.",
		Example: `  bitnet-gpu run 2b4t "Why is the sky blue?"
  bitnet-gpu run ./model.gguf "Tell me a joke" --temp 0`,
		SuggestFor:        []string{"chat"},
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: completeFirst(completeModels),
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] == "" {
				return usage("run needs the name of a model")
			}
			f.named(args[0])
			if !cmd.Flags().Changed("chat") {
				f.chat = true
			}
			var text []string
			if len(args) > 1 {
				text = []string{strings.Join(args[1:], " ")}
			}
			return f.run(cmd, text, std)
		},
	}
	f.addFlags(cmd)
	return cmd
}

// named makes an argument the model: what is here, or a name of Hugging Face.
func (s *source) named(name string) {
	if _, err := os.Stat(name); err == nil || weights.IsDemo(name) {
		s.model = name
		return
	}
	if _, err := hub.ParseRef(name); err == nil {
		s.hf = name
		return
	}
	s.model = name // which path says is not there
}
