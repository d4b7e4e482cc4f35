#!/usr/bin/env bash
# Every test of the project, on Debian with Go and gcc: installs what is missing,
# then checks the sources, the generated files, the tests on every kernel path
# (arm64 by emulation), on Vulkan and on OpenGL (by drivers that need no GPU), the
# race detector, and each fuzz target for a moment. At its end it prints what
# computed equal bits.
#
# BITNET_TEST_DATA     folder with llama3/tokenizer.model and golden2, which the project may not carry
# BITNET_TEST_REQUIRE  what must not be skipped: portable,avx2,avxvnni,avx512,avx512vbmi,amx,neon,data,llvm,vulkan,opengl,shadertools,torch,jinja2,
#                      sentencepiece, and machine: the paths of this processor, and torch where it runs
# BITNET_TEST_LONG     -v or so: the parity suite without -short (an hour on two cores), and the trainer
# BITNET_FUZZ_TIME     time for each fuzz target (3s)
set -euo pipefail
cd "$(dirname "$0")/.."
export CGO_ENABLED=1
# Every go command: no debug information, which nothing here reads, and no vetting
# beside the tests, which is a step of its own.
export GOFLAGS="${GOFLAGS:-} -gcflags=all=-dwarf=false -ldflags=-w -vet=off"

table=$(mktemp) # of the parity suite's results
export BITNET_TEST_TABLE=$table
trap 'rm -f "$table"' EXIT

step() { printf '\n== %s (%ss)\n' "$*" "$SECONDS"; }

untested=() # what this machine cannot test
skip() {
	echo "skipped: $*"
	untested+=("$*")
}

# only LIST NAMES... prints those of a comma list that are named.
only() {
	local list=$1 name; shift
	for name in "$@"; do case ",$list," in *",$name,"*) printf '%s,' "$name" ;; esac; done
}
require=${BITNET_TEST_REQUIRE:-}
known="machine portable avx2 avxvnni avx512 avx512vbmi amx neon data llvm vulkan opengl shadertools torch jinja2 sentencepiece"
for name in ${require//,/ }; do
	case " $known " in *" $name "*) ;; *) echo "BITNET_TEST_REQUIRE: $name is none of $known"; exit 2 ;; esac
done
machine=$(only "$require" machine)
listed=$(bash test/paths.sh)
paths= # of this processor
while read -r path lacks; do
	if [ -z "$lacks" ]; then
		paths+=$path,
	elif [ "$path" != neon ]; then # which is emulated
		untested+=("$path: the processor lacks $lacks; its kernels ran in an interpreter")
	fi
done <<<"$listed"
echo "this processor has the paths ${paths%,}"
[ -z "$machine" ] || require+=,$paths

# SwiftShader, the Vulkan device with the fewest features, is part of a package
# that needs no installing.
swiftshader=${XDG_CACHE_HOME:-$HOME/.cache}/bitnet-gpu-test/swiftshader

# apt runs apt-get, again while another process holds one of its locks: it waits
# by itself for dpkg's alone.
apt() {
	local tries=60 said
	until said=$(DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=600 "$@" 2>&1); do
		[[ $said == *"Could not get lock"* && $((tries--)) -gt 0 ]] || { echo "apt-get $1: $said"; return 1; }
		sleep 10
	done
}

# tools installs what is missing.
tools() {
	local missing=() unpacked
	command -v qemu-aarch64-static >/dev/null || missing+=(qemu-user-static)
	command -v llvm-mc >/dev/null || missing+=(llvm)
	command -v glslc >/dev/null || missing+=(glslc)
	command -v spirv-val >/dev/null || missing+=(spirv-tools)
	command -v glslangValidator >/dev/null || missing+=(glslang-tools)
	[ -e /usr/share/vulkan/explicit_layer.d/VkLayer_khronos_validation.json ] || missing+=(vulkan-validationlayers)
	ls /usr/share/vulkan/icd.d/lvp_icd.*.json >/dev/null 2>&1 || missing+=(libvulkan1 mesa-vulkan-drivers)
	ls /usr/lib/*/libEGL_mesa.so.0 >/dev/null 2>&1 || missing+=(libegl1 libgl1-mesa-dri)
	pkg-config --exists gl 2>/dev/null || missing+=(libgl-dev pkg-config)
	command -v vulkaninfo >/dev/null || missing+=(vulkan-tools)
	/usr/bin/python3 -c 'import jinja2' 2>/dev/null || missing+=(python3-jinja2)
	/usr/bin/python3 -c 'import sentencepiece' 2>/dev/null || missing+=(python3-sentencepiece)
	if [ -n "${BITNET_TEST_LONG:-}$(only "$require" torch machine)" ]; then
		/usr/bin/python3 -c 'import torch' 2>/dev/null || missing+=(python3-torch libopenblas0-pthread)
	fi
	if [ ${#missing[@]} -gt 0 ] && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
		apt update && apt install -y --no-install-recommends "${missing[@]}"
	fi
	if [ ! -e "$swiftshader/vk_swiftshader_icd.json" ] && command -v apt-get >/dev/null; then
		unpacked=$(mktemp -d)
		(cd "$unpacked" && apt download chromium-common && dpkg-deb -x chromium-common_*.deb .) || true
		if [ -e "$unpacked/usr/lib/chromium/vk_swiftshader_icd.json" ]; then
			mkdir -p "$swiftshader"
			cp "$unpacked"/usr/lib/chromium/{libvk_swiftshader.so,vk_swiftshader_icd.json} "$swiftshader/"
		fi
		rm -rf "$unpacked"
	fi
}

export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-/tmp}" # the Vulkan library asks for one
tools & # beside the steps that need only Go
installing=$!
go version

step gofmt
unformatted=$(git ls-files '*.go' | xargs gofmt -l)
[ -z "$unformatted" ] || { echo "gofmt would change: $unformatted"; exit 1; }

step vet
go vet ./...
for platform in linux/amd64 linux/arm64; do
	CGO_ENABLED=0 GOOS=${platform%/*} GOARCH=${platform#*/} go vet ./...
done
# What Windows imports is compiled for this alone, so quickly. TestPlatforms checks others.
CGO_ENABLED=0 GOOS=windows GOARCH=amd64 go vet -gcflags='all=-N -l -dwarf=false' ./...
CGO_ENABLED=0 go build ./...

step tools
wait $installing

step "vet with OpenGL"
go vet -tags opengl ./...
CGO_ENABLED=0 go build -tags opengl ./...
if command -v x86_64-w64-mingw32-gcc-posix >/dev/null; then # the C of Windows compiles, if it cannot run here
	GOOS=windows GOARCH=amd64 CC=x86_64-w64-mingw32-gcc-posix go build -tags opengl -o /dev/null ./cmd/bitnet-gpu
else
	skip "OpenGL and Vulkan on Windows: no x86_64-w64-mingw32-gcc-posix to compile them"
fi
if [ -n "$machine" ]; then
	code=0
	/usr/bin/python3 weights/demo/train/can_multiply.py || code=$?
	if [ $code -lt 128 ]; then # where it is not there, either: its test says so
		require+=,torch
	else
		untested+=("torch: killed by a product of matrices")
	fi
fi
native=$(only "$require" portable avx2 avxvnni avx512 avx512vbmi amx data llvm vulkan opengl shadertools torch jinja2 sentencepiece)
[ "$(uname -m)" = aarch64 ] && native=$(only "$require" portable neon data llvm vulkan opengl shadertools torch jinja2 sentencepiece)

step "generated files"
go generate ./...
changed=$(git status --porcelain -- '*.s' '*_amd64.go' '*_arm64.go')
[ -z "$changed" ] || { echo "go generate changes: $changed"; exit 1; }

step tests
BITNET_TEST_REQUIRE=$native go test -tags opengl -timeout 30m $(go list ./... | grep -v '/test$')
BITNET_TEST_REQUIRE=$native go test -tags opengl -timeout 60m ${BITNET_TEST_LONG:--short} ./test
BITNET_TEST_REQUIRE=$native go test -tags opengl -timeout 30m -run 'TestCPUWide|TestVulkanWide' ./test

step "the build without OpenGL"
BITNET_TEST_REQUIRE=$(only "$require" vulkan) go test -short -timeout 30m ./gpu/opengl ./engine ./cmd/...

step "SwiftShader" # the results of go test are not cached: Go does not see which driver ran
if [ -e "$swiftshader/vk_swiftshader_icd.json" ]; then
	VK_DRIVER_FILES=$swiftshader/vk_swiftshader_icd.json BITNET_TEST_REQUIRE=$(only "$require" vulkan) \
		go test -short -count=1 -timeout 30m ./gpu/...
	VK_DRIVER_FILES=$swiftshader/vk_swiftshader_icd.json BITNET_TEST_REQUIRE=$(only "$require" vulkan) \
		go test -short -count=1 -timeout 30m -run '^TestVulkan$/three_to_one|^TestVulkanGolden$' ./test
elif [ -n "$(only "$require" vulkan)" ]; then
	echo "vulkan is required and SwiftShader is not there"; exit 1
else
	skip "SwiftShader: not there"
fi

step "without the libraries of Vulkan and OpenGL"
bare=$(mktemp -d)
go build -o "$bare/without" ./cmd/bitnet-gpu
go build -tags opengl -o "$bare/bitnet-gpu" ./cmd/bitnet-gpu
needed=$(readelf -d "$bare/bitnet-gpu" "$bare/without" | grep NEEDED | grep -v 'libc\.so' || true)
[ -z "$needed" ] || { echo "more than libc: $needed"; exit 1; }
generate=(generate -m tinyA-i2_s.gguf -p 'The quick' -n 20 -s 1)
cp test/testdata/golden/tinyA-i2_s.gguf "$bare"
code=0
(cd "$bare" && ./without "${generate[@]}" --backend opengl 2>said) || code=$?
[ $code = 4 ] || { echo "--backend opengl without OpenGL: exit code $code, expected 4"; exit 1; }
grep 'opengl: not in this build' "$bare/said"
if [ "$(id -u)" = 0 ]; then # a root directory with nothing but what the program needs
	ldd "$bare/bitnet-gpu" | grep -o '/[^ ]*' | xargs cp --parents -t "$bare"
	(cd "$bare" && ./bitnet-gpu "${generate[@]}" --backend cpu >want 2>/dev/null)
	chroot "$bare" /bitnet-gpu "${generate[@]}" >"$bare/got" 2>"$bare/said"
	cmp "$bare/want" "$bare/got"
	grep 'vulkan: no library: libvulkan.so.1' "$bare/said" | grep 'opengl: no library: libEGL.so.1'
fi
rm -rf "$bare"

step "race detector"
# The packages whose own code shares memory.
shared=$(git grep -lE '"sync(/atomic)?"|^\s*go ' -- '*.go' ':!*_test.go' ':!test' ':!gpu/opengl' | xargs -n1 dirname | sort -u | sed 's|^|./|')
BITNET_TEST_REQUIRE= go test -race -short -timeout 20m $shared
BITNET_TEST_REQUIRE= go test -race -short -timeout 20m -tags opengl ./gpu/opengl
BITNET_TEST_REQUIRE= go test -race -short -timeout 20m -run 'Golden|NoGarbage' ./test

step "other processors, emulated"
if command -v qemu-aarch64-static >/dev/null; then
	if [ "$(uname -m)" = x86_64 ]; then
		GOARCH=arm64 CGO_ENABLED=0 BITNET_TEST_REQUIRE=$(only "$require" portable neon) \
			go test -short -timeout 20m -exec qemu-aarch64-static ./cpu/kernel ./engine/compute ./engine/sample ./weights/ternary
		GOARCH=arm64 CGO_ENABLED=0 BITNET_TEST_REQUIRE='' \
			go test -short -timeout 20m -exec qemu-aarch64-static -run Golden ./test
		kernels=$(mktemp)
		go test -c -o "$kernels" ./cpu/kernel
		for cpu in Nehalem Haswell; do # without AVX2, and without AVX-512
			(cd cpu/kernel && BITNET_TEST_REQUIRE='' qemu-x86_64-static -cpu $cpu "$kernels" -test.short 2>/dev/null)
		done
		rm -f "$kernels"
	fi
elif [ -n "$(only "$require" neon)" ]; then
	echo "neon is required and there is no qemu-aarch64-static"; exit 1
else
	skip "neon: no qemu-aarch64-static"
fi

step fuzz
bash test/fuzz.sh

step "results of the parity suite"
sort -u "$table"

step "not tested here"
printf '%s\n' "${untested[@]-nothing}"

step "all passed"
