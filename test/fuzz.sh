#!/usr/bin/env bash
# Each fuzz target for BITNET_FUZZ_TIME (3s). What fails is written to the
# package's testdata/fuzz by Go, and the other targets go on. With --keep the
# inputs below 4 KiB that reached new code are added there too.
set -euo pipefail
cd "$(dirname "$0")/.."

failed=()
for package in $(go list ./...); do
	listed=$(go test -list '^Fuzz' "$package")
	for target in $(grep '^Fuzz' <<<"$listed" || true); do
		go test -run '^$' -fuzz "^$target\$" -fuzztime "${BITNET_FUZZ_TIME:-3s}" -fuzzminimizetime 20x "$package" || failed+=("$package $target")
		grown=$(go env GOCACHE)/fuzz/$package/$target
		if [ "${1:-}" = --keep ] && [ -d "$grown" ]; then
			corpus=$(go list -f '{{.Dir}}' "$package")/testdata/fuzz/$target
			mkdir -p "$corpus"
			find "$grown" -type f -size -8 -exec cp -n {} "$corpus" \; # of 512 bytes
			rmdir --ignore-fail-on-non-empty "$corpus"
		fi
	done
done
[ ${#failed[@]} = 0 ] || { printf 'failed: %s\n' "${failed[@]}"; exit 1; }
