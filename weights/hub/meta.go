package hub

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// meta is what the hub says of one version of a file.
type meta struct {
	commit string // 40 hexadecimal digits
	etag   string // SHA-256 of the file (64 digits), or its git blob's SHA-1 (40)
	size   int64  // bytes; -1: not said
}

const maxSize = 1 << 40 // of a file; beyond, a size is not believed

// address returns endpoint/before/revision/behind. The slashes of a revision, as
// of refs/pr/1, are no separators.
func (w *web) address(before, revision, behind string) *url.URL {
	u := *w.endpoint
	path := func(revision string) string { return "/" + strings.TrimRight(before+"/"+revision+"/"+behind, "/") }
	root := u.EscapedPath()
	u.RawPath = root + (&url.URL{Path: path("\x00")}).EscapedPath()
	u.RawPath = strings.Replace(u.RawPath, "%00", url.PathEscape(revision), 1)
	u.Path += path(revision) // the patterns of names leave nothing to clean
	return &u
}

// head asks for the version of a file that a revision has. The hub answers for a large file
// with a redirect to where its bytes are, and it is the redirect that carries the
// facts; for a renamed repository with one to the new name, which is followed.
func (c *Client) head(ctx context.Context, ref Ref, revision string) (meta, error) {
	w, err := c.open()
	if err != nil {
		return meta{}, err
	}
	var m meta
	err = c.retry(ctx, func() (bool, error) {
		m, err = c.headOnce(ctx, w, ref, revision)
		return false, err
	})
	if err == nil && isHex(revision, 40) && m.commit != revision {
		err = failf("%s answers with another version of %s than was asked for", w.endpoint.Host, ref)
	}
	return m, err
}

func (c *Client) headOnce(ctx context.Context, w *web, ref Ref, revision string) (meta, error) {
	u := w.address(ref.Repo+"/resolve", revision, ref.File)
	facts := http.Header{}
	for range 6 {
		resp, err := c.get(ctx, w.stop, http.MethodHead, u, nil, ref)
		if err != nil {
			return meta{}, err
		}
		resp.Body.Close()
		for _, k := range []string{"X-Repo-Commit", "X-Linked-Etag", "X-Linked-Size"} {
			if v := resp.Header.Get(k); v != "" && facts.Get(k) == "" {
				facts.Set(k, v)
			}
		}
		if resp.StatusCode < 300 {
			facts.Set("Etag", resp.Header.Get("Etag"))
			facts.Set("Content-Length", resp.Header.Get("Content-Length"))
			return parseMeta(facts, ref, w.endpoint.Host)
		}
		if facts.Get("X-Linked-Etag") != "" && facts.Get("X-Repo-Commit") != "" {
			return parseMeta(facts, ref, w.endpoint.Host)
		}
		next, err := u.Parse(resp.Header.Get("Location"))
		if err != nil || resp.Header.Get("Location") == "" {
			return meta{}, failf("%s answers %d for %s without saying where to go", u.Host, resp.StatusCode, ref)
		}
		if err := w.allowed(next); err != nil {
			return meta{}, err
		}
		u = next
	}
	return meta{}, failf("%s redirects in a circle for %s", u.Host, ref)
}

// parseMeta reads the headers of an answer about a file.
func parseMeta(h http.Header, ref Ref, host string) (meta, error) {
	m := meta{commit: h.Get("X-Repo-Commit"), etag: unquote(or(h.Get("X-Linked-Etag"), h.Get("Etag"))), size: -1}
	if !isHex(m.commit, 40) {
		return meta{}, failf("%s does not say which version of %s it has: is it a mirror of the hub?", host, ref)
	}
	if !isHex(m.etag, 64) && !isHex(m.etag, 40) {
		return meta{}, failf("%s gives no checksum for %s, so it cannot be verified: use another mirror in HF_ENDPOINT", host, ref)
	}
	if text := or(h.Get("X-Linked-Size"), h.Get("Content-Length")); text != "" {
		size, err := strconv.ParseInt(text, 10, 64)
		if err != nil || size < 0 || size > maxSize {
			return meta{}, failf("%s says that %s has a size of %.30q", host, ref, text)
		}
		m.size = size
	}
	return m, nil
}

// unquote takes the quotes and the mark of weakness off an etag.
func unquote(etag string) string { return strings.Trim(strings.TrimPrefix(etag, "W/"), `"`) }

// isHex reports whether text is n lower-case hexadecimal digits.
func isHex(text string, n int) bool {
	return len(text) == n && strings.Trim(text, "0123456789abcdef") == ""
}

// Files lists the files of a repository's newest version, or if the client is
// offline those of them that are in the cache.
func (c *Client) Files(ctx context.Context, repo string) ([]string, error) {
	ref := Ref{Repo: repo}
	if err := ref.check(); err != nil {
		return nil, err
	}
	if c.Offline {
		dir := c.repo(repo)
		commit, err := dir.commit("")
		if err != nil {
			return nil, ErrNotCached
		}
		return snapshotFiles(dir.snapshot(commit, "")), nil
	}
	l, err := c.listing(ctx, ref)
	if err != nil {
		return nil, err
	}
	return l.files, nil
}

// listing asks for the files of a repository's version.
func (c *Client) listing(ctx context.Context, ref Ref) (*listing, error) {
	w, err := c.open()
	if err != nil {
		return nil, err
	}
	var l *listing
	err = c.retry(ctx, func() (bool, error) {
		l, err = c.listingOnce(ctx, w, ref)
		return false, err
	})
	return l, err
}

func (c *Client) listingOnce(ctx context.Context, w *web, ref Ref) (*listing, error) {
	const most = 16 << 20 // bytes of the answer
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	u := w.address("api/models/"+ref.Repo+"/revision", ref.revision(), "")
	resp, err := c.get(ctx, w.follow, http.MethodGet, u, nil, ref)
	if err != nil {
		return nil, err
	}
	body := c.watch(ctx, resp.Body, cancel)
	defer body.Close()
	data, err := io.ReadAll(io.LimitReader(body, most+1))
	if err != nil {
		return nil, c.unreachable(ctx, err, u.Host)
	}
	if len(data) > most {
		return nil, failf("%s answers with more than %d MiB about %s", u.Host, most>>20, ref)
	}
	return parseListing(data, ref, u.Host)
}

// parseListing reads the hub's answer about a repository.
func parseListing(data []byte, ref Ref, host string) (*listing, error) {
	var answer struct {
		Commit   string `json:"sha"`
		Siblings []struct {
			Name string `json:"rfilename"`
		} `json:"siblings"`
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return nil, failf("%s does not answer about %s as the hub does: %v", host, ref, err)
	}
	l := &listing{commit: answer.Commit}
	for _, s := range answer.Siblings {
		if !validPath(s.Name) {
			return nil, failf("%s lists a file %.100q in %s, which is no path inside the repository: nothing was pulled", host, s.Name, ref)
		}
		l.files = append(l.files, s.Name)
	}
	if len(l.files) == 0 {
		return nil, failf("%s lists no file in %s", host, ref)
	}
	return l, nil
}
