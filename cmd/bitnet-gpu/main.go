// Command bitnet-gpu runs ternary language models (BitNet b1.58) on any CPU and
// GPU. Each verb has a file of its own.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"bitnet-gpu/engine"
	"bitnet-gpu/engine/compute"
	"bitnet-gpu/weights"
	"bitnet-gpu/weights/hub"
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
	exitInterrupted = 130 // Ctrl-C: a second one where the first ends a text
)

// run executes a command line and returns its exit code.
func run(args []string, std stdio) int {
	parsed := false
	root := &cobra.Command{
		Use:               "bitnet-gpu",
		Short:             "Run ternary language models (BitNet b1.58) on any CPU and GPU",
		SilenceUsage:      true,
		SilenceErrors:     true,
		PersistentPreRun:  func(*cobra.Command, []string) { parsed = true },
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.AddCommand(
		generateCmd(std), tokenizeCmd(std), logitsCmd(std), inspectCmd(std), convertCmd(std),
		pullCmd(std), listCmd(std), rmCmd(std), devicesCmd(std), benchCmd(std),
	)
	root.Version = version()
	root.SetArgs(dialect(args))
	root.SetIn(std.in)
	root.SetOut(std.out)
	root.SetErr(std.err)
	err := root.Execute()
	if err == nil {
		return exitOK
	}
	if !parsed { // cobra's own errors: flags, verbs, number of arguments
		err = fmt.Errorf("%w: %w", engine.ErrUsage, err)
	}
	fmt.Fprintf(std.err, "bitnet-gpu: %s\n", message(err))
	return exitCode(err)
}

// exitCode maps an error to its exit code.
func exitCode(err error) int {
	for _, c := range []struct {
		is   error
		code int
	}{
		{engine.ErrUsage, exitUsage},
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
	for _, kind := range []error{engine.ErrUsage, weights.ErrInvalid, compute.ErrUnavailable, hub.ErrRef, context.Canceled} {
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

// dialect spells flags as other engines' users do: long ones with one dash, as
// -hf and bitnet.cpp's -temp, and llama.cpp's other names.
func dialect(args []string) []string {
	other := map[string]string{
		"-temp": "--temp", "-sys": "--system", "--system-prompt": "--system",
		"--predict": "--n-predict", "-r": "--stop", "--reverse-prompt": "--stop", "--batch-size": "--batch",
		"-hf": "--hf-repo", "-hfr": "--hf-repo", "--hf": "--hf-repo",
	}
	if len(args) > 0 && args[0] == "bench" { // llama-bench's
		delete(other, "-r")
		other["-pg"] = "--pg"
	}
	spelled := slices.Clone(args)
	for i, arg := range spelled {
		if arg == "--" {
			break
		}
		name, value, given := strings.Cut(arg, "=")
		if ours, ok := other[name]; ok {
			spelled[i] = ours
			if given {
				spelled[i] += "=" + value
			}
		}
	}
	return spelled
}

// version is what the build knows of itself.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			v += " " + s.Value
		}
	}
	return v + ", " + info.GoVersion
}
