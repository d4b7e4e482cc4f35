package driver

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"bitnet-gpu/engine/compute"
)

// A Candidate is a device that was found, and whether it would be opened.
type Candidate struct {
	Info   Info
	Chosen bool
	Why    string // why it was not chosen
}

// Mark says of each candidate whether it is the one to use, or why it is not;
// those that have a Why already cannot be used. Of those that can be, and are
// named if a name is given, the best is: discrete before integrated before
// virtual ones, and then the one with the most memory. A device that runs on
// the CPU has to be allowed, by the caller or by BITNET_GPU_SOFTWARE=1, or
// named: by its index, the start of its ID, or part of its name.
func Mark(list []Candidate, name string, software bool) {
	software = software || os.Getenv("BITNET_GPU_SOFTWARE") == "1"
	best := -1
	for i := range list {
		c := &list[i]
		switch {
		case c.Why != "":
		case name != "" && !named(c.Info, i, name):
			c.Why = fmt.Sprintf("is not %q", name)
		case name == "" && c.Info.Type == Software && !software:
			c.Why = "runs on the CPU, where the CPU backend is faster"
		case best < 0 || better(c.Info, list[best].Info):
			best = i
		}
	}
	for i := range list {
		if list[i].Chosen = i == best; !list[i].Chosen && list[i].Why == "" {
			list[i].Why = list[best].Info.Device + " goes first"
		}
	}
}

func named(info Info, index int, name string) bool {
	lower := strings.ToLower(name)
	return name == strconv.Itoa(index) ||
		len(name) >= 8 && strings.HasPrefix(info.ID, lower) ||
		!digits(name) && strings.Contains(strings.ToLower(info.Device), lower)
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }

func better(a, b Info) bool {
	return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(b.Memory, a.Memory)) < 0
}

// Chosen returns the index of the chosen one, or an error that says why there is
// none.
func Chosen(api string, list []Candidate) (int, error) {
	if len(list) == 0 {
		return 0, fmt.Errorf("%s: no device: %w", api, compute.ErrUnavailable)
	}
	if i := slices.IndexFunc(list, func(c Candidate) bool { return c.Chosen }); i >= 0 {
		return i, nil
	}
	var why []string
	for i, c := range list {
		why = append(why, fmt.Sprintf("%d %s: %s", i, c.Info.Device, c.Why))
	}
	return 0, fmt.Errorf("%s: no device to use: %s: %w", api, strings.Join(why, "; "), compute.ErrUnavailable)
}
