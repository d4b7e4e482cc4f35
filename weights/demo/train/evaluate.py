"""Counts what a demo model gets right, by the program itself.

    python3 evaluate.py BITNET-GPU [MODEL] [--count 200]

Stories are sampled at temperature 0.8 with different seeds, as `generate` does it
and again with nothing cut off the distribution, and read back by the generator's
own grammar (stories.read); questions are of the held-out split and their answers
compared word for word.
"""

import argparse
import collections
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

import stories
import talk
import world

OPENINGS = ["Once upon a time", "Long ago", "There once was"]
PURE = ["--top-k", "0", "--top-p", "1", "--min-p", "0"]


def generate(a, prompt, *flags):
    command = [a.binary, "generate", "-p", prompt, "--backend", "cpu", "-t", "1", *flags]
    if a.model:
        command += ["-m", a.model]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr}")
    return done.stdout


def each(function, items):
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(function, items))


def share(n, of):
    return f"{n} of {of} ({100 * n / of:.1f} %)"


def judge_stories(a, what, *flags):
    def sampled(seed):
        opening = OPENINGS[seed % len(OPENINGS)]
        return opening + generate(a, opening, "--temp", "0.8", "-s", str(seed), *flags)
    print(f"stories, {what}:")
    texts = each(sampled, range(a.count))
    parsed = [stories.read(text, consistent=False) for text in texts]
    consistent = [stories.read(text) for text in texts]
    print("  parse:", share(sum(map(bool, parsed)), a.count))
    print("  consistent:", share(sum(map(bool, consistent)), a.count))
    print("  words:", min(len(text.split()) for text in texts), "to", max(len(text.split()) for text in texts))
    print("  plots:", dict(collections.Counter(map(str, parsed))), "different texts:", len(set(texts)))
    if a.verbose:
        for text, plot, whole in zip(texts, parsed, consistent):
            if not whole:
                print("  --", "inconsistent" if plot else "does not parse", "--", text)


def held_out_questions(count):
    """Questions of every kind as often as in the corpus, and one of a story in eight."""
    dice = world.Dice("evaluation", test=True)
    for i in range(count):
        if i % 8 == 7:
            yield talk.told_story.__name__, *talk.told_story(dice)
        else:
            kind = dice.weighted(talk.QUESTIONS)
            yield kind.__name__, *kind(dice)


def judge_answers(a, temperature):
    questions = list(held_out_questions(a.count))
    answers = each(lambda q: generate(a, q[1], "--chat", "--temp", temperature, "-s", "1").strip(), questions)
    total, right = collections.Counter(), collections.Counter()
    for (kind, question, expected), answer in zip(questions, answers):
        total[kind] += 1
        right[kind] += answer == expected
        if a.verbose and answer != expected:
            print("  --", question, "--", answer, "-- expected", expected)
    print(f"held-out questions answered right at temperature {temperature}:", share(sum(right.values()), a.count))
    print("  " + ", ".join(f"{kind} {right[kind]}/{n}" for kind, n in sorted(total.items())))


def judge_jokes(a):
    told = each(lambda seed: generate(a, "Tell me a joke", "--chat", "-s", str(seed)).strip(), range(a.count // 4))
    known = {f"{question} {answer}" for question, answer in talk.jokes.JOKES}
    print("jokes:", share(sum(joke in known for joke in told), len(told)), "different:", len(set(told)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("model", nargs="?")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--verbose", action="store_true", help="show what is wrong")
    a = parser.parse_args()
    judge_stories(a, "temperature 0.8")
    judge_stories(a, "temperature 0.8 with --top-k 0 --top-p 1 --min-p 0", *PURE)
    judge_answers(a, "0")
    judge_answers(a, "0.8")
    judge_jokes(a)
