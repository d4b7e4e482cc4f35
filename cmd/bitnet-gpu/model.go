package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"bitnet-gpu/engine"
	"bitnet-gpu/engine/compute"
)

// modelFlags are the flags of every verb that runs a model.
type modelFlags struct {
	source
	backend string
	device  string
	context int
	threads int
	batch   int
}

func (f *modelFlags) add(cmd *cobra.Command) {
	f.source.add(cmd)
	cmd.Flags().StringVar(&f.backend, "backend", "auto", "auto, "+strings.Join(engine.Backends(), ", "))
	cmd.Flags().StringVar(&f.device, "device", "", "`NAME` of the device, as the verb devices prints it")
	cmd.Flags().IntVarP(&f.context, "ctx-size", "c", 0, "positions of the context (default the model's)")
	cmd.Flags().IntVarP(&f.threads, "threads", "t", 0, "CPU threads (default one for each processor)")
	cmd.Flags().IntVar(&f.batch, "batch", 0, "prompt tokens computed together (default the backend's choice)")
}

// open loads the model, with a bar if that takes long.
func (f *modelFlags) open(std stdio) (*engine.Engine, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	if f.context < 0 || f.threads < 0 || f.batch < 0 {
		return nil, usage("-c, -t and --batch must not be negative")
	}
	if f.device != "" && f.device != "cpu" {
		return nil, fmt.Errorf("device %q: there is only cpu, see bitnet-gpu devices: %w", f.device, compute.ErrUnavailable)
	}
	path, err := f.path(std)
	if err != nil {
		return nil, err
	}
	bar := newBar(std.err)
	defer bar.finish()
	return engine.Open(path, engine.Options{
		Backend: f.backend, Context: f.context, Threads: f.threads, Batch: f.batch, Progress: bar.progress,
		Notice: func(line string) { fmt.Fprintln(std.err, line) },
	})
}

// describe says in one line what runs where, and why not elsewhere.
func describe(w io.Writer, e *engine.Engine) {
	m, info := e.Model(), e.Info()
	name := m.Name
	if name == "" {
		name = m.Arch
	}
	why := ""
	if r := e.Reasons(); len(r) > 0 {
		why = "; " + strings.Join(r, "; ")
	}
	fmt.Fprintf(w, "%s (%s) on %s (%s, %d threads)%s\n", name, m.Format, info.Backend, info.Path, info.Threads, why)
}
