//go:build ignore

// Generate compiles every kernel to SPIR-V, with glslc of Debian 12.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"

	"bitnet-gpu/shaders"
)

func main() {
	for _, k := range shaders.All() {
		cmd := exec.Command("glslc", append(shaders.Flags(), "-o", k.Name+".spv", "-")...)
		cmd.Stdin, cmd.Stderr = strings.NewReader(k.Source), os.Stderr
		if err := cmd.Run(); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", k.Name, err)
			os.Exit(1)
		}
	}
}
