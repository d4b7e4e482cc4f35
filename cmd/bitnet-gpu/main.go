// Command bitnet-gpu runs ternary language models (BitNet b1.58) on any CPU and
// GPU. Each verb has a file of its own.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"bitnet-gpu/engine"
	"bitnet-gpu/engine/compute"
	"bitnet-gpu/weights"
	"bitnet-gpu/weights/hub"
	"bitnet-gpu/weights/outfile"
)

func main() {
	os.Exit(run(os.Args[1:], stdio{os.Stdin, os.Stdout, os.Stderr}))
}

// stdio is where a command reads and writes: text on out and nothing else,
// everything about it on err.
type stdio struct {
	in  io.Reader
	out io.Writer
	err io.Writer
}

// Exit codes.
const (
	exitOK          = 0
	exitFailure     = 1
	exitUsage       = 2
	exitModel       = 3   // no usable model
	exitUnavailable = 4   // the backend or device asked for
	exitMemory      = 5   // out of memory
	exitNetwork     = 6   // network, or a wrong checksum
	exitInterrupted = 130 // Ctrl-C, which ends a text and keeps it
)

// run executes a command line and returns its exit code.
func run(args []string, std stdio) int {
	parsed := false
	root := newRoot(std)
	root.PersistentPreRun = func(*cobra.Command, []string) { parsed = true }
	args, err := dialect(root, args, std.err)
	if err == nil {
		root.SetArgs(args)
		if err = root.Execute(); err != nil && !parsed { // cobra's own errors: flags, number of arguments
			err = fmt.Errorf("%w: %w", engine.ErrUsage, err)
		}
	}
	if err == nil {
		return exitOK
	}
	help := ""
	if errors.Is(err, engine.ErrUsage) || errors.Is(err, outfile.ErrTarget) {
		help = " (see " + helpFor(root, args) + ")"
	}
	fmt.Fprintf(std.err, "bitnet-gpu: %s%s\n", message(err), help)
	return exitCode(err)
}

// newRoot makes the command with all its verbs.
func newRoot(std stdio) *cobra.Command {
	root := &cobra.Command{
		Use:   "bitnet-gpu",
		Short: "Run ternary language models (BitNet b1.58) on any CPU and GPU",
		Example: `  bitnet-gpu generate "Once upon a time"        a small model in the program goes on
  bitnet-gpu run 2b4t "Why is the sky blue?"    pulls the 2B4T (1.2 GB), and answers
  bitnet-gpu generate -m model.gguf -p TEXT     a file of your own`,
		Version:       version(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddGroup(verbGroups...)
	for i, verbs := range [][]*cobra.Command{
		{generateCmd(std), runCmd(std), tokenizeCmd(std), logitsCmd(std)},
		{pullCmd(std), listCmd(std), rmCmd(std), inspectCmd(std), convertCmd(std)},
		{benchCmd(std), devicesCmd(std)},
		{versionCmd(std)},
	} {
		for _, verb := range verbs {
			verb.GroupID = verbGroups[i].ID
			verb.Flags().SortFlags = false
			root.AddCommand(verb)
		}
	}
	root.SetHelpCommandGroupID("other")
	root.SetCompletionCommandGroupID("other")
	root.SetUsageFunc(usageText)
	root.SetIn(std.in)
	root.SetOut(std.out)
	root.SetErr(std.err)
	return root
}

// isTerminal reports whether a stream is a terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// exitCode maps an error to its exit code.
func exitCode(err error) int {
	for _, c := range []struct {
		is   error
		code int
	}{
		{engine.ErrUsage, exitUsage},
		{outfile.ErrTarget, exitUsage},
		{context.Canceled, exitInterrupted},
		{compute.ErrMemory, exitMemory}, // before the model's: the file may be too large to map
		{weights.ErrInvalid, exitModel},
		{hub.ErrNetwork, exitNetwork},
		{compute.ErrUnavailable, exitUnavailable},
		{compute.ErrLost, exitUnavailable},
	} {
		if errors.Is(err, c.is) {
			return c.code
		}
	}
	return exitFailure
}

// message is an error on one line, without the words that only sort it.
func message(err error) string {
	text := printable(strings.ReplaceAll(err.Error(), "\n", "; "))
	for _, kind := range []error{engine.ErrUsage, outfile.ErrTarget, weights.ErrInvalid, compute.ErrUnavailable, hub.ErrRef, context.Canceled} {
		text = strings.ReplaceAll(text, ": "+kind.Error(), "")
		text = strings.TrimPrefix(text, kind.Error()+": ")
	}
	if text == context.Canceled.Error() {
		return "interrupted"
	}
	return text
}

// usage makes an error of exit code 2.
func usage(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{engine.ErrUsage}, args...)...)
}

// printable is text from a file without what a terminal would act on.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '\uFFFD'
		}
		return r
	}, text)
}
