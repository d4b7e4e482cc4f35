package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"bitnet-gpu/weights"
	"bitnet-gpu/weights/hub"
)

func listCmd(std stdio) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:        "list",
		Short:      "List the models in the cache",
		Long:       "List the models in the cache, under the names that -m, -hf, run and rm take.",
		SuggestFor: []string{"ls", "models"},
		Args:       cobra.NoArgs,
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write one JSON array")
	cmd.RunE = func(*cobra.Command, []string) error {
		client, err := hub.FromEnv()
		if err != nil {
			return err
		}
		entries, err := client.List()
		if err != nil {
			return err
		}
		models := []listed{}
		for _, e := range entries {
			if m, ok := describeEntry(e); ok {
				models = append(models, m)
			}
		}
		if asJSON {
			return json.NewEncoder(std.out).Encode(models)
		}
		if len(models) == 0 {
			fmt.Fprintf(std.err, "no model in %s; bitnet-gpu pull 2b4t fetches one\n", client.Cache)
			return nil
		}
		w := tabwriter.NewWriter(std.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "MODEL\tFAMILY\tFORMAT\tSIZE\tWHERE")
		for _, m := range models {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", m.Model, m.Family, m.Format, mebi(m.Size), m.Path)
		}
		return w.Flush()
	}
	return cmd
}

// listed is a model in the cache.
type listed struct {
	Model  string `json:"model"`          // as -m, -hf, run and rm take it
	Name   string `json:"name,omitempty"` // short name
	Family string `json:"family"`
	Format string `json:"format"`
	Size   int64  `json:"size"`
	Path   string `json:"path"`
	Commit string `json:"commit,omitempty"`
	Newest bool   `json:"newest"` // the version that the hub had when last asked
}

// describeEntry says what a file or directory in the cache is; false for a file
// that holds no weights, such as a README of another program's pull.
func describeEntry(e hub.Entry) (listed, bool) {
	m := listed{Model: e.Ref.String(), Size: e.Size, Path: e.Path, Commit: e.Commit, Newest: e.Newest, Family: "?"}
	for _, n := range hub.Names {
		if n.Repo == e.Repo && (n.File == "" || n.File == e.File) {
			m.Name, m.Family = n.Name, n.Name
		}
	}
	switch ext := strings.ToLower(filepath.Ext(e.File)); {
	case e.Commit == "":
		m.Format = "unfinished; pull goes on, rm drops it"
		return m, true
	case e.File == "":
		m.read("safetensors")
	case ext == ".safetensors":
		m.Format = "safetensors, one file of a model"
	case ext == ".gguf":
		m.read("GGUF")
	default:
		return m, false
	}
	if !e.Newest {
		m.Format += ", older version"
	}
	return m, true
}

// read asks the model itself for its family and format.
func (m *listed) read(container string) {
	m.Format = container
	s, err := weights.Inspect(m.Path)
	if err != nil {
		m.Format = "broken " + container
		return
	}
	defer s.Close()
	_ = s.Guard(func() error { m.summarize(s); return nil }) // what vanishes under us keeps its container
}

func (m *listed) summarize(s *weights.Summary) {
	for _, kv := range s.KV {
		if text, ok := kv.Value.(string); ok && m.Name == "" && (kv.Key == "general.architecture" || kv.Key == "model_type") {
			m.Family = strings.Clone(text)
		}
	}
	if s.Model != nil {
		m.Format = strings.Clone(s.Model.Format)
	}
}

// isModel reports whether an entry is a model that can be run, as far as its name
// says.
func isModel(e hub.Entry) bool {
	return e.Commit != "" && (e.File == "" || strings.EqualFold(filepath.Ext(e.File), ".gguf"))
}
