// Package hub fetches model files from the Hugging Face Hub into the cache that
// the hub's own tools use, so that a file is downloaded once for all of them
// (the layout: huggingface.co/docs/hub/local-cache).
//
// A file is pulled in parallel ranges into blobs/<etag>.parts, beside a map of
// the blocks that are there: a pull that was killed goes on where it stood. The
// hub names a file by its checksum, and only a file with this checksum gets the
// blob's name. Redirects lead to https alone, not into private networks, and the
// token goes to the endpoint's host alone.
package hub

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"
)

// DefaultEndpoint is the hub itself; HF_ENDPOINT names a mirror.
const DefaultEndpoint = "https://huggingface.co"

var (
	// ErrNetwork is what every error is that the network, the hub or a wrong
	// checksum caused.
	ErrNetwork = errors.New("hub: network")

	// ErrNotCached is the error of a file that is not in the cache.
	ErrNotCached = errors.New("hub: not in the cache")

	// ErrRef is the error of a name that can name no file of the hub.
	ErrRef = errors.New("hub: bad name")
)

// A Client pulls files. Its fields must not change once it is in use; its
// methods may be called from several goroutines, and several programs may share
// a cache.
type Client struct {
	Endpoint string // such as DefaultEndpoint, which "" means
	Token    string // sent to the endpoint's host only; "" for none
	Cache    string // folder of the hub's cache
	Offline  bool   // never open a socket

	// What only tests change; zero means the default.
	roots   *x509.CertPool
	block   int64         // unit of the map of what is there: 256 KiB
	span    int64         // most blocks in one request: 64
	workers int           // requests at once: 4
	tries   int           // failures in a row before giving up: 5
	pause   time.Duration // after the first failure, then doubled: 0.5 s
	idle    time.Duration // longest silence of a server: 30 s
	patient time.Duration // longest Retry-After that is waited for: 1 min
	symlink func(oldname, newname string) error
	space   func(dir string) (free int64, err error)

	once sync.Once
	web  *web
	bad  error // why there is no web
}

// Progress tells how far a file is.
type Progress struct {
	Ref
	Done, Total int64 // bytes; Total is -1 where the server does not say
	Waiting     bool  // for another program that pulls the same file
}

// Fetch returns the path of a file in the cache, pulling what is not there. It
// asks the hub which commit the revision is now, unless the client is offline.
// Where ref.File is no file of the repository, the one GGUF file with that
// quantisation is meant, see Ref. Of a GGUF model in several files all are pulled.
// Where ref names no file, the repository must hold one GGUF model, or one in
// I2_S, or no GGUF but config.json and safetensors: then what belongs to them is
// pulled, and the path is the directory that holds it.
// progress, which may be nil, is called from one goroutine at a time. Errors of
// the network and of checksums are ErrNetwork; a context that ends leaves what
// the next call goes on with.
func (c *Client) Fetch(ctx context.Context, ref Ref, progress func(Progress)) (path string, err error) {
	if c.Offline {
		path, err := c.Cached(ref)
		if errors.Is(err, ErrNotCached) {
			return "", &failure{text: fmt.Sprintf("%s is not in the cache %s, and HF_HUB_OFFLINE forbids to pull it: unset it once", ref, c.Cache), cause: err}
		}
		return path, err
	}
	if err := ref.check(); err != nil {
		return "", err
	}
	var noFile error
	if ref.File != "" {
		if path, noFile = c.fetchModel(ctx, ref, ref.revision(), progress); !errors.Is(noFile, errNoFile) {
			return path, noFile
		}
	}
	l, err := c.listing(ctx, ref.whole())
	if err != nil {
		return "", cmp.Or(noFile, err)
	}
	if ref.File == "" && l.isDirectory() {
		return c.fetchDirectory(ctx, ref, l, progress)
	}
	if ref.File, err = choose(ref, l.files); err != nil {
		return "", err
	}
	return c.fetchModel(ctx, ref, ref.revision(), progress)
}

// fetchModel brings a file into the cache, and the others that make one model
// with it, all of one version.
func (c *Client) fetchModel(ctx context.Context, ref Ref, revision string, progress func(Progress)) (path string, err error) {
	path, commit, err := c.fetchFile(ctx, ref, revision, progress)
	if err != nil {
		return "", err
	}
	others := splitParts(ref.File)
	if len(others) > 1 {
		if err := c.roomForAll(ctx, ref, commit, others); err != nil {
			return "", err
		}
	}
	for _, file := range others {
		if file == ref.File {
			continue
		}
		if _, _, err := c.fetchFile(ctx, ref.with(file), commit, progress); err != nil {
			return "", err
		}
	}
	return path, c.setRef(ref, commit)
}

// fetchFile brings a file of a revision into the cache.
func (c *Client) fetchFile(ctx context.Context, ref Ref, revision string, progress func(Progress)) (path, commit string, err error) {
	for again := false; ; again = true {
		m, err := c.head(ctx, ref, revision)
		if err != nil {
			return "", "", err
		}
		path, err = c.fetch(ctx, ref, m, progress)
		if !errors.Is(err, errChanged) {
			return path, m.commit, err
		}
		if again {
			return "", "", failf("%s changes on the hub while it is pulled: try again later", ref)
		}
	}
}

// fetch brings the version m of a file into the cache.
func (c *Client) fetch(ctx context.Context, ref Ref, m meta, progress func(Progress)) (string, error) {
	dir := c.repo(ref.Repo)
	path := dir.snapshot(m.commit, ref.File)
	if isFile(path, m.size) {
		return path, nil
	}
	tell := func(p Progress) {
		if progress != nil {
			p.Ref = ref
			progress(p)
		}
	}
	unlock, err := c.lock(ctx, dir, m.etag, func() { tell(Progress{Total: m.size, Waiting: true}) })
	if err != nil {
		return "", err
	}
	defer unlock()
	if blob := dir.blob(m.etag); !isFile(path, m.size) {
		if !isFile(blob, m.size) {
			d := &download{Client: c, ref: ref, meta: m, blob: blob, tell: tell}
			if err := d.run(ctx); err != nil {
				return "", err
			}
		}
		if err := c.link(blob, path); err != nil {
			return "", c.writable(err)
		}
	}
	return path, nil
}

// endpoint returns the parsed endpoint.
func (c *Client) endpoint() (*url.URL, error) {
	text := strings.TrimRight(c.Endpoint, "/")
	if text == "" {
		text = DefaultEndpoint
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, fmt.Errorf("%w: HF_ENDPOINT %q: expected an address such as %s", ErrRef, text, DefaultEndpoint)
	}
	return u, nil
}

// or returns value, or what stands for its zero.
func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}
