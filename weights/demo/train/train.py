"""Trains the demo model, and writes what `bitnet-gpu convert` reads.

    python3 train.py --out DIR [--steps N] [--resume]

Two stages, as BitNet b1.58 2B4T had: the learning rate falls to 60 % with weight
decay, then to nothing without. The processes (two, one for each core) each take
half of the batch; the documents of a step follow from the seed, the step and the
process, so a run that was stopped goes on as if it had not been.
"""

import argparse
import json
import os
import sys
import time

os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"
for name, size in (("MMAP_THRESHOLD_", 1 << 25), ("TRIM_THRESHOLD_", 1 << 33), ("TOP_PAD_", 1 << 28)):  # keep what was freed
    os.environ.setdefault("MALLOC_" + name, str(size))

import torch
import torch.distributed
import torch.multiprocessing

import bpe
import corpus
import model
import world


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True)
    parser.add_argument("--steps", type=int, default=10000)
    parser.add_argument("--rows", type=int, default=4, help="of a context each, for each process")
    parser.add_argument("--rate", type=float, default=4e-3)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--texts", type=int, default=20000, help="documents that the tokenizer learns from")
    parser.add_argument("--plain", action="store_true", help="without fused.c, in float32")
    parser.add_argument("--resume", action="store_true")
    for name, size in model.SIZES.items():
        parser.add_argument("--" + name.replace("_", "-"), type=int, default=size)
    return parser.parse_args()


def batch(tokenizer, dice, rows, length):
    """Whole documents packed into rows: ids, where each one's document starts, and targets (-1: none)."""
    packed, misses = [[] for _ in range(rows)], 0
    while misses < 3:
        ids = tokenizer.document(*corpus.document(dice))
        if len(ids) > length:
            continue
        row = next((row for row in packed if sum(map(len, row)) + len(ids) <= length), None)
        if row is None:
            misses += 1
        else:
            row.append(ids)
    ids, start, targets = torch.zeros(rows, length, dtype=torch.long), torch.zeros(rows, length, dtype=torch.long), torch.full((rows, length), -1)
    for r, row in enumerate(packed):
        at = 0
        for document in row:
            end = at + len(document)
            ids[r, at:end] = torch.tensor(document)
            start[r, at:end] = at
            targets[r, at:end - 1] = ids[r, at + 1:end]
            at = end
        start[r, at:] = min(at, length - 1)
    return ids, start, targets


def rate(a, step):
    """The share of the learning rate at a step."""
    done = step / a.steps
    share = 1 - 0.8 * done if done < 0.5 else 1.2 * (1 - done)
    return share * min(1, (step + 1) / 100)


def average(parameters, processes):
    """Averages the gradients over the processes."""
    flat = torch.cat([p.grad.flatten() for p in parameters])
    torch.distributed.all_reduce(flat)
    for p, part in zip(parameters, flat.div_(processes).split([p.numel() for p in parameters])):
        p.grad.copy_(part.view_as(p))


def held_out_loss(net, tokenizer, a, batches=8):
    """The loss on names and combinations that training never sees, in nats a token."""
    total = count = 0
    with torch.no_grad():
        for i in range(batches):
            ids, start, targets = batch(tokenizer, world.Dice(f"held out {i}", test=True), a.rows, a.context)
            n = int((targets >= 0).sum())
            total, count = total + float(net.loss(ids, start, targets)) * n, count + n
    return total / count


def run(process, a):
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[process % len(cores)]})
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    torch.manual_seed(a.seed)
    if a.processes > 1:
        store = torch.distributed.FileStore(os.path.join(a.out, "store"), a.processes)
        torch.distributed.init_process_group("gloo", store=store, rank=process, world_size=a.processes)
    tokenizer = bpe.Tokenizer.load(os.path.join(a.out, "tokenizer.json"))
    if a.plain:
        import model as ops
    else:
        import fused as ops
    net = model.Model({name: getattr(a, name) for name in model.SIZES}, ops)
    matrices, others = net.groups()
    parameters = matrices + others
    optimizer = torch.optim.AdamW([{"params": matrices}, {"params": others, "weight_decay": 0}], betas=(0.9, 0.95), foreach=True)
    step, began, last = 0, time.time(), None
    checkpoint = os.path.join(a.out, "checkpoint.pt")
    if a.resume and os.path.exists(checkpoint):
        saved = torch.load(checkpoint)
        net.load_state_dict(saved["net"])
        optimizer.load_state_dict(saved["optimizer"])
        step = saved["step"]
    first = step
    while step < a.steps:
        for group, share in zip(optimizer.param_groups, (1, 0.5)):
            group["lr"] = a.rate * rate(a, step) * share
        optimizer.param_groups[0]["weight_decay"] = 0.1 if step < a.steps / 2 else 0
        loss = net.loss(*batch(tokenizer, world.Dice(f"{a.seed} {step} {process}"), a.rows, a.context))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if a.processes > 1:
            average(parameters, a.processes)
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        step += 1
        last = loss.item() if last is None else 0.98 * last + 0.02 * loss.item()
        if process == 0 and (step % 50 == 0 or step == a.steps):
            speed = (step - first) * a.rows * a.context * a.processes / (time.time() - began)
            print(f"step {step}/{a.steps} loss {last:.4f} {speed:.0f} tokens/s", flush=True)
        if process == 0 and (step % 500 == 0 or step == a.steps):
            print(f"step {step} held out {held_out_loss(net, tokenizer, a):.4f}", flush=True)
            torch.save({"net": net.state_dict(), "optimizer": optimizer.state_dict(), "step": step}, checkpoint + ".new")
            os.replace(checkpoint + ".new", checkpoint)
            model.export(net, tokenizer, a.out)
    if a.processes > 1:
        torch.distributed.barrier()
        sys.stdout.flush()
        os._exit(0)  # gloo's threads abort a process that ends as others do, now and then


def main():
    a = arguments()
    os.makedirs(a.out, exist_ok=True)
    if os.path.exists(os.path.join(a.out, "store")):
        os.remove(os.path.join(a.out, "store"))
    if not os.path.exists(os.path.join(a.out, "tokenizer.json")):
        texts = corpus.texts(world.Dice(a.seed), a.texts)
        bpe.Tokenizer(bpe.learn(texts, a.vocab), a.vocab).save(os.path.join(a.out, "tokenizer.json"))
    with open(os.path.join(a.out, "arguments.json"), "w") as file:
        json.dump(vars(a), file, indent=1)
    if a.processes > 1:
        torch.multiprocessing.spawn(run, (a,), a.processes)
    else:
        run(0, a)


if __name__ == "__main__":
    main()
