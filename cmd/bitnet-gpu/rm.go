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
			"or all files of OWNER/NAME. Bytes that another file in the cache shares stay.",
		Args: cobra.MinimumNArgs(1),
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
