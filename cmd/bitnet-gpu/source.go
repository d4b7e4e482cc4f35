package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"bitnet-gpu/weights"
	"bitnet-gpu/weights/demo"
	"bitnet-gpu/weights/hub"
)

// source is the flags that say which model: a file, or one of Hugging Face.
type source struct {
	model string
	hf    string
}

func (s *source) add(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&s.model, "model", "m", "", "`FILE` of the model (GGUF), a directory of Hugging Face, or the short name of one that was pulled, such as 2b4t (default demo, the small one in this program)")
	cmd.Flags().StringVar(&s.hf, "hf-repo", "", "also -hf: `MODEL` of Hugging Face, OWNER/NAME[:FILE] or a short name, pulled if it is not in the cache")
}

// check makes sure that there are not two models.
func (s *source) check() error {
	if s.model != "" && s.hf != "" {
		return usage("-m and -hf: one of the two names the model")
	}
	return nil
}

// path returns the model's file or directory, the demo's name if there is no
// other. A short name behind -m means the one in the cache and never the network;
// -hf means the one in the cache too, and pulls it if it is not there. Only the
// verb pull asks whether there is a newer one.
func (s *source) path(std stdio) (string, error) {
	if err := s.check(); err != nil {
		return "", err
	}
	name := s.model
	switch {
	case name == "" && s.hf == "":
		fmt.Fprintln(std.err, "the demo model in this program, of small stories, jokes and sums; for the 2B4T: bitnet-gpu pull 2b4t (1.2 GB), then -m 2b4t")
		return demo.Name, nil
	case name == "":
		name = s.hf
	case weights.IsDemo(name):
		return name, nil
	default:
		if _, err := os.Stat(name); err == nil || !hub.IsName(name) {
			return name, nil
		}
	}
	ref, err := hub.ParseRef(name)
	if err != nil {
		return "", hubError(err)
	}
	client, err := hub.FromEnv()
	if err != nil {
		return "", err
	}
	path, err := client.Cached(ref)
	if err == nil {
		return path, nil
	}
	if s.model != "" {
		if !errors.Is(err, hub.ErrNotCached) {
			return "", hubError(err)
		}
		return "", fmt.Errorf("%s (%s) is not on this machine: fetch it with bitnet-gpu pull %s, or use -hf %s: %w", name, ref, name, name, weights.ErrInvalid)
	}
	ctx, cancel := interruptible(context.Background())
	defer cancel()
	view := newPullView(std, ref, false, false)
	path, err = client.Fetch(ctx, ref, view.progress)
	view.finish(path, err)
	return path, hubError(err)
}
