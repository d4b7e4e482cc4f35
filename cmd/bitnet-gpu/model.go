package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"bitnet-gpu/engine"
	"bitnet-gpu/engine/chat"
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

	template string // of chats: a name or a file; only the verb generate has the flag
}

// i2sLayout is the flag of how I2_S matrices are laid out: 0 is 128, if that can
// be.
type i2sLayout int

func (l *i2sLayout) Type() string   { return "BLOCK" }
func (l *i2sLayout) String() string { return "" }

func (l *i2sLayout) Set(text string) error {
	if text != "128" && text != "64" {
		return fmt.Errorf("there are 128 and 64")
	}
	n, err := strconv.Atoi(text)
	*l = i2sLayout(n)
	return err
}

func (l *i2sLayout) add(cmd *cobra.Command) {
	defer complete(cmd, "i2s-layout", "128", "64")
	defer group(cmd, "Machine", "i2s-layout")
	cmd.Flags().Var(l, "i2s-layout", "of I2_S matrices: 128, or 64 where llama-quantize wrote them on ARM since November 2025 (default 128)")
}

func (f *modelFlags) add(cmd *cobra.Command) {
	f.source.add(cmd)
	f.addRun(cmd)
}

// addRun adds the flags of how a model is run.
func (f *modelFlags) addRun(cmd *cobra.Command) {
	addBackend(cmd, &f.backend, &f.device)
	cmd.Flags().IntVarP(&f.context, "ctx-size", "c", 0, "positions of the context (default the model's)")
	cmd.Flags().IntVarP(&f.threads, "threads", "t", 0, "CPU threads (default one for each core)")
	cmd.Flags().IntVarP(&f.batch, "batch", "b", 0, "prompt tokens computed together (default the backend's choice)")
	f.layout.add(cmd)
	group(cmd, "Machine", "ctx-size", "threads", "batch")
}

// addBackend adds the flags of where a model is run.
func addBackend(cmd *cobra.Command, backend, device *string) {
	cmd.Flags().StringVar(backend, "backend", "auto", "auto, "+strings.Join(engine.Backends(), ", "))
	cmd.Flags().StringVar(device, "device", "", "`NAME` of the device: cpu, or a GPU's index, ID or part of its name (see the verb devices)")
	complete(cmd, "backend", append([]string{"auto"}, engine.Backends()...)...)
	group(cmd, "Machine", "backend", "device")
}

// open loads the model, with a bar if that takes long.
func (f *modelFlags) open(std stdio) (*engine.Engine, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	if f.threads == -1 { // llama.cpp's default
		f.threads = 0
	}
	if f.context < 0 || f.threads < 0 || f.batch < 0 {
		return nil, usage("-c, -t and --batch must not be negative")
	}
	path, err := f.path(std)
	if err != nil {
		return nil, err
	}
	template, err := readTemplate(f.template)
	if err != nil {
		return nil, err
	}
	bar := newBar(std.err)
	defer bar.finish()
	return engine.Open(path, engine.Options{
		Template: template,
		Backend:  f.backend, Device: f.device, Context: f.context, Threads: f.threads, Batch: f.batch, I2S: int(f.layout), Progress: bar.progress,
		Notice: func(line string) { fmt.Fprintln(std.err, line) },
	})
}

const maxTemplate = 1 << 20 // bytes; more than any template may have

// readTemplate returns the chat template of a file, or the name if it is one of
// ours.
func readTemplate(name string) (string, error) {
	if name == "" || slices.Contains(chat.Names(), name) {
		return name, nil
	}
	file, err := os.Open(name)
	if err != nil {
		return "", usage("--chat-template: %w; a file, or one of %s", err, strings.Join(chat.Names(), ", "))
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxTemplate))
	if err == nil && len(text) == 0 {
		err = usage("--chat-template %s: the file is empty", name)
	}
	return string(text), err
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
