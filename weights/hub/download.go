package hub

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
)

var (
	errNoRanges = errors.New("the server does not serve ranges")
	errChanged  = errors.New("the file changed")
	errNoFile   = errors.New("the repository has no such file")
)

// A download brings the bytes of one version of a file into its blob.
type download struct {
	*Client
	ref  Ref
	meta meta
	blob string
	tell func(Progress)

	mu   sync.Mutex
	tag  string // etag of the answers, which may differ from the hub's
	done int64  // bytes, for tell
}

// run downloads, verifies and names the blob. Where a wrong checksum can come
// from an earlier, interrupted pull, it begins once more from nothing.
func (d *download) run(ctx context.Context) error {
	if err := os.MkdirAll(filepath.Dir(d.blob), 0o777); err != nil {
		return d.writable(err)
	}
	if d.meta.size < 0 {
		return d.unsized(ctx)
	}
	for {
		p, err := openParts(d.blob, d.meta.etag, d.meta.size, or(d.block, 256<<10))
		if err != nil {
			return d.writable(err)
		}
		resumed := p.got > 0
		err = d.fill(ctx, p)
		var wrong *wrongSum
		switch {
		case err == nil:
			return d.writable(p.finish(d.blob))
		case errors.As(err, &wrong), errors.Is(err, errChanged):
			p.drop()
		default:
			p.close()
		}
		if wrong == nil || !resumed {
			return err
		}
	}
}

// A wrongSum is a file that is not the one the hub names.
type wrongSum struct{ error }

func (w *wrongSum) Unwrap() error { return w.error }

// check compares the checksum of a file that was downloaded.
func (d *download) check(sum string) error {
	if sum == d.meta.etag {
		return nil
	}
	kind := "SHA-256"
	if len(d.meta.etag) == 40 {
		kind = "git SHA-1"
	}
	return &wrongSum{failf("%s arrived with the %s %s instead of %s and was thrown away: pull again, and if that does not help use another HF_ENDPOINT", d.ref, kind, sum, d.meta.etag)}
}

// newHash returns the hash that the etag is: of large files their SHA-256, of
// others that of git's blob.
func (d *download) newHash(size int64) hash.Hash {
	if len(d.meta.etag) == 64 {
		return sha256.New()
	}
	h := sha1.New()
	fmt.Fprintf(h, "blob %d\x00", size)
	return h
}

// fill brings the missing blocks and verifies the whole.
func (d *download) fill(ctx context.Context, p *parts) error {
	if err := d.room(d.ref, p.size-p.got); err != nil {
		return err
	}
	sum, err := d.hashed(ctx, p, d.ranges)
	if errors.Is(err, errNoRanges) {
		if err := p.reset(); err != nil {
			return d.writable(err)
		}
		sum, err = d.hashed(ctx, p, d.whole)
	}
	if err != nil {
		return err
	}
	return d.check(sum)
}

// room makes sure that the disk has space before anything is written.
func (c *Client) room(ref Ref, need int64) error {
	space := c.space
	if space == nil {
		space = freeSpace
	}
	if free, err := space(c.repo(ref.Repo).blobs()); err == nil && free < need {
		return fmt.Errorf("%s needs %s more in the cache %s, whose disk has %s free: free some space, or set HF_HUB_CACHE to another folder", ref, bytesText(need), c.Cache, bytesText(free))
	}
	return nil
}

func bytesText(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}

// hashed runs a way to bring the blocks, and hashes them meanwhile.
func (d *download) hashed(ctx context.Context, p *parts, bring func(context.Context, *parts) error) (sum string, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	d.report(p.got)
	var hashErr error
	end := make(chan struct{})
	go func() {
		defer close(end)
		sum, hashErr = p.sum(ctx, d.newHash(p.size))
	}()
	if err := bring(ctx, p); err != nil {
		cancel()
		<-end
		return "", err
	}
	<-end
	return sum, hashErr
}

// report tells how far the file is; advance adds to it.
func (d *download) report(done int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.done = done
	d.tell(Progress{Done: done, Total: d.meta.size})
}

func (d *download) advance(n int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.done += n
	d.tell(Progress{Done: d.done, Total: d.meta.size})
}

// ranges brings the missing blocks in several requests at once. The first error
// ends it.
func (d *download) ranges(ctx context.Context, p *parts) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	workers := or(d.workers, 4)
	missing := (p.size - p.got + p.block - 1) / p.block
	spans := p.missing(int(min(or(d.span, 64), missing/int64(workers)+1)))
	var next atomic.Int64
	var running sync.WaitGroup
	for range min(workers, len(spans)) {
		running.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(spans)); i = next.Add(1) - 1 {
				if err := d.bring(ctx, p, spans[i]); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	running.Wait()
	return context.Cause(ctx)
}

// bring brings one span, going on where a connection breaks.
func (d *download) bring(ctx context.Context, p *parts, s span) error {
	pos := s.start
	return d.retry(ctx, func() (progress bool, err error) {
		from := pos
		for pos < s.end && err == nil {
			pos, err = d.once(ctx, p, span{pos, s.end})
		}
		return pos > from, err
	})
}

// once asks for one range and writes what comes of it.
func (d *download) once(ctx context.Context, p *parts, s span) (pos int64, err error) {
	header := http.Header{"Range": {fmt.Sprintf("bytes=%d-%d", s.start, s.end-1)}}
	d.mu.Lock()
	if d.tag != "" {
		header.Set("If-Range", d.tag)
	}
	d.mu.Unlock()
	body, resp, err := d.request(ctx, header)
	if err != nil {
		return s.start, err
	}
	defer body.Close()
	if resp.StatusCode != http.StatusPartialContent {
		return s.start, errNoRanges
	}
	end, ok := contentRange(resp.Header.Get("Content-Range"), s, p.size)
	if !ok || resp.ContentLength >= 0 && resp.ContentLength != end-s.start {
		return s.start, errNoRanges // begin anew rather than trust it
	}
	last := s.start
	pos, err = p.copy(body, s.start, end, func(pos int64) { d.advance(pos - last); last = pos })
	return pos, d.broken(body.ctx, err, resp.Request.URL.Host)
}

// contentRange reads "bytes 0-99/1234" of an answer to a request for s. The
// answer may end sooner than asked.
func contentRange(text string, s span, size int64) (end int64, ok bool) {
	var first, last, total int64
	if n, _ := fmt.Sscanf(text, "bytes %d-%d/%d", &first, &last, &total); n != 3 {
		if n, _ := fmt.Sscanf(text, "bytes %d-%d/", &first, &last); n != 2 || !strings.HasSuffix(text, "/*") {
			return 0, false
		}
		total = size
	}
	return last + 1, first == s.start && last >= first && last < s.end && total == size
}

// whole brings the file from a server without ranges, in one stream, and from
// the start again where that breaks.
func (d *download) whole(ctx context.Context, p *parts) error {
	return d.retry(ctx, func() (bool, error) {
		got := p.got
		d.report(0)
		err := d.wholeOnce(ctx, p)
		return p.got > got, err
	})
}

func (d *download) wholeOnce(ctx context.Context, p *parts) error {
	body, resp, err := d.request(ctx, nil)
	if err != nil {
		return err
	}
	defer body.Close()
	host := resp.Request.URL.Host
	if n := resp.ContentLength; n >= 0 && n != p.size {
		return failf("%s sends %d bytes for %s, which has %d on the hub", host, n, d.ref, p.size)
	}
	_, err = p.copy(body, 0, p.size, d.report)
	if err != nil {
		return d.broken(body.ctx, err, host)
	}
	if n, _ := io.ReadFull(body, make([]byte, 1)); n > 0 {
		return failf("%s sends more than the %d bytes that %s has on the hub", host, p.size, d.ref)
	}
	return nil
}

// unsized brings a file whose size the server does not say.
func (d *download) unsized(ctx context.Context) error {
	path := d.blob + partsSuffix
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return d.writable(err)
	}
	os.Remove(d.blob + doneSuffix)
	var size int64
	err = d.retry(ctx, func() (bool, error) {
		if err := f.Truncate(0); err != nil {
			return false, d.writable(err)
		}
		size, err = d.unsizedOnce(ctx, f)
		return false, err
	})
	if err == nil {
		h := d.newHash(size)
		if _, err = io.Copy(h, io.NewSectionReader(f, 0, size)); err == nil {
			err = d.check(fmt.Sprintf("%x", h.Sum(nil)))
		}
	}
	if err == nil {
		err = f.Sync()
	}
	f.Close()
	if err != nil {
		os.Remove(path)
		return err
	}
	return d.writable(os.Rename(path, d.blob))
}

func (d *download) unsizedOnce(ctx context.Context, f *os.File) (int64, error) {
	body, resp, err := d.request(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer body.Close()
	if resp.ContentLength > 0 {
		if err := d.room(d.ref, resp.ContentLength); err != nil {
			return 0, err
		}
	}
	d.report(0)
	var size int64
	buf := make([]byte, 128<<10)
	for size <= maxSize {
		n, err := body.Read(buf)
		if _, werr := f.WriteAt(buf[:n], size); werr != nil {
			return 0, d.writable(werr)
		}
		size += int64(n)
		d.advance(int64(n))
		if errors.Is(err, io.EOF) {
			return size, nil
		}
		if err != nil {
			return 0, d.broken(body.ctx, err, resp.Request.URL.Host)
		}
	}
	return 0, failf("%s sends more than %d GiB for %s", resp.Request.URL.Host, maxSize>>30, d.ref)
}

// request asks for the file at the version that was found, whole or a range of
// it, and makes sure that all answers are of the same file.
func (d *download) request(ctx context.Context, header http.Header) (*stream, *http.Response, error) {
	w, err := d.open()
	if err != nil {
		return nil, nil, err
	}
	u := w.address(d.ref.Repo+"/resolve", d.meta.commit, d.ref.File)
	ctx, cancel := context.WithCancelCause(ctx)
	resp, err := d.get(ctx, w.follow, http.MethodGet, u, header, d.ref)
	if err != nil {
		cancel(nil)
		return nil, nil, err
	}
	body := d.watch(ctx, resp.Body, cancel)
	if !d.sameTag(resp.Header.Get("Etag")) {
		body.Close()
		return nil, nil, errChanged
	}
	return body, resp, nil
}

// sameTag compares the etag of an answer with that of the first one. Weak ones
// say nothing about bytes.
func (d *download) sameTag(tag string) bool {
	if !strings.HasPrefix(tag, `"`) {
		return true
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.tag == "" {
		d.tag = tag
	}
	return d.tag == tag
}

// broken sorts the errors of copying a body to the disk.
func (d *download) broken(ctx context.Context, err error, host string) error {
	var w writeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &w):
		return d.writable(w.error)
	}
	return d.unreachable(ctx, err, host)
}
