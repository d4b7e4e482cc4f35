"""Ends well where PyTorch can multiply matrices on this processor.

A library that takes instructions which the processor lacks is killed at its first
product, small or large, so this is asked in a process of its own.
"""

import torch

for size in (8, 512):
    for kind in (torch.float32, torch.bfloat16):
        torch.ones(size, size, dtype=kind) @ torch.ones(size, size, dtype=kind)
