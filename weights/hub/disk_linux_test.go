package hub

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

// disk mounts a disk of this many bytes. That takes root; BITNET_TEST_REQUIRE may
// name mount.
func disk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("none", dir, "tmpfs", 0, "size="+size); err != nil {
		if slices.Contains(strings.Split(os.Getenv("BITNET_TEST_REQUIRE"), ","), "mount") {
			t.Fatalf("BITNET_TEST_REQUIRE has mount: %v", err)
		}
		t.Skip("no disk to be mounted here: ", err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	return dir
}

// TestFullDisk fills the disk during a pull; once there is room again the pull
// goes on. Then the disk is read-only: what is there still serves.
func TestFullDisk(t *testing.T) {
	data := randomBytes(1_000_000)
	root := disk(t, "1500k")
	fill := filepath.Join(root, "fill")
	h := newHub(t, data)
	var bodies atomic.Int64
	h.twisted(func(w http.ResponseWriter, r *http.Request) bool {
		if isBody(r) && bodies.Add(1) == 10 {
			os.WriteFile(fill, make([]byte, 1_400_000), 0o644) // as much as there is room for
		}
		return false
	})
	c := h.client(t)
	c.Cache = filepath.Join(root, "hub")
	_, err := c.Fetch(background, testRef, nil)
	if !errors.Is(err, unix.ENOSPC) || errors.Is(err, ErrNetwork) || !strings.Contains(err.Error(), "is full: free some space and pull again, or set HF_HUB_CACHE") {
		t.Fatalf("error %v", err)
	}
	h.Close() // which waits for what fills the disk
	os.Remove(fill)
	h = newHub(t, data)
	again := h.client(t)
	again.Cache = c.Cache
	c = again
	path := fetch(t, c, data)

	if err := unix.Mount("none", root, "tmpfs", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	if p := fetch(t, c, data); p != path {
		t.Errorf("%s, then %s", path, p)
	}
	if _, err := c.Fetch(background, Ref{Repo: testRef.Repo, File: "README.md"}, nil); !errors.Is(err, unix.EROFS) || !strings.Contains(err.Error(), "cannot be written: set HF_HUB_CACHE to a folder of yours") {
		t.Errorf("a new file: %v", err)
	}
}

// TestSmallDisk asks for the room before it asks for bytes.
func TestSmallDisk(t *testing.T) {
	h := newHub(t, randomBytes(1_000_000))
	c := h.client(t)
	c.Cache = filepath.Join(disk(t, "500k"), "hub")
	if _, err := c.Fetch(background, testRef, nil); err == nil || !strings.Contains(err.Error(), "needs 1000000 bytes more in the cache") || len(h.taken()) > 0 {
		t.Errorf("error %v", err)
	}
}
