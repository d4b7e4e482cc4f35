package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"bitnet-gpu/engine"
)

// modelFlags are the flags of every verb that runs a model.
type modelFlags struct {
	source
	backend string
	device  string
	context int
	threads int
	batch   int
	layout  i2sLayout
}

// i2sLayout is the flag of how I2_S matrices are laid out: 128, or 64 as ARM
// builds of bitnet.cpp write them.
type i2sLayout struct{ arm bool }

func (l *i2sLayout) Type() string { return "128|64" }

func (l *i2sLayout) String() string {
	if l.arm {
		return "64"
	}
	return "128"
}

func (l *i2sLayout) Set(text string) error {
	if text != "128" && text != "64" {
		return fmt.Errorf("there are 128 and 64")
	}
	l.arm = text == "64"
	return nil
}

func (l *i2sLayout) add(cmd *cobra.Command) {
	cmd.Flags().Var(l, "i2s-layout", "block of I2_S matrices: 128, or 64 in files that llama-quantize wrote on ARM since November 2025")
}

func (f *modelFlags) add(cmd *cobra.Command) {
	f.source.add(cmd)
	cmd.Flags().StringVar(&f.backend, "backend", "auto", "auto, "+strings.Join(engine.Backends(), ", "))
	cmd.Flags().StringVar(&f.device, "device", "", "`NAME` of the device: cpu, or a GPU's index, ID or part of its name (see the verb devices)")
	cmd.Flags().IntVarP(&f.context, "ctx-size", "c", 0, "positions of the context (default the model's)")
	cmd.Flags().IntVarP(&f.threads, "threads", "t", 0, "CPU threads (default one for each core)")
	cmd.Flags().IntVarP(&f.batch, "batch", "b", 0, "prompt tokens computed together (default the backend's choice)")
	f.layout.add(cmd)
}

// open loads the model, with a bar if that takes long.
func (f *modelFlags) open(std stdio) (*engine.Engine, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	if f.context < 0 || f.threads < 0 || f.batch < 0 {
		return nil, usage("-c, -t and --batch must not be negative")
	}
	path, err := f.path(std)
	if err != nil {
		return nil, err
	}
	bar := newBar(std.err)
	defer bar.finish()
	return engine.Open(path, engine.Options{
		Backend: f.backend, Device: f.device, Context: f.context, Threads: f.threads, Batch: f.batch, I2SARM: f.layout.arm, Progress: bar.progress,
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
	where := info.Path
	if info.Threads > 0 {
		where += fmt.Sprintf(", %d thread%s", info.Threads, plural(info.Threads))
	} else {
		where = info.Device + ", " + where
	}
	fmt.Fprintf(w, "%s (%s) on %s (%s)%s\n", printable(name), m.Format, info.Backend, where, why)
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}
