package hub

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A repository without a GGUF file holds its model as a directory: what describes
// it, and the weights as one safetensors file, or where there is none as those that
// an index names. Where both are, the index belongs to another build of the model,
// and transformers does not look at it either. What else there is, such as code and
// the weights in other forms, is left.
const (
	configFile    = "config.json"
	tokenizerFile = "tokenizer.json"
	weightsFile   = "model.safetensors"
	indexFile     = "model.safetensors.index.json"

	maxIndex = 16 << 20 // bytes
)

// smallFiles are the files beside the weights that the loader of directories
// reads, in the order in which they are pulled. A repository may lack any but
// the first.
var smallFiles = []string{configFile, "generation_config.json", "tokenizer_config.json", "chat_template.jinja", "tokenizer.model", tokenizerFile, indexFile}

// A listing is what the hub says of a repository's newest version.
type listing struct {
	commit string
	files  []string
}

func (l *listing) has(file string) bool { return slices.Contains(l.files, file) }

// isDirectory reports whether the repository's model is a directory.
func (l *listing) isDirectory() bool {
	return !slices.ContainsFunc(l.files, isGGUF) && l.has(configFile) && (l.has(weightsFile) || l.has(indexFile))
}

// fetchDirectory brings a directory into the cache, all files of one version.
// Only once it is whole is it the newest in refs/main: until then the last one
// stays in use.
func (c *Client) fetchDirectory(ctx context.Context, ref Ref, l *listing, progress func(Progress)) (string, error) {
	dir := c.repo(ref.Repo)
	if !isHex(l.commit, 40) {
		return "", failf("%s does not say which version of %s it has: is it a mirror of the hub?", c.web.endpoint.Host, ref)
	}
	bring := func(files []string) error {
		for _, file := range files {
			if _, _, err := c.fetchFile(ctx, ref.with(file), l.commit, progress); err != nil {
				return err
			}
		}
		return nil
	}
	small := slices.DeleteFunc(slices.Clone(smallFiles), func(file string) bool {
		return !l.has(file) || file == indexFile && l.has(weightsFile)
	})
	if err := bring(small); err != nil {
		return "", err
	}
	weights := []string{weightsFile}
	if !l.has(weightsFile) {
		var err error
		if weights, err = dir.indexed(l.commit); err != nil {
			return "", err
		}
	}
	for _, file := range weights {
		if !l.has(file) {
			return "", failf("%s lacks %.100q, which its %s names: there is no whole model to pull", ref, file, indexFile)
		}
	}
	if err := c.roomForAll(ctx, ref, l.commit, weights); err != nil {
		return "", err
	}
	if err := bring(weights); err != nil {
		return "", err
	}
	if !l.has(tokenizerFile) {
		if err := dir.setAbsent(l.commit, tokenizerFile); err != nil {
			return "", c.writable(err)
		}
	}
	return dir.snapshot(l.commit, ""), c.setRef(ref, l.commit)
}

// roomForAll makes sure that the disk has space for what is missing of several
// files before the first of them is pulled.
func (c *Client) roomForAll(ctx context.Context, ref Ref, commit string, files []string) error {
	dir := c.repo(ref.Repo)
	var need int64
	for _, file := range files {
		m, err := c.head(ctx, ref.with(file), commit)
		if err != nil {
			return err
		}
		if blob := dir.blob(m.etag); !isFile(dir.snapshot(commit, file), m.size) && !isFile(blob, m.size) {
			need += max(0, m.size-onDisk(blob+partsSuffix))
		}
	}
	return c.room(ref, need)
}

// weights returns the files that hold the weights of a directory in the cache,
// whether they are there or not.
func (d repoDir) weights(commit string) ([]string, error) {
	if isFile(d.snapshot(commit, weightsFile), -1) || !isFile(d.snapshot(commit, indexFile), -1) {
		return []string{weightsFile}, nil
	}
	return d.indexed(commit)
}

// indexed returns the files that the index of a directory names.
func (d repoDir) indexed(commit string) ([]string, error) {
	path := d.snapshot(commit, indexFile)
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxIndex {
		return nil, failf("%s has %d bytes: the limit is %d", path, info.Size(), maxIndex)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parseIndex(data, path)
}

// parseIndex returns the files that an index names, sorted. They stand beside it.
func parseIndex(data []byte, path string) ([]string, error) {
	var index struct {
		Map map[string]string `json:"weight_map"`
	}
	if err := json.Unmarshal(data, &index); err != nil {
		return nil, failf("%s is no index of safetensors: %v", path, err)
	}
	if len(index.Map) == 0 {
		return nil, failf("%s is no index of safetensors: it has no weight_map", path)
	}
	var files []string
	for _, file := range index.Map {
		if !validPath(file) || strings.Contains(file, "/") || !strings.HasSuffix(file, ".safetensors") {
			return nil, failf("%s names %.100q, which is no safetensors file beside it: no weights were pulled", path, file)
		}
		files = append(files, file)
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}

// directory returns the files of the directory that a snapshot holds, or none
// where that is not whole or the snapshot's model is a GGUF file.
func (d repoDir) directory(commit string) []string {
	if slices.ContainsFunc(snapshotFiles(d.snapshot(commit, "")), isGGUF) {
		return nil
	}
	has := func(file string) bool { return isFile(d.snapshot(commit, file), -1) }
	weights, err := d.weights(commit)
	if err != nil || !has(configFile) || !has(tokenizerFile) && !d.isAbsent(commit, tokenizerFile) {
		return nil
	}
	for _, file := range weights {
		if !has(file) {
			return nil
		}
	}
	return append(slices.DeleteFunc(slices.Clone(smallFiles), func(file string) bool { return !has(file) }), weights...)
}

// absent is where the hub's tools note that a version has no such file.
func (d repoDir) absent(commit, file string) string {
	return filepath.Join(string(d), ".no_exist", commit, file)
}

func (d repoDir) isAbsent(commit, file string) bool { return isFile(d.absent(commit, file), -1) }

func (d repoDir) setAbsent(commit, file string) error {
	if d.isAbsent(commit, file) {
		return nil
	}
	path := d.absent(commit, file)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	return os.WriteFile(path, nil, 0o666)
}
