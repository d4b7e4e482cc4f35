#!/usr/bin/env bash
# Each fuzz target for BITNET_FUZZ_TIME (3s). What fails is written to the
# package's testdata/fuzz by Go, and the other targets go on. That folder holds
# only inputs that reach code which no other does, and what was found, by names
# that say what it is.
set -euo pipefail
cd "$(dirname "$0")/.."

failed=()
binary=$(mktemp)
trap 'rm -f "$binary"' EXIT
for dir in $(git grep -lE '^func Fuzz' -- '*_test.go' | xargs -n1 dirname | sort -u); do
	package=$(go list "./$dir")
	grown=$(go env GOCACHE)/fuzz/$package # where go test keeps it too
	go test -c -fuzz Fuzz -o "$binary" "$package" # once for all targets of a package
	for target in $(sed -nE 's/^func (Fuzz[A-Za-z0-9_]*)\(.*/\1/p' "$dir"/*_test.go); do
		echo "$package $target"
		(cd "$dir" && "$binary" -test.run '^$' -test.fuzz "^$target\$" -test.fuzztime "${BITNET_FUZZ_TIME:-3s}" \
			-test.fuzzminimizetime 20x -test.fuzzcachedir "$grown") || failed+=("$package $target")
	done
done
[ ${#failed[@]} = 0 ] || { printf 'failed: %s\n' "${failed[@]}"; exit 1; }
