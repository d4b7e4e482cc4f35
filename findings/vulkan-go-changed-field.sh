#!/usr/bin/env bash
# 2026-11-28, github.com/vulkan-go/vulkan v0.0.0-20221209234627-c0a353ae26c8, Go 1.26, Linux.
#
# Expected: a structure that is passed to Vulkan a second time, after one of its
# fields was changed, reaches Vulkan with the new value.
# Seen: the copy for C that the first call made is kept with the structure and used
# again, so the second call silently has the old value: a buffer of 1024 bytes where
# 4096 were asked for. Free() between the calls, or a new structure, cures it.
#
# Needs Go and a C compiler; no Vulkan library, for PassRef is what every call begins
# with and Deref reads what C would be given.
set -euo pipefail
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
cd "$dir"
cat >main.go <<'GO'
package main

import (
	"fmt"

	vk "github.com/vulkan-go/vulkan"
)

// given returns the size that C is given.
func given(info *vk.BufferCreateInfo) vk.DeviceSize {
	info.PassRef()
	info.Deref()
	return info.Size
}

func main() {
	info := vk.BufferCreateInfo{SType: vk.StructureTypeBufferCreateInfo, Size: 1024}
	first := given(&info)
	info.Size = 4096
	second := given(&info)
	info.Free()
	info.Size = 4096
	fmt.Println(first, second, given(&info))
}
GO
go mod init finding >/dev/null 2>&1
go get github.com/vulkan-go/vulkan@v0.0.0-20221209234627-c0a353ae26c8 >/dev/null 2>&1
saw=$(CGO_ENABLED=1 go run .)
echo "sizes that C is given for 1024, then 4096, then 4096 after Free: $saw"
[ "$saw" = "1024 1024 4096" ] || { echo "this has changed"; exit 1; }
