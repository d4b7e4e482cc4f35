package hub

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A failure is an error of the network, the hub or a checksum, in one sentence.
type failure struct {
	text  string
	cause error // may be nil
}

func (f *failure) Error() string        { return f.text }
func (f *failure) Unwrap() error        { return f.cause }
func (f *failure) Is(target error) bool { return target == ErrNetwork }

func failf(format string, args ...any) error { return &failure{text: fmt.Sprintf(format, args...)} }

// A passing error may not come again.
type passing struct {
	error
	after time.Duration // what the server asks to wait
}

func (p passing) Unwrap() error { return p.error }

// A web is the HTTP side of a client. It puts the token on requests to the
// endpoint, wherever they come from, and on no other, and it decides where a
// redirect may lead.
type web struct {
	endpoint  *url.URL
	token     string
	transport *http.Transport
	follow    *http.Client // follows redirects, by the rules of allowed
	stop      *http.Client // returns them

	mu      sync.Mutex
	proxies map[string]bool // host:port that the environment names
	home    netip.Addr      // where the endpoint was found
}

func (c *Client) open() (*web, error) {
	c.once.Do(func() {
		u, err := c.endpoint()
		if err != nil {
			c.bad = err
			return
		}
		w := &web{endpoint: u, token: c.Token, proxies: map[string]bool{}}
		w.transport = &http.Transport{
			Proxy:                  w.proxy,
			DialContext:            w.dial,
			TLSClientConfig:        &tls.Config{RootCAs: c.roots},
			TLSHandshakeTimeout:    15 * time.Second,
			ResponseHeaderTimeout:  or(c.idle, 30*time.Second),
			MaxResponseHeaderBytes: 256 << 10,
			MaxIdleConnsPerHost:    or(c.workers, 4),
			IdleConnTimeout:        30 * time.Second,
			DisableCompression:     true,
			Protocols:              new(http.Protocols),
		}
		w.transport.Protocols.SetHTTP1(true) // HTTP/2 would send parallel ranges through one connection
		w.follow = &http.Client{Transport: w, CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) >= 10 {
				return failf("%s redirects in a circle", u.Host)
			}
			return w.allowed(r.URL)
		}}
		w.stop = &http.Client{Transport: w, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		c.web = w
	})
	return c.web, c.bad
}

// ours reports whether a request goes to the endpoint itself.
func (w *web) ours(u *url.URL) bool {
	return u.Scheme == w.endpoint.Scheme && strings.EqualFold(u.Host, w.endpoint.Host)
}

// allowed says whether a redirect may lead to u. Where a name resolves to, dial
// checks.
func (w *web) allowed(u *url.URL) error {
	if w.ours(u) {
		return nil
	}
	if u.Scheme != "https" {
		return failf("%s redirects to %s://%s: only https is followed", w.endpoint.Host, u.Scheme, u.Host)
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil && !w.reachable(ip) {
		return failf("%s redirects to the private address %s: not followed", w.endpoint.Host, u.Host)
	}
	return nil
}

// RoundTrip sends a request with what every request carries.
func (w *web) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("User-Agent", "bitnet-gpu")
	r.Header.Set("Accept-Encoding", "identity") // ranges are of the file, not of a compressed form
	r.Header.Del("Referer")                     // signed addresses concern no other host
	r.Header.Del("Authorization")
	if w.token != "" && w.ours(r.URL) {
		r.Header.Set("Authorization", "Bearer "+w.token)
	}
	return w.transport.RoundTrip(r)
}

// proxy is the environment's proxy, remembered as a place that may be dialled.
func (w *web) proxy(r *http.Request) (*url.URL, error) {
	u, err := http.ProxyFromEnvironment(r)
	if u != nil {
		w.mu.Lock()
		w.proxies[hostPort(u)] = true
		w.mu.Unlock()
	}
	return u, err
}

func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// dial connects. The endpoint and a proxy are the user's choice; any other host
// came from a redirect and must not resolve to a private address.
func (w *web) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	d := net.Dialer{Timeout: 15 * time.Second}
	w.mu.Lock()
	chosen := w.proxies[addr]
	w.mu.Unlock()
	if !chosen && addr != hostPort(w.endpoint) {
		d.Control = func(_, address string, _ syscall.RawConn) error {
			ap, err := netip.ParseAddrPort(address)
			if err != nil || !w.reachable(ap.Addr()) {
				return failf("%s redirects to %s, which is the private address %s: not followed", w.endpoint.Host, addr, address)
			}
			return nil
		}
	}
	conn, err := d.DialContext(ctx, network, addr)
	if err == nil && addr == hostPort(w.endpoint) {
		if ap, err := netip.ParseAddrPort(conn.RemoteAddr().String()); err == nil {
			w.mu.Lock()
			w.home = ap.Addr().Unmap()
			w.mu.Unlock()
		}
	}
	return conn, err
}

// met reports whether the endpoint was ever connected to.
func (w *web) met() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.home.IsValid()
}

// Shared address space (RFC 6598) and IPv6 that carries IPv4 (RFC 6052, 3056)
// are no public places either.
var privateToo = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("64:ff9b::/96"),
	netip.MustParsePrefix("2002::/16"),
}

// reachable reports whether a redirect may lead to an address: a public one, or
// one of the sort (loopback, private) that the endpoint itself has.
func (w *web) reachable(ip netip.Addr) bool {
	ip = ip.Unmap()
	w.mu.Lock()
	home := w.home
	w.mu.Unlock()
	switch {
	case ip.IsLoopback():
		return home.IsLoopback()
	case ip.IsPrivate():
		return home.IsPrivate()
	}
	for _, p := range privateToo {
		if p.Contains(ip) {
			return false
		}
	}
	return ip.IsGlobalUnicast() // not link-local, multicast or unspecified
}

// get sends a GET or HEAD, and returns an answer that is not an error. What may
// pass is a passing error.
func (c *Client) get(ctx context.Context, client *http.Client, method string, u *url.URL, header http.Header, ref Ref) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, u.String(), nil)
	if err != nil {
		return nil, failf("%s: %v", u.Host, err)
	}
	for k, v := range header {
		r.Header[k] = v
	}
	resp, err := client.Do(r)
	if err != nil {
		return nil, c.unreachable(ctx, err, u.Host)
	}
	if resp.StatusCode >= 400 {
		defer resp.Body.Close()
		return nil, c.refusal(resp, ref)
	}
	if e := resp.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		resp.Body.Close()
		return nil, failf("%s sends %s in the encoding %.20q, though it was asked not to", resp.Request.URL.Host, ref, e)
	}
	return resp, nil
}

// unreachable sorts the errors of a request or of reading its answer.
func (c *Client) unreachable(ctx context.Context, err error, host string) error {
	if cause := context.Cause(ctx); cause != nil {
		if errors.Is(cause, errStalled) {
			return passing{error: failf("%s sends nothing for %v", host, or(c.idle, 30*time.Second))}
		}
		return cause
	}
	if f := (*failure)(nil); errors.As(err, &f) {
		return f
	}
	if u := (*url.Error)(nil); errors.As(err, &u) {
		err = u.Err // the address may hold a signature
	}
	f := &failure{text: fmt.Sprintf("cannot read from %s: %v", host, err), cause: err}
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var op *net.OpError
	if errors.As(err, &dns) && dns.IsNotFound || errors.As(err, &cert) {
		return f
	}
	if errors.As(err, &op) && op.Op == "dial" && !c.web.met() {
		return f // why wait: the user sees sooner that there is no network
	}
	return passing{error: f}
}

// refusal is what an answer of 400 or more means, with what to do.
func (c *Client) refusal(resp *http.Response, ref Ref) error {
	host, code := resp.Request.URL.Host, resp.Header.Get("X-Error-Code")
	switch status := resp.StatusCode; {
	case status == 416:
		return errNoRanges
	case code == "GatedRepo":
		if c.Token == "" {
			return failf("%s is gated: accept its licence at %s/%s and set HF_TOKEN to a token of that account", ref, c.web.endpoint, ref.Repo)
		}
		return failf("%s is gated, and the account of HF_TOKEN may not read it: accept its licence at %s/%s", ref, c.web.endpoint, ref.Repo)
	case code == "RepoNotFound" && c.Token == "", status == 401 && c.Token == "":
		return failf("%s has no public repository %s: check the name; for a private one set HF_TOKEN", host, ref.Repo)
	case code == "RepoNotFound":
		return failf("%s has no repository %s that the account of HF_TOKEN may read: check the name", host, ref.Repo)
	case status == 401:
		return failf("%s does not accept the token in HF_TOKEN: renew it", host)
	case status == 403:
		return failf("%s forbids to read %s: the account of HF_TOKEN has no right to it", host, ref)
	case code == "RevisionNotFound":
		return failf("%s has no revision %s of %s", host, ref.revision(), ref.Repo)
	case status == 404 && ref.File != "":
		return &failure{text: fmt.Sprintf("%s has no file %s in %s", host, ref.File, ref.whole()), cause: errNoFile}
	case status == 404:
		return failf("%s has no repository %s", host, ref.Repo)
	case status == 429, status == 408, status >= 500 && status != 501 && status != 505:
		return c.busy(resp, host)
	}
	return failf("%s answers %d %s for %s", host, resp.StatusCode, http.StatusText(resp.StatusCode), ref)
}

// busy is an answer that asks to come again later.
func (c *Client) busy(resp *http.Response, host string) error {
	after := retryAfter(resp.Header.Get("Retry-After"), time.Now())
	f := failf("%s answers %d %s", host, resp.StatusCode, http.StatusText(resp.StatusCode))
	if resp.StatusCode == http.StatusTooManyRequests {
		hint := ""
		if c.Token == "" {
			hint = "; with a token in HF_TOKEN the limit is higher"
		}
		when := "later"
		if after > 0 {
			when = fmt.Sprintf("in %v", after.Round(time.Second))
		}
		f = failf("%s limits the rate of requests: try again %s%s", host, when, hint)
	}
	if after > or(c.patient, time.Minute) {
		return f
	}
	return passing{f, after}
}

// retryAfter reads the header: seconds or a date.
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(text); err == nil {
		return time.Duration(max(0, min(seconds, 1<<20))) * time.Second
	}
	if date, err := http.ParseTime(text); err == nil {
		return max(0, date.Sub(now))
	}
	return 0
}

// retry calls try until it succeeds or fails for good. Failures in a row are
// counted from the last try that got on.
func (c *Client) retry(ctx context.Context, try func() (progress bool, err error)) error {
	const most = 1000 // a server that sends a byte at a time gets on too
	failures := 0
	for range most {
		progress, err := try()
		var p passing
		if !errors.As(err, &p) {
			return err
		}
		if progress {
			failures = 0
		}
		if failures++; failures >= or(c.tries, 5) {
			return p.error
		}
		wait := max(or(c.pause, 500*time.Millisecond)<<(failures-1), p.after)
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(wait):
		}
	}
	return failf("%s: the connection broke %d times: given up", c.web.endpoint.Host, most)
}

var errStalled = errors.New("stalled")

// A stream is the body of an answer, whose silence ends its context.
type stream struct {
	io.ReadCloser
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer
	idle   time.Duration
}

func (s *stream) Read(p []byte) (int, error) {
	s.timer.Reset(s.idle)
	return s.ReadCloser.Read(p)
}

func (s *stream) Close() error {
	s.timer.Stop()
	s.cancel(nil)
	return s.ReadCloser.Close()
}

// watch makes a stream of a body; cancel belongs to ctx.
func (c *Client) watch(ctx context.Context, body io.ReadCloser, cancel context.CancelCauseFunc) *stream {
	idle := or(c.idle, 30*time.Second)
	return &stream{body, ctx, cancel, time.AfterFunc(idle, func() { cancel(errStalled) }), idle}
}
