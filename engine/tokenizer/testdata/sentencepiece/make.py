"""Trains small SentencePiece models and writes what the library makes of texts.

make.py DIR [all]: a NAME.model and NAME.json for each model; without all, the
small ones, which are kept here. Made with sentencepiece 0.1.97 (Debian 12).
"""

import io
import json
import os
import random
import sys
import tempfile

import sentencepiece

LINES = [
    "hello world  the cat sat on the mat", "the quick brown fox jumps over the lazy dog",
    "a b  c d e f g", "hello there world of worlds", "<sep> hello <sep> world",
] * 20

# In hexadecimal code points: what is replaced, and by what.
RULES = "41\t61\n42\t62\nC4\t41 65\n63 61 74\t64 6F 67\n9\t20\n3000\t20\n2581\t20\n200B\t\n78 79\t20 78\n"

KEPT = {
    "plain": dict(normalization_rule_name="identity", remove_extra_whitespaces=False),
    "bare": dict(normalization_rule_name="identity", remove_extra_whitespaces=False, add_dummy_prefix=False),
    "trimmed": dict(normalization_rule_name="identity"),
    "trimmed-bare": dict(normalization_rule_name="identity", add_dummy_prefix=False),
    "users": dict(normalization_rule_name="identity", remove_extra_whitespaces=False, user_defined_symbols=["<sep>", "[X]", "cat"]),
    "rules": dict(rules=RULES, user_defined_symbols=["<sep>"]),
    "rules-wide": dict(rules=RULES, remove_extra_whitespaces=False),
}
LARGE = {  # a quarter of a megabyte of rules each
    "default": dict(),
    "default-users": dict(user_defined_symbols=["<sep>", "[X]"], add_dummy_prefix=False),
    "nfkc_cf": dict(normalization_rule_name="nfkc_cf", remove_extra_whitespaces=False),
    "nmt_nfkc_cf": dict(normalization_rule_name="nmt_nfkc_cf"),
}

TEXTS = [
    "", " ", "  ", "hello", " hello", "hello ", "  hello   world  ", "\u2581", "\u2581hello", "a\u2581\u2581b", " \u2581 x \u2581 ",
    "\t tab\n x\r\n", "A cat, AB; \u00c4 xy xyz", "\ufb01 \u2460 \uff21\uff22 \u00bd", "a<sep>b", "<sep> a [X]hello", " <sep>  <sep> ",
    "<sep><sep>", "cat<sep>cat cats", "\u00e9\u3000x", "\u200bz", "e\u0301", "\ufdfa", "\U0001f600 \u65e5\u672c", "\u0000\u0001", "hello<s></s>world<unk>",
]


def texts():
    r = random.Random(1)
    parts = list("abcdehlotw AB\t\n\u2581\u3000\u200b\u00c4\u00e9\ufb01") + ["  ", "<sep>", "[X]", "cat", "hello", " the ", "xy", "<0x41>"]
    return TEXTS + ["".join(r.choice(parts) for _ in range(r.randint(1, 12))) for _ in range(150)]


def train(rules=None, **options):
    model = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder:
        if rules is not None:
            options["normalization_rule_tsv"] = os.path.join(folder, "rules.tsv")
            with open(options["normalization_rule_tsv"], "w") as f:
                f.write(rules)
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(LINES), model_writer=model, model_type="bpe", vocab_size=340,
            byte_fallback=True, character_coverage=1.0, minloglevel=2, **options)
    return model.getvalue()


def main():
    models = dict(KEPT)
    if sys.argv[2:] == ["all"]:
        models.update(LARGE)
    for name, options in models.items():
        data = train(**options)
        library = sentencepiece.SentencePieceProcessor(model_proto=data)
        cases = []
        for text in texts():
            ids = library.encode(text)
            cases.append({"text": text, "ids": ids, "decoded": library.decode(ids)})
        with open(os.path.join(sys.argv[1], name + ".model"), "wb") as f:
            f.write(data)
        with open(os.path.join(sys.argv[1], name + ".json"), "w") as f:
            json.dump(cases, f, separators=(",", ":"))
            f.write("\n")


if __name__ == "__main__":
    main()
