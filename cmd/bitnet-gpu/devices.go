package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
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
	cmd.Flags().BoolVar(&asJSON, "json", false, "write a JSON array")
	cmd.RunE = func(*cobra.Command, []string) error {
		devices := engine.Devices()
		if asJSON {
			return json.NewEncoder(std.out).Encode(devices)
		}
		w := bufio.NewWriter(std.out)
		for _, d := range devices {
			printDevice(w, &d)
		}
		return w.Flush()
	}
	return cmd
}

// printDevice tells of a device in two lines, what it is and what it has.
func printDevice(w io.Writer, d *engine.Device) {
	mark := " "
	if d.Chosen {
		mark = "*"
	}
	line := strings.TrimSpace(d.Name)
	if d.Problem != "" {
		line = strings.TrimPrefix(line+": "+d.Problem, ": ")
	}
	fmt.Fprintf(w, "%s %-7s %s\n", mark, d.Backend, line)
	if c := d.CPU; c != nil {
		fmt.Fprintf(w, "%10s%d threads, kernels %s of %s, features %s\n", "", c.Threads, c.Path, strings.Join(c.Paths, " "), strings.Join(c.Features, " "))
	}
	if g := d.GPU; g != nil {
		dot := "no"
		if g.Dot {
			dot = "emulated"
		}
		if g.FastDot {
			dot = "in hardware"
		}
		fmt.Fprintf(w, "%10s%s, %s, %s, ID %s\n", "", g.Type, g.API, g.Driver, g.ID)
		subgroup := "unknown size"
		if g.Subgroup > 0 {
			subgroup = fmt.Sprint(g.Subgroup)
		}
		fmt.Fprintf(w, "%10smemory %s, free %s, bindings of %s, groups of %d, subgroups of %s, integer dot product %s, self-test %s\n", "",
			told(g.Memory), told(g.Free), mebi(g.Range), g.GroupSize, subgroup, dot, g.SelfTest)
	}
}

// told is a size, where the driver tells it.
func told(n int64) string {
	if n == 0 {
		return "unknown"
	}
	return mebi(n)
}
