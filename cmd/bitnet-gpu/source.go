package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"bitnet-gpu/weights"
	"bitnet-gpu/weights/demo"
	"bitnet-gpu/weights/hub"
)

// source is the flags that say which model: a file, or one of Hugging Face.
type source struct {
	model  string
	hf     string
	hfFile string
}

func (s *source) add(cmd *cobra.Command) {
	cmd.Flags().VarP((*name)(&s.model), "model", "m", "`FILE` of the model (GGUF), a directory of Hugging Face, or the name of one in the cache, as the verb list shows it, such as 2b4t (default demo, the small one in this program)")
	cmd.Flags().Var((*name)(&s.hf), "hf-repo", "also -hf: `MODEL` of Hugging Face, OWNER/NAME[@REVISION][:FILE or :QUANTISATION] or a short name, pulled if it is not in the cache")
	cmd.Flags().Var((*name)(&s.hfFile), "hf-file", "also -hff: `FILE` of the repository that -hf names")
	group(cmd, "Model", "model", "hf-repo", "hf-file")
	completeWith(cmd, "model", completeModels)
	completeWith(cmd, "hf-repo", completeNames)
}

// A name is a flag of a name, which an empty variable of a script must not make
// none.
type name string

func (n *name) Type() string   { return "NAME" }
func (n *name) String() string { return string(*n) }

func (n *name) Set(text string) error {
	if text == "" {
		return errors.New("the name is empty")
	}
	*n = name(text)
	return nil
}

// check makes sure that there are not two models.
func (s *source) check() error {
	if s.model != "" && s.hf != "" {
		return usage("-m and -hf: one of the two names the model")
	}
	if s.hfFile != "" && s.hf == "" {
		return usage("-hff %s: -hf names the repository", s.hfFile)
	}
	return nil
}

// path returns the model's file or directory, the demo's name if there is no
// other. A name behind -m means what is in the cache and never the network;
// -hf means the one in the cache too, and pulls it if it is not there. Only the
// verb pull asks whether there is a newer one.
func (s *source) path(std stdio) (string, error) {
	if err := s.check(); err != nil {
		return "", err
	}
	switch {
	case s.hf != "":
		return s.fetch(std)
	case s.model == "":
		fmt.Fprintln(std.err, "the demo model in this program, of small stories, jokes and sums; for the 2B4T: bitnet-gpu pull 2b4t (1.2 GB), then -m 2b4t")
		return demo.Name, nil
	case weights.IsDemo(s.model):
		return s.model, nil
	}
	return s.local()
}

// local returns the path of what -m names: what stands there, or else a model in
// the cache.
func (s *source) local() (string, error) {
	if _, err := os.Stat(s.model); err == nil {
		return s.model, nil
	}
	ref, err := hub.ParseRef(s.model)
	if err != nil {
		return s.model, nil // it will be said not to be there
	}
	client, err := hub.FromEnv()
	if err != nil {
		return "", err
	}
	path, err := client.Cached(ref)
	switch {
	case err == nil:
		return path, nil
	case !errors.Is(err, hub.ErrNotCached):
		return "", hubError(err)
	case strings.Contains(s.model, "/"):
		return "", fmt.Errorf("%s: no such file, and no such model in the cache %s (-hf pulls one): %w", s.model, client.Cache, weights.ErrInvalid)
	}
	return "", fmt.Errorf("%s (%s) is not on this machine: fetch it with bitnet-gpu pull %s, or use -hf %s: %w", s.model, ref, s.model, s.model, weights.ErrInvalid)
}

// fetch returns the path of what -hf names, and pulls it first where it is not in
// the cache.
func (s *source) fetch(std stdio) (string, error) {
	ref, err := hub.ParseRef(s.hf)
	if err != nil {
		return "", hubError(err)
	}
	if s.hfFile != "" {
		ref.File = s.hfFile
	}
	client, err := hub.FromEnv()
	if err != nil {
		return "", err
	}
	path, err := client.Cached(ref)
	if err == nil {
		return path, nil
	}
	ctx, cancel := interruptible(context.Background())
	defer cancel()
	view := newPullView(std, ref, false, false)
	path, err = client.Fetch(ctx, ref, view.progress)
	view.finish(path, err)
	return path, hubError(err)
}
