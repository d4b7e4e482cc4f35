package cpu

import (
	"bufio"
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// MemoryLeft returns the bytes this process may still take, by the tightest of
// the machine, its control group and its own limits, and which one that is.
func MemoryLeft() (left int64, where string) {
	left, where = -1, ""
	offer := func(n int64, name string) {
		if n >= 0 && (left < 0 || n < left) {
			left, where = n, name
		}
	}
	offer(meminfo("MemAvailable:"), "the machine")
	offer(cgroupLeft(), "the control group")
	offer(limitLeft(), "the process's limit of address space (ulimit -v)")
	return left, where
}

// meminfo returns a line of /proc/meminfo in bytes, or -1.
func meminfo(key string) int64 {
	data, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return -1
	}
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		f := strings.Fields(lines.Text())
		if len(f) >= 2 && f[0] == key {
			if n, err := strconv.ParseInt(f[1], 10, 64); err == nil {
				return n << 10
			}
		}
	}
	return -1
}

// cgroupLeft returns what the control groups of the process, of version 1 or 2,
// allow beyond what they hold without the page cache, or -1.
func cgroupLeft() int64 {
	left := int64(-1)
	for _, g := range groups("/proc/self/cgroup", "/sys/fs/cgroup", "memory") {
		limit, used := "memory.max", "memory.current"
		if g.v1 {
			limit, used = "memory.limit_in_bytes", "memory.usage_in_bytes"
		}
		if n := groupLeft(g.dir, limit, used); n >= 0 && (left < 0 || n < left) {
			left = n
		}
	}
	return left
}

// groupLeft is what one control group leaves, or -1.
func groupLeft(dir, limit, used string) int64 {
	top, now := readNumber(filepath.Join(dir, limit)), readNumber(filepath.Join(dir, used))
	if top < 0 || now < 0 || top > 1<<60 { // 2^63 less a page is version 1's "max"
		return -1
	}
	stat, _ := os.ReadFile(filepath.Join(dir, "memory.stat"))
	for line := range strings.Lines(string(stat)) {
		f := strings.Fields(line)
		if len(f) == 2 && (f[0] == "file" || f[0] == "total_cache") {
			if cached, err := strconv.ParseInt(f[1], 10, 64); err == nil {
				now -= cached
			}
		}
	}
	return max(top-now, 0)
}

func readNumber(path string) int64 {
	data, err := os.ReadFile(path)
	if err != nil {
		return -1
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64)
	if err != nil {
		return -1 // "max"
	}
	return n
}

// limitLeft returns what RLIMIT_AS leaves, or -1.
func limitLeft() int64 {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_AS, &limit) != nil || limit.Cur > math.MaxInt64 {
		return -1
	}
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return -1
	}
	pages, err := strconv.ParseInt(strings.Fields(string(data))[0], 10, 64)
	if err != nil {
		return -1
	}
	const reserve = 256 << 20 // for the runtime, which takes address space in large steps
	return max(int64(limit.Cur)-pages*int64(os.Getpagesize())-reserve, 0)
}
