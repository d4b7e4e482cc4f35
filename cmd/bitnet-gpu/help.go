package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"
)

func init() { cobra.EnableCommandSorting = false } // the order is that of use

var verbGroups = []*cobra.Group{
	{ID: "text", Title: "Text"},
	{ID: "models", Title: "Models"},
	{ID: "machine", Title: "The machine"},
	{ID: "other", Title: "Other"},
}

// flagGroups are the headings of flags in the order of the help. A flag of none is
// of the last.
var flagGroups = []string{"Model", "Text", "Sampling", "Tests", "Machine", "Output", "Other"}

const groupKey = "group"

// group puts flags under a heading of the help.
func group(cmd *cobra.Command, heading string, names ...string) {
	for _, name := range names {
		if err := cmd.Flags().SetAnnotation(name, groupKey, []string{heading}); err != nil {
			panic("BUG: help: " + err.Error())
		}
	}
}

func headingOf(f *pflag.Flag) string {
	if named := f.Annotations[groupKey]; len(named) > 0 {
		return named[0]
	}
	return flagGroups[len(flagGroups)-1]
}

// usageText writes what stands below a command's description in its help.
func usageText(cmd *cobra.Command) error {
	w := cmd.OutOrStderr()
	line := cmd.UseLine()
	if cmd.HasAvailableSubCommands() {
		line = cmd.CommandPath() + " VERB [flags]"
	}
	fmt.Fprintf(w, "Usage:\n  %s\n", line)
	if cmd.HasExample() {
		fmt.Fprintf(w, "\nExamples:\n%s\n", cmd.Example)
	}
	verbs := slices.DeleteFunc(slices.Clone(cmd.Commands()), func(c *cobra.Command) bool { return c.Hidden })
	for _, g := range append(slices.Clone(cmd.Groups()), &cobra.Group{Title: "Verbs"}) {
		listVerbs(w, g, verbs)
	}
	listFlags(w, cmd.LocalFlags(), helpWidth())
	if len(verbs) > 0 {
		fmt.Fprintf(w, "\n%s VERB --help says more about one.\n", cmd.CommandPath())
	}
	return nil
}

func listVerbs(w io.Writer, g *cobra.Group, verbs []*cobra.Command) {
	title := "\n" + g.Title + ":\n"
	for _, c := range verbs {
		if c.GroupID == g.ID {
			fmt.Fprintf(w, "%s  %-12s%s\n", title, c.Name(), c.Short)
			title = ""
		}
	}
}

func listFlags(w io.Writer, all *pflag.FlagSet, width int) {
	for _, heading := range flagGroups {
		some := pflag.NewFlagSet("", pflag.ContinueOnError)
		some.SortFlags = false
		all.SortFlags = false
		all.VisitAll(func(f *pflag.Flag) {
			if headingOf(f) == heading {
				some.AddFlag(f)
			}
		})
		if !some.HasAvailableFlags() {
			continue
		}
		title := heading + " flags"
		if heading == "Other" {
			title = "Flags"
		}
		fmt.Fprintf(w, "\n%s:\n%s", title, some.FlagUsagesWrapped(width))
	}
}

// helpWidth is the terminal's, or what a page has.
func helpWidth() int {
	if width, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil && width >= 60 {
		return width
	}
	return 100
}

// helpFor is the command line that shows the help of what was meant.
func helpFor(root *cobra.Command, args []string) string {
	if verb := verbOf(root, args); verb != nil {
		return verb.CommandPath() + " --help"
	}
	return root.Name() + " --help"
}

// verbOf returns the verb of a command line, or nil.
func verbOf(root *cobra.Command, args []string) *cobra.Command {
	if len(args) == 0 {
		return nil
	}
	for _, c := range root.Commands() {
		if c.Name() == args[0] {
			return c
		}
	}
	return nil
}

// unknownVerb is the error of a command line that begins with no verb. What
// deletes is never offered.
func unknownVerb(root *cobra.Command, word string) error {
	if strings.HasPrefix(word, "-") {
		return usage("%s: a verb comes first, as in bitnet-gpu generate %s", word, word)
	}
	root.SuggestionsMinimumDistance = 2
	offers := slices.DeleteFunc(root.SuggestionsFor(word), func(verb string) bool { return verb == "rm" })
	slices.Sort(offers)
	if offers = slices.Compact(offers); len(offers) == 0 { // a name may be near in two ways
		return usage("unknown command %q", word)
	}
	return usage("unknown command %q: did you mean %s?", word, strings.Join(offers, " or "))
}
