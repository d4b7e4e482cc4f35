package cpu

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A group is the directory of a control group.
type group struct {
	dir string
	v1  bool // version 1 of the interface
}

// groups returns the control groups that bind the process for a controller, its
// own and those above it. self is /proc/self/cgroup and root where the groups
// are mounted.
func groups(self, root, controller string) []group {
	var list []group
	data, _ := os.ReadFile(self) // lines "0::/path" and "4:memory:/path"
	for line := range strings.Lines(string(data)) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) != 3 {
			continue
		}
		v1, base := f[0] != "0", root
		if v1 {
			if !slices.Contains(strings.Split(f[1], ","), controller) {
				continue
			}
			base = filepath.Join(root, controller)
		}
		for dir := filepath.Clean("/" + f[2]); ; dir = filepath.Dir(dir) {
			list = append(list, group{filepath.Join(base, dir), v1})
			if dir == "/" {
				break
			}
		}
	}
	return list
}

// allowedTime returns how many processors' time the control groups leave the
// process, in whole ones and at least 1, or 0 where they set no limit. Go's own
// reading of it is never below 2, which with threads that spin is one too many.
func allowedTime(self, root string) int {
	least := 0
	for _, g := range groups(self, root, "cpu") {
		if n := g.processors(); n > 0 && (least == 0 || n < least) {
			least = n
		}
	}
	return least
}

// processors returns a group's own limit as allowedTime does.
func (g group) processors() int {
	var quota, period string
	if g.v1 {
		quota, period = readWord(g.dir, "cpu.cfs_quota_us", 0), readWord(g.dir, "cpu.cfs_period_us", 0)
	} else {
		quota, period = readWord(g.dir, "cpu.max", 0), readWord(g.dir, "cpu.max", 1)
	}
	q, err1 := strconv.ParseInt(quota, 10, 64) // "max", and -1 in version 1: no limit
	p, err2 := strconv.ParseInt(period, 10, 64)
	if err1 != nil || err2 != nil || q <= 0 || p <= 0 {
		return 0
	}
	return int(max(min(q/p, 1<<20), 1))
}

// readWord returns a word of a file, or "".
func readWord(dir, name string, i int) string {
	data, _ := os.ReadFile(filepath.Join(dir, name))
	if words := strings.Fields(string(data)); i < len(words) {
		return words[i]
	}
	return ""
}
