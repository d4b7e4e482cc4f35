module bitnet-gpu/cpu/kernel/_asm

go 1.26.0
