#!/usr/bin/env bash
# 2026-11-28, github.com/vulkan-go/vulkan v0.0.0-20221209234627-c0a353ae26c8, Debian 12
# with libvulkan1 1.3.239, Go 1.26.
#
# Expected: the default loader finds Vulkan wherever drivers and their loader are
# installed, as vulkaninfo does.
# Seen: it opens libvulkan.so, a link that only development packages install. Where
# there is libvulkan.so.1 alone, which is what users have, it says "error loading
# default getProcAddr". A program has to open the library itself and hand over the
# address of vkGetInstanceProcAddr.
#
# Needs Go, a C compiler and dpkg (the library is unpacked, not installed).
set -euo pipefail
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
cd "$dir"
apt-get download -qq libvulkan1 >/dev/null 2>&1
dpkg-deb -x libvulkan1_*.deb root
lib=$(dirname "$dir"/root/usr/lib/*/libvulkan.so.1)
cat >main.go <<'GO'
package main

/*
#cgo LDFLAGS: -ldl
#include <dlfcn.h>
static void *users_have(void) {
	void *lib = dlopen("libvulkan.so.1", RTLD_NOW);
	return lib ? dlsym(lib, "vkGetInstanceProcAddr") : 0;
}
*/
import "C"

import (
	"fmt"

	vk "github.com/vulkan-go/vulkan"
)

func main() {
	fmt.Println(C.users_have() != nil, vk.SetDefaultGetInstanceProcAddr())
}
GO
go mod init finding >/dev/null 2>&1
go get github.com/vulkan-go/vulkan@v0.0.0-20221209234627-c0a353ae26c8 >/dev/null 2>&1
CGO_ENABLED=1 go build -o finding .
if ldconfig -p | grep -q 'libvulkan\.so '; then echo "libvulkan.so is installed here: cannot be shown"; exit 0; fi
saw=$(LD_LIBRARY_PATH=$lib ./finding)
echo "libvulkan.so.1 opens, and what the default loader says: $saw"
[ "$saw" = "true vulkan: error loading default getProcAddr" ] || { echo "this has changed"; exit 1; }
