package main

import (
	"fmt"
	"strconv"
	"strings"
)

// An intList is a flag of numbers, as 1,2,4 or in ranges: 1-4 by ones, 0-4096+1024
// by steps, 128-1024*2 by factors. Given again, it goes on; the first one given
// takes the place of the default.
type intList struct {
	values []int
	given  bool
}

// Bounds of lists: more of them is a slip.
const (
	maxBenchNumber = 1 << 20
	maxBenchList   = 1000
)

func (l *intList) Type() string   { return "LIST" }
func (l *intList) String() string { return "" }

func (l *intList) Set(text string) error {
	if !l.given {
		l.values, l.given = nil, true
	}
	for item := range strings.SplitSeq(text, ",") {
		values, err := parseRange(item)
		if err != nil {
			return err
		}
		if l.values = append(l.values, values...); len(l.values) > maxBenchList {
			return fmt.Errorf("more than %d numbers", maxBenchList)
		}
	}
	return nil
}

// parseRange reads first, first-last, first-last+step and first-last*factor.
func parseRange(text string) ([]int, error) {
	bad := fmt.Errorf("%q is none of N, N-M, N-M+STEP, N-M*FACTOR", text)
	first, rest, isRange := strings.Cut(text, "-")
	if first == "" {
		return nil, bad
	}
	low, err := parseCount(first)
	if err != nil || !isRange {
		return []int{low}, err
	}
	last, step, factor := rest, "1", "1"
	if a, b, ok := strings.Cut(rest, "+"); ok {
		last, step = a, b
	} else if a, b, ok := strings.Cut(rest, "*"); ok {
		last, step, factor = a, "0", b
	}
	high, err1 := parseCount(last)
	add, err2 := parseCount(step)
	times, err3 := parseCount(factor)
	if err1 != nil || err2 != nil || err3 != nil || high < low || times == 0 || low*times+add <= low {
		return nil, bad
	}
	var list []int
	for n := low; n <= high; n = n*times + add {
		if list = append(list, n); len(list) > maxBenchList {
			return nil, fmt.Errorf("%q: more than %d numbers", text, maxBenchList)
		}
	}
	return list, nil
}

func parseCount(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%q is no number from 0 on", text)
	}
	if n > maxBenchNumber {
		return 0, fmt.Errorf("%d: at most %d", n, maxBenchNumber)
	}
	return n, nil
}

// A pairList is the flag -pg.
type pairList [][2]int

func (l *pairList) Type() string   { return "P,G" }
func (l *pairList) String() string { return "" }

func (l *pairList) Set(text string) error {
	a, b, ok := strings.Cut(text, ",")
	p, err1 := parseCount(a)
	g, err2 := parseCount(b)
	if !ok || err1 != nil || err2 != nil {
		return fmt.Errorf("%q: expected two numbers, as 512,128", text)
	}
	if *l = append(*l, [2]int{p, g}); len(*l) > maxBenchList {
		return fmt.Errorf("more than %d pairs", maxBenchList)
	}
	return nil
}
