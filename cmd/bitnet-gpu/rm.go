package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"bitnet-gpu/weights/hub"
)

func rmCmd(std stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rm MODEL...",
		Short: "Remove models from the cache",
		Long: "Remove models from the cache: all versions of OWNER/NAME:FILE or of a short name,\n" +
			"or all files of OWNER/NAME, or with @REVISION those of one version, as the verb list\n" +
			"shows them. Bytes that another file in the cache shares stay.",
		Example: `  bitnet-gpu rm 2b4t
  bitnet-gpu rm OWNER/NAME@0123456789ab:model.gguf`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: completeCached,
	}
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		refs, err := parseRefs(args)
		if err != nil {
			return err
		}
		client, err := hub.FromEnv()
		if err != nil {
			return err
		}
		for _, ref := range refs {
			freed, err := client.Remove(ref)
			if errors.Is(err, hub.ErrNotCached) {
				return fmt.Errorf("%s is not in the cache %s", ref, client.Cache)
			}
			if err != nil {
				return hubError(err)
			}
			fmt.Fprintf(std.err, "%s: removed, %s freed\n", ref, mebi(freed))
		}
		return nil
	}
	return cmd
}
