#!/usr/bin/env bash
# Prints the kernel paths, each with the instructions that it takes and this
# processor lacks. It asks /proc/cpuinfo and not cpu/kernel, which it is to check.
set -euo pipefail
has=" $(grep -m1 -E '^(flags|Features)' /proc/cpuinfo | cut -d: -f2) "
while read -r path takes; do
	for flag in $takes; do
		[[ $has == *" $flag "* ]] || path+=" $flag"
	done
	echo "$path"
done <<-END
	portable
	avx2       avx2 f16c
	avxvnni    avx2 f16c avx_vnni
	avx512     avx2 f16c avx512f avx512bw avx512dq avx512vl avx512_vnni
	avx512vbmi avx2 f16c avx512f avx512bw avx512dq avx512vl avx512_vnni avx512vbmi gfni
	amx        avx2 f16c avx512f avx512bw avx512dq avx512vl avx512_vnni avx512vbmi gfni amx_tile amx_int8
	neon       asimd asimddp
END
