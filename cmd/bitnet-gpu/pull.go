package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/cheggaaa/pb/v3"
	"github.com/spf13/cobra"

	"bitnet-gpu/weights/hub"
)

func pullCmd(std stdio) *cobra.Command {
	var asJSON, quiet bool
	cmd := &cobra.Command{
		Use:   "pull MODEL...",
		Short: "Fetch models from Hugging Face, or bring them up to date",
		Long: "Fetch models from Hugging Face, or bring them up to date, and write the path of\n" +
			"each to standard output. MODEL is OWNER/NAME, OWNER/NAME:FILE, OWNER/NAME:QUANT, where\n" +
			"QUANT is part of the name of a GGUF file, OWNER/NAME@REVISION of a branch, a tag or a\n" +
			"commit, or a short name:\n\n" +
			shortNames() +
			"\nWithout FILE it is the repository's one GGUF file, or the one in I2_S, or where\n" +
			"there is none its safetensors with what belongs to them, in one folder. The files\n" +
			"go to the cache of Hugging Face's own tools and are shared with them. A pull that\n" +
			"was stopped goes on where it was. The environment is theirs too: HF_TOKEN for gated\n" +
			"and private models, HF_ENDPOINT for a mirror, HF_HOME or HF_HUB_CACHE for another\n" +
			"cache, and HF_HUB_OFFLINE=1 to use the cache only.",
		Example: `  bitnet-gpu pull 2b4t
  bitnet-gpu pull tiiuae/Falcon-E-1B-Instruct-GGUF:i2_s`,
		SuggestFor:        []string{"download", "fetch", "get"},
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: completeNames,
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write one JSON object an event instead of the path")
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "show no progress")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		refs, err := parseRefs(args)
		if err != nil {
			return err
		}
		client, err := hub.FromEnv()
		if err != nil {
			return err
		}
		ctx, cancel := interruptible(cmd.Context())
		defer cancel()
		for _, ref := range refs {
			view := newPullView(std, ref, asJSON, quiet)
			path, err := client.Fetch(ctx, ref, view.progress)
			view.finish(path, err)
			if err != nil {
				return hubError(err)
			}
			if !asJSON {
				fmt.Fprintln(std.out, path)
			}
		}
		return nil
	}
	return cmd
}

// shortNames lists the short names for the help.
func shortNames() string {
	var b strings.Builder
	for _, n := range hub.Names {
		fmt.Fprintf(&b, "  %-15s %s\n", n.Name, n.Ref)
	}
	return b.String()
}

func parseRefs(args []string) ([]hub.Ref, error) {
	var refs []hub.Ref
	for _, arg := range args {
		ref, err := hub.ParseRef(arg)
		if err != nil {
			return nil, hubError(err)
		}
		refs = append(refs, ref)
	}
	return refs, nil
}

// hubError makes a bad name a usage error, and a Ctrl-C one with a hint.
func hubError(err error) error {
	switch {
	case errors.Is(err, hub.ErrRef):
		return usage("%w", err)
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("stopped; the next pull goes on from here: %w", err)
	}
	return err
}

// A pullView shows how a model comes: for each file a bar on a terminal, else one
// line at its end; with --json events on standard output.
type pullView struct {
	std         stdio
	asked, ref  hub.Ref // what was asked for, the file that comes
	json, quiet bool
	start, last time.Time
	began       int64 // bytes of the file that were there; -1: none comes
	seen        hub.Progress
	bar         *pb.ProgressBar
	done        int64 // bytes of the files that are finished
	some        bool  // a file came
}

func newPullView(std stdio, ref hub.Ref, asJSON, quiet bool) *pullView {
	return &pullView{std: std, asked: ref, ref: ref, json: asJSON, quiet: quiet, start: time.Now(), began: -1}
}

// pullEvent is a line of --json.
type pullEvent struct {
	Event string `json:"event"` // waiting, progress, done, error
	Repo  string `json:"repo"`
	File  string `json:"file,omitempty"`
	Done  int64  `json:"done,omitempty"`
	Total int64  `json:"total,omitempty"` // -1: the server does not say
	Path  string `json:"path,omitempty"`
	Error string `json:"error,omitempty"`
}

func (v *pullView) event(e pullEvent) {
	e.Repo, e.File = v.ref.Repo, v.ref.File
	_ = json.NewEncoder(v.std.out).Encode(e) // a closed pipe shows at the next write
}

func (v *pullView) progress(p hub.Progress) {
	if p.Ref != v.ref {
		v.finishFile()
	}
	v.ref, v.seen = p.Ref, p
	if p.Waiting {
		if v.json {
			v.event(pullEvent{Event: "waiting"})
		} else if !v.quiet {
			fmt.Fprintf(v.std.err, "%s: another program is pulling it; waiting\n", v.ref)
		}
		return
	}
	if v.began < 0 {
		v.began, v.start, v.some = p.Done, time.Now(), true
	}
	switch {
	case v.json:
		if time.Since(v.last) >= 500*time.Millisecond {
			v.last = time.Now()
			v.event(pullEvent{Event: "progress", Done: p.Done, Total: p.Total})
		}
	case v.quiet || !isTerminal(v.std.err):
	case v.bar == nil:
		v.bar = pullBar(v.std.err, v.ref, p)
	default:
		v.bar.SetCurrent(p.Done)
	}
}

// pullBar is a bar with speed and ETA. It begins where the file is, so that what
// was there counts for no speed.
func pullBar(w io.Writer, ref hub.Ref, p hub.Progress) *pb.ProgressBar {
	name := ref.File[strings.LastIndexByte(ref.File, '/')+1:]
	bar := pb.New64(max(p.Total, 0)).SetWriter(w).
		SetTemplateString(`{{string . "name"}} {{counters . }} {{bar . "[" "=" ">" " " "]"}} {{percent . }} {{speed . "%s/s" "?/s"}} {{rtime . "ETA %s" "%s" "ETA ?"}}`).
		Set("name", name).Set(pb.Bytes, true).Set(pb.CleanOnFinish, true).Set(pb.Color, os.Getenv("NO_COLOR") == "")
	if bar.Width() == 0 {
		bar.SetWidth(80)
	}
	return bar.SetCurrent(p.Done).Start()
}

// finish ends the view: with the path of the model, which may be a folder, or
// with an error.
func (v *pullView) finish(path string, err error) {
	if err != nil {
		v.finishBar()
		if v.json {
			v.ref = v.asked
			v.event(pullEvent{Event: "error", Error: message(err)})
		}
		return
	}
	v.finishFile()
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		v.ref = v.asked
	}
	switch {
	case v.json:
		v.event(pullEvent{Event: "done", Path: path, Done: v.done, Total: v.done})
	case !v.quiet && !v.some:
		fmt.Fprintf(v.std.err, "%s: is here already\n", v.ref)
	}
}

func (v *pullView) finishBar() {
	if v.bar != nil {
		v.bar.Finish()
		v.bar = nil
	}
}

// finishFile ends the bar of a file, if one came, and says in one line what came
// of it.
func (v *pullView) finishFile() {
	if v.began < 0 {
		return
	}
	v.finishBar()
	v.done += v.seen.Done
	switch {
	case v.json:
		v.event(pullEvent{Event: "progress", Done: v.seen.Done, Total: v.seen.Total})
	case !v.quiet:
		took := time.Since(v.start)
		fmt.Fprintf(v.std.err, "%s: %s pulled in %v, %s/s, verified\n", v.ref, mebi(v.seen.Done-v.began), took.Round(100*time.Millisecond), mebi(int64(perSecond(int(v.seen.Done-v.began), took))))
	}
	v.began = -1
}
