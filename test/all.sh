#!/usr/bin/env bash
# Every test of the project, on Debian with Go and gcc: installs what is missing,
# then checks the sources, the generated files, the tests on every kernel path
# (arm64 by emulation), the race detector, and each fuzz target for a moment.
#
# BITNET_TEST_DATA     folder with llama3/tokenizer.model, which the project may not carry
# BITNET_TEST_REQUIRE  what must not be skipped: portable,avx2,avx512,neon,data,llvm
# BITNET_FUZZ_TIME     time for each fuzz target (3s)
set -euo pipefail
cd "$(dirname "$0")/.."
export GOFLAGS="${GOFLAGS:-}" CGO_ENABLED=1

step() { printf '\n== %s (%ss)\n' "$*" "$SECONDS"; }

# only LIST NAMES... prints those of a comma list that are named.
only() {
	local list=$1 name; shift
	for name in "$@"; do case ",$list," in *",$name,"*) printf '%s,' "$name" ;; esac; done
}
require=${BITNET_TEST_REQUIRE:-}
known="portable avx2 avxvnni avx512 neon data llvm vulkan opengl shadertools"
for name in ${require//,/ }; do
	case " $known " in *" $name "*) ;; *) echo "BITNET_TEST_REQUIRE: $name is none of $known"; exit 2 ;; esac
done
native=$(only "$require" portable avx2 avxvnni avx512 data llvm)
[ "$(uname -m)" = aarch64 ] && native=$(only "$require" portable neon data llvm)

step tools
missing=()
command -v qemu-aarch64-static >/dev/null || missing+=(qemu-user-static)
command -v llvm-mc >/dev/null || missing+=(llvm)
if [ ${#missing[@]} -gt 0 ] && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
go version

step gofmt
unformatted=$(git ls-files '*.go' | xargs gofmt -l)
[ -z "$unformatted" ] || { echo "gofmt would change: $unformatted"; exit 1; }

step vet
go vet ./...
for os in linux windows darwin; do
	for arch in amd64 arm64; do
		CGO_ENABLED=0 GOOS=$os GOARCH=$arch go vet ./...
	done
done
CGO_ENABLED=0 go build ./...

step "generated files"
go generate ./...
changed=$(git status --porcelain -- '*.s' '*_amd64.go' '*_arm64.go')
[ -z "$changed" ] || { echo "go generate changes: $changed"; exit 1; }

step tests
BITNET_TEST_REQUIRE=$native go test -timeout 20m ./...

step "race detector"
BITNET_TEST_REQUIRE= go test -race -short -timeout 20m ./cpu/... ./engine/... ./cmd/... ./weights/...
BITNET_TEST_REQUIRE= go test -race -short -timeout 20m -run 'Golden|NoGarbage' ./test

step "other processors, emulated"
if command -v qemu-aarch64-static >/dev/null; then
	if [ "$(uname -m)" = x86_64 ]; then
		GOARCH=arm64 CGO_ENABLED=0 BITNET_TEST_REQUIRE=$(only "$require" portable neon) \
			go test -short -timeout 20m -exec qemu-aarch64-static ./cpu/kernel ./engine/compute ./engine/sample ./weights/ternary
		GOARCH=arm64 CGO_ENABLED=0 go test -short -timeout 20m -exec qemu-aarch64-static -run Golden ./test
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
	echo "skipped: no qemu-aarch64-static"
fi

step fuzz
for package in $(go list ./...); do
	for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
		go test -run '^$' -fuzz "^$target\$" -fuzztime "${BITNET_FUZZ_TIME:-3s}" -fuzzminimizetime 20x "$package"
	done
done

step "all passed"
