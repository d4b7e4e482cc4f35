"""Byte-level BPE with Llama 3's splitting: learning it, and encoding with it.

The engine has its own, in Go; this one only has to agree with it on what the
generators write, which is ASCII: TestTokens and TestTrain in ../train_test.go compare.
"""

import collections
import json
import re

# Llama 3's pattern as tokenizer.json spells it, and what it is for ASCII.
PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|"
           r"\s*[\r\n]+|\s+(?!\S)|\s+")
SPLIT = re.compile(PATTERN.replace(r"[^\r\n\p{L}\p{N}]", r"[^\r\nA-Za-z0-9]")
                   .replace(r"[^\s\p{L}\p{N}]", r"[^\sA-Za-z0-9]").replace(r"\p{L}", "[A-Za-z]").replace(r"\p{N}", "[0-9]"))

BOS, EOS, EOT = SPECIALS = "<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"


def alphabet():
    """GPT-2's letters for the 256 bytes."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in plain]
    letters = {b: chr(b) for b in plain} | {b: chr(256 + i) for i, b in enumerate(others)}
    return [letters[b] for b in range(256)]


LETTERS = alphabet()


def pieces(text):
    return ["".join(LETTERS[b] for b in piece.encode()) for piece in SPLIT.findall(text)]


def learn(texts, size):
    """The merges, as pairs, that bring a vocabulary to a size, specials included."""
    counts = collections.Counter(piece for text in texts for piece in pieces(text))
    words = {word: list(word) for word in counts}
    merges, tokens = [], set(LETTERS)
    while len(tokens) + len(SPECIALS) < size:
        pairs = collections.Counter()
        for word, parts in words.items():
            for pair in zip(parts, parts[1:]):
                pairs[pair] += counts[word]
        if not pairs:
            break
        pair = max(pairs, key=lambda p: (pairs[p], p))
        merges.append(pair)
        tokens.add(pair[0] + pair[1])
        for word, parts in words.items():
            if len(parts) > 1:
                words[word] = merged(parts, pair)
    return merges


def merged(parts, pair):
    out, i = [], 0
    while i < len(parts):
        if tuple(parts[i:i + 2]) == pair:
            out.append(pair[0] + pair[1])
            i += 2
        else:
            out.append(parts[i])
            i += 1
    return out


class Tokenizer:
    def __init__(self, merges, size):
        self.merges = [tuple(pair) for pair in merges]
        self.rank = {pair: i for i, pair in enumerate(self.merges)}
        tokens = dict.fromkeys(LETTERS + [a + b for a, b in self.merges])
        unused = [f"[unused{i}]" for i in range(size - len(tokens) - len(SPECIALS))]
        self.tokens = [*tokens, *unused, *SPECIALS]
        self.ids = {token: i for i, token in enumerate(self.tokens)}
        self.bos, self.eos, self.eot = (self.ids[name] for name in SPECIALS)
        self.known = {}

    def encode(self, text):
        ids = []
        for piece in pieces(text):
            if piece not in self.known:
                self.known[piece] = self.piece(piece)
            ids += self.known[piece]
        return ids

    def piece(self, piece):
        if piece in self.ids:  # a whole piece needs no merges
            return [self.ids[piece]]
        parts = list(piece)
        while len(parts) > 1:
            pair = min(zip(parts, parts[1:]), key=lambda p: self.rank.get(p, len(self.rank)))
            if pair not in self.rank:
                break
            parts = merged(parts, pair)
        return [self.ids[part] for part in parts]

    def decode(self, ids):
        letters = {letter: b for b, letter in enumerate(LETTERS)}
        return bytes(letters[c] for i in ids for c in self.tokens[i] if i < self.bos).decode(errors="replace")

    def document(self, kind, content):
        """The ids of a story, or of a conversation as the chat template renders it.

        Only the last answer begins behind "Assistant: " as a prompt does; those
        before it are encoded with what goes before them, as a rendered history is.
        """
        if kind == "story":
            return [self.bos, *self.encode(content), self.eos]
        ids = [self.bos]
        for i, (question, answer) in enumerate(content):
            ids += [*self.encode("User: " + question), self.eot]
            last = i == len(content) - 1
            ids += self.encode("Assistant: ") + self.encode(answer) if last else self.encode("Assistant: " + answer)
            ids.append(self.eot)
        return ids

    def save(self, path):
        """Writes Hugging Face's tokenizer.json."""
        added = [{"id": self.ids[name], "content": name, "single_word": False, "lstrip": False, "rstrip": False,
                  "normalized": False, "special": True} for name in SPECIALS]
        split = {"type": "Split", "pattern": {"Regex": PATTERN}, "behavior": "Isolated", "invert": False}
        level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
        template = {"type": "TemplateProcessing",
                    "single": [{"SpecialToken": {"id": BOS, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                    "pair": [], "special_tokens": {BOS: {"id": BOS, "ids": [self.bos], "tokens": [BOS]}}}
        with open(path, "w") as file:
            json.dump({
                "version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": None,
                "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, level]},
                "post_processor": template,
                "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
                "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                          "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": True,
                          "vocab": {token: i for i, token in enumerate(self.tokens) if token not in SPECIALS},
                          "merges": [" ".join(pair) for pair in self.merges]},
            }, file, ensure_ascii=False)

    @staticmethod
    def load(path):
        with open(path) as file:
            described = json.load(file)
        size = len(described["model"]["vocab"]) + len(SPECIALS)
        return Tokenizer([merge.split(" ") for merge in described["model"]["merges"]], size)
