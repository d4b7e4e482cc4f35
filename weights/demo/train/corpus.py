"""Documents of the corpus, half stories and half conversations, without end.

    python3 corpus.py [--test] [COUNT]     shows some
"""

import sys

import stories
import talk
import world


def document(dice):
    """The kind of a document, and its text or its exchanges."""
    kind = dice.weighted({"story": 42, "conversation": 58})
    if kind == "story":
        return kind, stories.write(dice)[0]
    return kind, talk.conversation(dice)


def texts(dice, count):
    """Documents as plain text, from which the tokenizer learns."""
    for _ in range(count):
        kind, content = document(dice)
        if kind == "story":
            yield content
        else:
            for question, answer in content:
                yield f"User: {question}\nAssistant: {answer}\n"


if __name__ == "__main__":
    split = world.Dice(0, test="--test" in sys.argv)
    count = [a for a in sys.argv[1:] if a.isdigit()]
    for _ in range(int(count[0]) if count else 3):
        print(*document(split), sep="\n", end="\n\n")
