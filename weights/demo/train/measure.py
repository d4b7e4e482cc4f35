"""What only the training framework can say of a trained model.

    python3 measure.py DIR GOLDEN.json

Prints the loss on held-out documents beside the entropy of what generated them,
and writes what the float32 forward pass makes of five prompts: for every
position the likeliest token and its margin over the next. The test suite holds
the engine to that where the margin is above 0.1. Some held-out text for it goes
into the same file.
"""

import json
import math
import os
import sys

import torch

import bpe
import corpus
import model
import talk
import world

PROMPTS = [
    ("story", "Once upon a time"),
    ("story", "Long ago, a gentle sailor named Ravi lived near the school. One cold morning, he needed some berries from the market."),
    ("conversation", [("Tell me a joke", "")]),
    ("conversation", [("Kobina has nine plums. Then she gives three plums to Tarudo. How many plums does Kobina have now?", "Kobina has six plums now.")]),
    ("conversation", [("Hello!", talk.SMALL_TALK[0][1]), ("What is 4 plus 5?", "4 plus 5 is 9."), ("Count from 3 to 8.", "3, 4, 5, 6, 7, 8.")]),
]


def held_out(net, tokenizer, count=300):
    """Mean nats a token on held-out documents, and the entropy of their generator."""
    dice, loss, tokens = world.Dice("held out", test=True), 0.0, 0
    for _ in range(count):
        before = dice.nats
        ids = tokenizer.document(*corpus.document(dice))
        if len(ids) > net.sizes["context"]:
            dice.nats = before
            continue
        logits = net(torch.tensor([ids[:-1]]))[0]
        loss += float(torch.nn.functional.cross_entropy(logits, torch.tensor(ids[1:]), reduction="sum"))
        tokens += len(ids) - 1
    return loss / tokens, dice.nats / tokens, tokens


def golden(net, tokenizer):
    for kind, content in PROMPTS:
        ids = tokenizer.document(kind, content)[:-1]  # without the end
        best = net(torch.tensor([ids]))[0].topk(2)
        margins = (best.values[:, 0] - best.values[:, 1]).tolist()
        said = content if kind == "story" else [text for exchange in content for text in exchange]
        yield {kind: said, "tokens": ids, "best": best.indices[:, 0].tolist(), "margin": [round(m, 4) for m in margins],
               "logit": [round(v, 4) for v in best.values[:, 0].tolist()]}


def text(tokenizer, length):
    """Held-out documents, one behind the other."""
    dice, ids = world.Dice("text", test=True), []
    while len(ids) < length:
        ids += tokenizer.document(*corpus.document(dice))
    return ids[:length]


if __name__ == "__main__":
    directory, out = sys.argv[1:]
    with open(os.path.join(directory, "arguments.json")) as file:
        sizes = {name: size for name, size in json.load(file).items() if name in model.SIZES}
    tokenizer = bpe.Tokenizer.load(os.path.join(directory, "tokenizer.json"))
    net = model.Model(sizes)
    saved = torch.load(os.path.join(directory, "checkpoint.pt"))
    net.load_state_dict(saved["net"])
    with torch.no_grad():
        net.embedding.copy_(net.embedding.half().float())  # as the file has it
        loss, entropy, tokens = held_out(net, tokenizer)
        print(f"step {saved['step']}, {tokens} held-out tokens: {loss:.4f} nats a token (perplexity {math.exp(loss):.3f}), "
              f"the generator's entropy at most {entropy:.4f} (perplexity {math.exp(entropy):.3f})")
        with open(out, "w") as file:
            json.dump({"prompts": list(golden(net, tokenizer)), "text": text(tokenizer, sizes["context"])}, file)
            file.write("\n")
