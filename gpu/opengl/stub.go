//go:build !cgo || !opengl || !(linux || windows)

package opengl

import (
	"fmt"

	"bitnet-gpu/engine/compute"
	"bitnet-gpu/gpu/driver"
)

var errBuild = fmt.Errorf("opengl: not in this build: %w", compute.ErrUnavailable)

// Open returns compute.ErrUnavailable.
func Open(Options) (driver.Device, error) { return nil, errBuild }

// Devices returns compute.ErrUnavailable.
func Devices(Options) ([]driver.Candidate, error) { return nil, errBuild }
