package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"bitnet-gpu/engine"
)

func devicesCmd(std stdio) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "devices",
		Short: "List what a model can run on, and what would be chosen",
		Args:  cobra.NoArgs,
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write one JSON object")
	cmd.RunE = func(*cobra.Command, []string) error {
		devices := engine.Devices()
		if asJSON {
			return json.NewEncoder(std.out).Encode(devices)
		}
		for _, d := range devices {
			mark := " "
			if d.Chosen {
				mark = "*"
			}
			if d.Problem != "" {
				fmt.Fprintf(std.out, "%s %-7s %s\n", mark, d.Backend, d.Problem)
				continue
			}
			fmt.Fprintf(std.out, "%s %-7s %s, %d threads\n", mark, d.Backend, d.Name, d.Threads)
			fmt.Fprintf(std.out, "  %-7s kernels %s of %s; features %s\n", "", d.Path, strings.Join(d.Paths, ", "), strings.Join(d.Features, " "))
		}
		return nil
	}
	return cmd
}
