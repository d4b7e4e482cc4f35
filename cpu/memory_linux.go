package cpu

import (
	"bufio"
	"bytes"
	"math"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// memoryLeft returns the bytes this process may still take, by the tightest of
// the machine, its control group and its own limits, and which one that is.
func memoryLeft() (left int64, where string) {
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

// cgroupLeft returns what a version 2 control group allows beyond what it
// already holds without the page cache, or -1.
func cgroupLeft() int64 {
	const dir = "/sys/fs/cgroup/"
	limit, used := readNumber(dir+"memory.max"), readNumber(dir+"memory.current")
	if limit < 0 || used < 0 {
		return -1
	}
	if data, err := os.ReadFile(dir + "memory.stat"); err == nil {
		for line := range strings.Lines(string(data)) {
			if n, ok := strings.CutPrefix(line, "file "); ok {
				if cached, err := strconv.ParseInt(strings.TrimSpace(n), 10, 64); err == nil {
					used -= cached
				}
			}
		}
	}
	return max(limit-used, 0)
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
	return max(int64(limit.Cur)-pages*int64(os.Getpagesize()), 0)
}
