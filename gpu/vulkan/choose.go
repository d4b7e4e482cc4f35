//go:build cgo && (linux || windows) && (amd64 || arm64)

package vulkan

import "bitnet-gpu/gpu/driver"

// Devices lists all devices there are, in the order in which indices count
// them, and why each was chosen or not.
func Devices(opt Options) ([]driver.Candidate, error) {
	if err := acquire(); err != nil {
		return nil, err
	}
	defer release()
	found, err := find()
	if err != nil {
		return nil, err
	}
	return candidates(found, opt), nil
}

func candidates(found []physical, opt Options) []driver.Candidate {
	list := make([]driver.Candidate, len(found))
	for i, p := range found {
		list[i].Info = p.info
		if p.reject != nil {
			list[i].Why = p.reject.Error()
		}
	}
	driver.Mark(list, opt.Device, opt.Software)
	return list
}
