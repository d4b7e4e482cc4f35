package main

import (
	"strings"

	"github.com/spf13/cobra"

	"bitnet-gpu/weights/demo"
	"bitnet-gpu/weights/hub"
)

// complete offers values of a flag to the shell.
func complete(cmd *cobra.Command, flag string, values ...string) {
	completeWith(cmd, flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

func completeWith(cmd *cobra.Command, flag string, f cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(flag, f); err != nil {
		panic("BUG: completion: " + err.Error())
	}
}

// completeFirst is for the first argument alone.
func completeFirst(f cobra.CompletionFunc) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, start string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return f(cmd, args, start)
	}
}

// completeModels offers the models in the cache and files.
func completeModels(cmd *cobra.Command, args []string, start string) ([]cobra.Completion, cobra.ShellCompDirective) {
	list, _ := completeCached(cmd, args, start)
	if strings.HasPrefix(demo.Name, start) {
		list = append(list, demo.Name+"\tthe small model in the program")
	}
	return list, cobra.ShellCompDirectiveDefault
}

// completeNames offers the short names and the models in the cache.
func completeNames(cmd *cobra.Command, args []string, start string) ([]cobra.Completion, cobra.ShellCompDirective) {
	list, directive := completeCached(cmd, args, start)
	for _, n := range hub.Names {
		if strings.HasPrefix(n.Name, start) {
			list = append(list, n.Name+"\t"+n.About)
		}
	}
	return list, directive
}

// completeCached offers the models in the cache.
func completeCached(_ *cobra.Command, _ []string, start string) (list []cobra.Completion, directive cobra.ShellCompDirective) {
	client, err := hub.FromEnv()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	entries, err := client.List()
	for _, e := range entries {
		if name := e.Ref.String(); err == nil && isModel(e) && strings.HasPrefix(name, start) {
			list = append(list, name)
		}
	}
	return list, cobra.ShellCompDirectiveNoFileComp
}
