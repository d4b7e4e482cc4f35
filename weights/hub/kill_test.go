package hub

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"
)

// TestMain lets this program be the one that is killed.
func TestMain(m *testing.M) {
	if endpoint := os.Getenv("HUB_TEST_PULL"); endpoint != "" {
		c := &Client{Endpoint: endpoint, Cache: os.Getenv("HUB_TEST_CACHE"), block: 4096, span: 16, workers: 3}
		if _, err := c.Fetch(background, testRef, nil); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestKill kills a pull at ten random moments. Each run goes on where the last
// one was: what is in the map of blocks is not asked for again, and no more than
// the blocks that the workers had in hand is lost.
func TestKill(t *testing.T) {
	data := randomBytes(20_000_000)
	h := newHub(t, data)
	h.twisted(func(w http.ResponseWriter, r *http.Request) bool {
		h.serve(&slow{w}, r)
		return true
	})
	c := &Client{Cache: t.TempDir()}
	etag := etagOf(testRef.File, data)
	blob := c.repo(testRef.Repo).blob(etag)
	command := func() *exec.Cmd {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "HUB_TEST_PULL="+h.URL, "HUB_TEST_CACHE="+c.Cache)
		cmd.Stderr = os.Stderr
		return cmd
	}
	var verified int64
	kills := 0
	for kills < 10 {
		have := blocks(t, blob)
		if n := int64(bytes.Count(have, []byte{'#'})) * 4096; n < verified {
			t.Fatalf("%d bytes were there, now %d", verified, n)
		} else {
			verified = n
		}
		cmd := command()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		more := bytes.Count(have, []byte{'#'}) + 1 + rand.IntN(300)
		for end := time.Now().Add(time.Minute); bytes.Count(blocks(t, blob), []byte{'#'}) < more && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err == nil {
			t.Fatalf("the pull was done before kill %d", kills+1)
		}
		kills++
		notAgain(t, h.taken(), have)
	}
	have := blocks(t, blob)
	h.twisted(nil)
	cmd := command()
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	notAgain(t, h.taken(), have)
	compare(t, blob, data)
	if n := bytes.Count(have, []byte{'#'}); n == 0 {
		t.Error("nothing was there before the last run")
	}
	if left := c.repo(testRef.Repo).unfinished(); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
	t.Logf("ten kills; %d of %d bytes were there before the last run", bytes.Count(have, []byte{'#'})*4096, len(data))
}

// blocks reads the map of an unfinished pull: '#' for what is there.
func blocks(t *testing.T, blob string) []byte {
	text, err := os.ReadFile(blob + doneSuffix)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	_, have, _ := bytes.Cut(text, []byte{'\n'})
	return have
}

// notAgain checks that no request covers a block that was there.
func notAgain(t *testing.T, asked []span, have []byte) {
	t.Helper()
	for _, s := range asked {
		for i := s.start / 4096; i*4096 < s.end && i < int64(len(have)); i++ {
			if have[i] == '#' {
				t.Fatalf("block %d was there and asked for again in [%d, %d)", i, s.start, s.end)
			}
		}
	}
}

// slow sends its bytes bit by bit.
type slow struct{ http.ResponseWriter }

func (s *slow) Write(p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var k int
		k, err = s.ResponseWriter.Write(p[n:min(len(p), n+2000)])
		n += k
		s.ResponseWriter.(http.Flusher).Flush()
		time.Sleep(2 * time.Millisecond)
	}
	return n, err
}
