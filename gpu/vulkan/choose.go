//go:build cgo && (linux || windows) && (amd64 || arm64)

package vulkan

// #include "shim.h"
import "C"

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"bitnet-gpu/engine/compute"
	"bitnet-gpu/gpu/driver"
)

// Devices lists all devices there are, in the order in which indices count
// them, and why each was chosen or not.
func Devices(opt Options) ([]driver.Candidate, error) {
	in, found, err := find()
	if err != nil {
		return nil, err
	}
	defer C.shim_instance_free(in)
	return candidates(found, opt.Device, softwareAllowed(opt)), nil
}

// candidates says of each device why it is not the one to use. Of those that
// can be used, and are named if a name is given, the best is: discrete before
// integrated before virtual ones, and then the one with the most memory. A
// device that runs on the CPU has to be allowed or named.
func candidates(found []physical, name string, software bool) []driver.Candidate {
	list := make([]driver.Candidate, len(found))
	best := -1
	for i, p := range found {
		c, info := &list[i], p.info
		c.Info = info
		switch {
		case p.reject != nil:
			c.Why = p.reject.Error()
		case name != "" && !named(info, i, name):
			c.Why = fmt.Sprintf("is not %q", name)
		case name == "" && info.Type == driver.Software && !software:
			c.Why = "runs on the CPU, where the CPU backend is faster"
		case best < 0 || better(info, found[best].info):
			best = i
		}
	}
	for i := range list {
		if i == best {
			list[i].Chosen = true
		} else if list[i].Why == "" {
			list[i].Why = found[best].info.Device + " goes first"
		}
	}
	return list
}

func named(info driver.Info, index int, name string) bool {
	lower := strings.ToLower(name)
	return name == strconv.Itoa(index) ||
		len(name) >= 8 && strings.HasPrefix(info.ID, lower) ||
		!digits(name) && strings.Contains(strings.ToLower(info.Device), lower)
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }

func better(a, b driver.Info) bool {
	return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(b.Memory, a.Memory)) < 0
}

// choose returns the index of the chosen one, or an error that says why there
// is none.
func choose(list []driver.Candidate) (int, error) {
	if len(list) == 0 {
		return 0, fmt.Errorf("vulkan: no device: %w", compute.ErrUnavailable)
	}
	if i := slices.IndexFunc(list, func(c driver.Candidate) bool { return c.Chosen }); i >= 0 {
		return i, nil
	}
	var why []string
	for i, c := range list {
		why = append(why, fmt.Sprintf("%d %s: %s", i, c.Info.Device, c.Why))
	}
	return 0, fmt.Errorf("vulkan: no device to use: %s: %w", strings.Join(why, "; "), compute.ErrUnavailable)
}
