"""Stories: plots of slots, written forwards by write() and read back by read().

A plot is a list of sentences, a sentence a list of ways to say it. Slots stand
in braces: {A} and {B} are who it is about, {c} {o} a thing and its color, {p}
and {q} places, {n} and {m} animals, {f} food, {w} weather, {j} a trait, {k} a
job, {h} where something lies. {A.he} and its like follow from the name, {p.in}
is "in the park" or "at the river", {f.was} is "was" or "were".
"""

import functools
import re

import world

CHILD = [  # the beginnings that stories about a child share
    "Once upon a time, there was a {j} {A.kid} named {A}.",
    "Once upon a time, a {j} {A.kid} named {A} lived near the {q}.",
    "Long ago, there lived a {j} {A.kid} named {A}.",
    "{A} was a {j} {A.kid} who lived near the {q}.",
    "There once was a {A.kid} named {A}, and everyone said that {A.he} was {j}.",
]
ANIMAL = [
    "Once upon a time, there was a {j} {n} named {A}.",
    "Once upon a time, a little {n} named {A} lived near the {p}.",
    "Long ago, a {j} {n} named {A} lived near the {p}.",
    "{A} was a {j} {n} who lived near the {p}.",
    "There once was a little {n}, and its name was {A}.",
]

PLOTS = {
    "lost": [
        CHILD,
        ["{A} had a {c} {o} that {A.he} loved very much.",
         "{A.His} favorite thing in the world was a {c} {o}.",
         "For {A.his} birthday, {A.he} got a {c} {o}.",
         "{A.He} had a {c} {o}, a gift from {A.his} grandmother."],
        ["One {w} day, {A} took the {o} to the {p}.",
         "One {w} morning, {A.he} went to the {p} with the {c} {o}.",
         "On a {w} day, {A.he} played {p.in} with the {c} {o}."],
        ["But soon the {o} was gone.", "Then {A} looked down, and the {o} was not there.",
         "After a while, {A.he} could not find the {c} {o}.", "But when {A.he} sat down, the {o} was missing."],
        ["{A} felt sad and began to cry.", "\"Where is my {o}?\" asked {A}.",
         "\"Oh no, I lost my {c} {o}!\" said {A}.", "{A} looked around and did not know what to do."],
        ["{A.His} friend {B} heard {A.him} and came to help.", "Just then, {A.his} friend {B} came by with a little {n}.",
         "A {j2} {B.kid} named {B} saw that {A} was sad.", "Along came {A.his} friend {B}."],
        ["\"Do not worry, {A},\" said {B}. \"We will find your {o}.\"", "\"I will help you, {A},\" said {B}.",
         "{B} asked, \"What color is your {o}?\" \"It is {c},\" said {A}."],
        ["First they looked {r.in}, but the {o} was not there.", "They went to the {r} and looked everywhere.",
         "{B} looked {r.in} and found only some {f}."],
        ["Then they walked back to the {p}.", "Next, they looked {p.in} again.", "At last, {A} and {B} went back to the {p}."],
        ["There, {h}, was the {c} {o}!", "{B} found the {c} {o} {h}.", "{B} pointed, and there was the {o} {h}."],
        ["\"Thank you, {B}!\" said {A}.", "{A} hugged {B} and thanked {B.him}.", "\"You are a good friend, {B},\" said {A}."],
        ["They shared some {g} and went home with the {c} {o}.", "{A} gave {B} some {g}, and they both smiled.",
         "From that day on, {A} took good care of the {c} {o}.", "{A} and {B} laughed all the way home."],
    ],
    "hungry": [
        ANIMAL,
        ["{A} loved to eat {f}.", "Every day, {A} ate {f} for breakfast.", "The favorite food of {A} was {f}."],
        ["One day, all the {f} {f.was} gone.", "But one {w} morning, there {f.was} no {f} left.",
         "One {w} day, the {f} {f.was} gone, and {A} was very hungry."],
        ["So {A} went to the {q} to look for food.", "So {A} walked all the way to the {q}.",
         "\"I will go to the {q} and look for {f},\" said {A}."],
        ["On the way, {A.he} met a {m} named {B}.", "There {A.he} saw a {m}. Its name was {B}.",
         "Near a tree sat a {j2} {m} named {B}."],
        ["{B} was sad because {B.he} had lost a {c} {o}.", "{B} was crying because {B.his} {c} {o} was gone.",
         "{B} wanted to carry a {c} {o}, but it was too heavy."],
        ["\"Please help me with my {o}!\" said {B}.", "\"Can you help me, {A}?\" asked the {m}.",
         "\"I need my {c} {o},\" said {B}."],
        ["\"Of course,\" said the {n}.", "{A} was a good {n} and wanted to help.", "\"I will help you,\" said {A} to the {m}."],
        ["Together, {A} and {B} looked {q.in}, and there was the {o}.", "They worked all day, and in the evening {B} had the {c} {o}.",
         "{A} pulled and pushed, and soon the {m} had the {o}."],
        ["\"Thank you, {A}!\" said {B}.", "The {m} thanked the {n} again and again.", "{B} was so happy that {B.he} danced."],
        ["Then {B} gave {A} a big basket full of {f}.", "\"Here {f.is} some {f} for you,\" said the {m}.",
         "{B} took {A} home, and they ate {f} together."],
        ["{A} was not hungry any more, and {A.he} was very happy.", "The {n} and the {m} became good friends.",
         "{A} learned that it is good to help others.", "And so {A} and {B} lived happily near the {q}."],
    ],
    "gift": [
        CHILD,
        ["{A} wanted to give a gift to {A.his} friend {B}.", "The next day was the birthday of {B}, and {A} needed a gift.",
         "{A.His} friend {B} was ill, and {A} wanted to make {B.him} happy."],
        ["{A.He} knew that {B} wanted a {c} {o}.", "\"{B} would love a {c} {o},\" thought {A}, \"but I have no money.\"",
         "{A} thought of a {c} {o}."],
        ["So {A.he} went to the {p} on a {w} day.", "The day was {w}, and {A} walked to the {p}.", "So {A} ran to the {p}."],
        ["There {A.he} met a {k}.", "There {A.he} saw a {j2} {k}.", "A {k} with a small {n} was standing there."],
        ["\"Do you have a {c} {o}?\" asked {A}.", "\"I need a {c} {o} for {B},\" said {A}."],
        ["\"Yes, but you must work for it,\" said the {k}.", "\"I will give it to you if you help me,\" said the {k}.",
         "The {k} smiled and said, \"Help me first.\""],
        ["{A} cleaned the floor all day.", "So {A} carried {f} to the {r} for the {k}.", "All day long, {A} helped the {k}."],
        ["In the evening, the {k} gave {A.him} the {c} {o}.", "When the work was done, {A} got the {c} {o}.",
         "The {k} was happy and gave {A} the {c} {o}."],
        ["{A} ran to the house of {B}.", "{A} took the {o} to {B}.", "{A.He} put the {o} in a box and went to see {B}."],
        ["\"This is for you, {B},\" said {A}.", "{B} opened the door, and {A} gave {B.him} the {o}."],
        ["{B} loved the {c} {o}.", "\"A {c} {o}! It is just what I wanted,\" said {B}.", "{B} smiled and hugged {A}."],
        ["{A} was tired but very happy.", "Then they ate {g} together.", "It was the best day of the year for {A} and {B}."],
    ],
    "race": [
        ANIMAL,
        ["{A} had a friend, a {m} named {B}.", "Near the {q} lived a {m} named {B}.", "{A.His} best friend was a {m} named {B}."],
        ["\"I am faster than you,\" said {B} one {w} day.", "One {w} morning, the {m} said, \"Let us run a race, {A}.\"",
         "\"Let us run to the {r},\" said {B} to {A} one day."],
        ["\"The winner gets a {c} {o},\" said the {n}.", "The prize was a {c} {o}.", "Whoever was first would get a {c} {o}."],
        ["They ran and ran, and soon {B} was far ahead.", "The {n} and the {m} ran as fast as the wind.",
         "At first {A} was slow, and {B} was fast."],
        ["But then {B} fell into a hole.", "But then {B} hurt {B.his} foot on a stone.", "But on the way, the {m} got stuck in the mud."],
        ["\"Help me, {A}!\" cried {B}.", "\"Oh no!\" cried the {m}. \"I can not run any more.\"",
         "{B} could not get up and began to cry."],
        ["{A} could win now, but {A.he} stopped.", "The {n} heard this and turned around.", "{A} did not think of the {o} any more."],
        ["\"I will help you, {B},\" said {A}.", "{A} gave {B} some {f} and helped {B.him} up.", "\"A friend is better than a {o},\" said {A}."],
        ["The {n} carried the {m} all the way.", "Slowly, {A} and {B} walked on together.", "So they went on side by side."],
        ["At the end, the {c} {o} was waiting for them.", "In the evening, both got the {c} {o}.", "\"The {c} {o} is for you, {A},\" said {B}."],
        ["\"We have both won,\" said the {m}.", "\"You are a true friend,\" said {B} to {A}.", "{B} hugged {A} and thanked {A.him}."],
        ["From that day on, {A} and {B} shared the {o}.", "The {n} and the {m} were best friends ever after.",
         "And they ate {g} until the sun went down."],
    ],
    "seed": [
        CHILD,
        ["One {w} day, {A} found a little seed {p.in}.", "A {k} gave {A} a little seed one {w} morning.",
         "{A.His} grandmother gave {A.him} a little seed."],
        ["\"What will grow from it?\" asked {A}.", "\"It is so small,\" said {A}.", "{A} looked at the seed and smiled."],
        ["{A.He} put the seed into a {c} {o2} with some earth.", "{A.He} planted the seed in a {c} {o2}."],
        ["Every day, {A} gave it water.", "Every morning, {A.he} gave the seed some water.", "{A.He} watered it every day and sang a song."],
        ["But nothing happened, and {A} was sad.", "For a long time, nothing grew.", "Many days went by, and {A} waited."],
        ["\"Just wait, {A},\" said {A.his} friend {B}.", "{A.His} friend {B} said, \"Good things take time, {A}.\"",
         "\"You must be patient,\" said {A.his} friend {B}."],
        ["So {A} and {B} waited together.", "So {B} helped {A} to water the seed.", "Then {A} put the {o2} in the sun."],
        ["One morning, there was a green leaf in the {c} {o2}!", "Then, on a {w2} day, a little plant came out of the {o2}."],
        ["The plant grew and grew until it was a tree.", "Soon it was bigger than {A}.", "It grew as tall as a house."],
        ["In the summer, it was full of {f3}.", "And one day, {f3} grew on it."],
        ["{A} gave some of the {f3} to {B}.", "\"Thank you for your help, {B},\" said {A}, and they ate the {f3}.",
         "{A} and {B} sat under the tree and ate {f3}."],
        ["{B} laughed and said, \"All this came from a little seed!\"", "{A} learned to be patient.",
         "And {A} kept the {c} {o2} for another seed."],
    ],
    "storm": [
        CHILD,
        ["One {w} day, {A} and {A.his} friend {B} went to the {p}.", "One morning, {A} walked to the {p} with {A.his} friend {B}.",
         "{A} and {A.his} friend {B} often played {p.in}."],
        ["{A} took a {c} {o} along.", "{B} had some {f} in a bag, and {A} had a {c} {o}.", "With them they had a {c} {o}."],
        ["Suddenly the sky turned dark.", "Then a storm came up, and it began to rain.", "But soon there was thunder and lightning."],
        ["\"I am afraid,\" said {B}.", "{B} held the hand of {A}.", "\"We must find a dry place,\" said {B}."],
        ["\"Do not be afraid, {B},\" said {A}.", "\"Come with me, {B}!\" cried {A}.", "{A} was brave and knew what to do."],
        ["They ran to the {r} as fast as they could.", "So {A} and {B} ran to the {r}.", "\"Let us run to the {r}!\" said {A}."],
        ["There they saw a wet little {n}.", "A little {n} was hiding there, and it was cold.", "In a corner sat a {n}, wet and cold."],
        ["{A} dried the {n} with {A.his} coat.", "{B} gave the {n} some {g}.", "{A} and {B} kept the {n} warm."],
        ["To pass the time, they played with the {c} {o}.", "{A} told {B} a story about a {c} {o}.", "{B} held the {o}, and {A} sang a song."],
        ["After an hour, the rain stopped.", "At last the sun came out again.", "Then the storm was over."],
        ["\"Look, a rainbow!\" said {B}.", "The {n} jumped for joy.", "\"That was not so bad,\" said {B}."],
        ["{A} and {B} took the {n} home and gave it some {g2}.", "The {n} followed {A} and {B} home.", "From then on, the {n} lived with {A}."],
        ["And {B} was never afraid of storms again.", "They were good friends, all three of them.", "{A} never forgot the day {r.in}."],
    ],
    "afraid": [
        CHILD,
        ["But {A} was afraid of the dark.", "There was only one thing: {A} was afraid of the dark.", "But when it was dark, {A} was afraid."],
        ["One {w} evening, {A.his} {o} was still {p.in}.", "One evening, {A} left {A.his} {c} {o} {p.in}.",
         "{A} had a {c} {o}, and one {w} evening it was still {p.in}."],
        ["\"I can not sleep without my {o},\" said {A}.", "{A} wanted to have the {o}, but it was dark outside.",
         "\"Who will get my {o}?\" asked {A}."],
        ["{A.His} {B.sibling} {B} said, \"You can do it, {A}.\"", "\"Just take a lamp,\" said {A.his} {B.sibling} {B}.",
         "{A.His} {B.sibling} {B} gave {A.him} a little lamp."],
        ["So {A} went out into the night.", "So {A.he} opened the door and went outside.", "{A.His} heart was beating, but {A} went."],
        ["Near the {p}, {A.he} heard a noise.", "Then something moved in the dark.", "On the way, {A.he} saw two big eyes."],
        ["\"Who is there?\" asked {A}.", "{A} wanted to run away.", "{A} stood still and did not move."],
        ["But it was only a {n}.", "Then {A.he} saw that it was just a {n}.", "\"{S}!\" said a little {n}."],
        ["The {n} was afraid of the dark, too.", "The {n} was lost and wanted to go home.", "\"You are as small as I am,\" said {A} to the {n}."],
        ["{A} took the {n} along and found the {o}.", "Together they went to the {p}, and there was the {c} {o}.",
         "With the {n} at {A.his} side, {A} found the {c} {o} {h}."],
        ["\"You were very brave, {A},\" said {B} at home.", "{B} was waiting at the door and hugged {A}.", "At home, {B} was proud of {A}."],
        ["From that day on, {A} was not afraid of the dark.", "{A} gave the {n} some {g}, and then {A.he} slept well.",
         "And that night, {A} slept with the {o} and the {n} in {A.his} bed."],
    ],
    "market": [
        ["Once upon a time, there was a {j} {k} named {A}.", "Once upon a time, a {k} named {A} lived near the {q}.",
         "Long ago, a {j} {k} named {A} lived near the {q}.", "{A} was a {k}, and everyone said that {A.he} was {j}."],
        ["One {w} day, {A} went to the market to buy some {f}.", "Every week, {A} went to the market to buy {f}.",
         "One {w} morning, {A.he} needed some {f} from the market."],
        ["At the market, {A.he} met a {B.kid} named {B}.", "There stood a {j2} {B.kid} named {B}.", "On the way, {A.he} saw a {B.kid}, whose name was {B}."],
        ["{B} was hungry and had no money.", "{B} had nothing to eat but an old {c} {o} to sell.", "{B} wanted to sell a {c} {o}, but no one came."],
        ["\"Please buy my {c} {o},\" said {B}.", "\"This {c} {o} is all I have,\" said {B}.", "\"Would you like a {c} {o}?\" asked {B}."],
        ["{A} did not need a {o}, but {A.he} was kind.", "The {k} looked at the {o} and smiled.", "\"What a beautiful {o}!\" said the {k}."],
        ["So {A} bought the {o} and shared the {f} with {B}.", "{A} gave {B.him} all the money and half of the {f}.",
         "\"I will take it,\" said {A} and gave {B.him} {N} coins."],
        ["\"Thank you, {A}!\" said {B}.", "{B} was so happy that {B.he} sang a song.", "{B} ate and thanked the {k}."],
        ["At home, {A} looked at the {o} again.", "In the evening, {A.he} put the {o} on the table.", "Back near the {q}, {A} cleaned the {c} {o}."],
        ["There was a golden ring inside!", "It began to shine like a star!", "A little note was in it: \"A kind heart is worth more than gold.\""],
        ["\"This belongs to {B},\" said {A}.", "The {k} went back to find {B}.", "\"I must show this to {B},\" said the {k}."],
        ["{B} laughed and said, \"Keep it, {A}. You were good to me.\"", "\"Let us share it,\" said {B}.", "\"You are an honest {k},\" said {B}."],
        ["From that day on, {B} worked with the {k}.", "And {A} and {B} were friends for many years.", "They lived near the {q} and always had enough {f}."],
    ],
}

# What the reader accepts beside the ways above, though nothing writes it: what
# either of two friends can do as well, at the place of the sentence it stands for.
ALSO = {
    "storm": {
        2: ["{B} took a {c} {o} along.", "{A} had some {f} in a bag, and {B} had a {c} {o}."],
        4: ["\"We must find a dry place,\" said {A}.", "{A} held the hand of {B}."],
        6: ["\"Let us run to the {r}!\" said {B}."],
        8: ["{B} dried the {n} with {B.his} coat.", "{A} gave the {n} some {g}.", "{B} and {A} kept the {n} warm."],
        9: ["{B} told {A} a story about a {c} {o}.", "{A} held the {o}, and {B} sang a song."],
        11: ["\"Look, a rainbow!\" said {A}.", "\"That was not so bad,\" said {A}."],
        13: ["{B} never forgot the day {r.in}."],
    },
    "seed": {
        7: ["So {A} helped {B} to water the seed.", "So {B} and {A} waited together."],
        11: ["{B} gave some of the {f3} to {A}.", "{B} and {A} sat under the tree and ate {f3}."],
        12: ["{A} laughed and said, \"All this came from a little seed!\"", "{B} learned to be patient."],
    },
    "lost": {
        7: ["{A} looked {r.in} and found only some {f}."],
        9: ["{A} found the {c} {o} {h}.", "{A} pointed, and there was the {o} {h}."],
        11: ["{B} gave {A} some {g}, and they both smiled.", "{B} and {A} laughed all the way home."],
    },
    "race": {
        8: ["{A} helped {B.him} up and gave {B} some {f}."],
        11: ["{A} hugged {B}."],
    },
}
POTS = "bucket cup basket box".split()  # what {o2} is: things that hold earth
TREES = "apples pears plums nuts".split()  # what {f3} is: food that grows on trees

NAME = "[A-Z][a-z]+"
SLOTS = {  # the first letter of a slot: what it can be
    "c": world.COLORS, "o": world.OBJECTS, "p": list(world.PLACES), "q": list(world.PLACES), "r": list(world.PLACES),
    "n": list(world.ANIMALS), "m": list(world.ANIMALS), "f": list(world.FOODS), "g": list(world.FOODS),
    "w": world.WEATHER, "j": world.TRAITS, "k": list(world.JOBS), "h": world.HIDING, "N": world.NUMBERS[2:11],
    "S": [sound.capitalize() for sound, *_ in world.ANIMALS.values()], "o2": POTS, "f3": TREES,
}


def derived(slot, value):
    """What follows from a slot: {A.he}, {p.in}, {f.was} and so on."""
    if slot[0] in "AB":
        girl = world.is_girl(value)
        he, his, him, kid, sibling = ("she her her girl sister" if girl else "he his him boy brother").split()
        return {"he": he, "his": his, "him": him, "kid": kid, "sibling": sibling,
                "He": he.capitalize(), "His": his.capitalize()}
    if slot[0] in "pqr":
        return {"in": f"{world.PLACES[value]} {value}", "at": f"at the {value}", "inside": f"in the {value}"}
    if slot[0] in "fg":
        many = world.FOODS[value]
        return {"was": "were" if many else "was", "is": "are" if many else "is"}
    return {}


def with_an(text):
    return re.sub(r"\b([Aa]) (?=[aeio])", r"\1n ", text)


def articles_are_right(text):
    return with_an(text) == text and not re.search(r"\b[Aa]n (?![aeio]|hour|honest)", text)


def fill(template, bound):
    def value(match):
        slot, _, rest = match[1].partition(".")
        return derived(slot, bound[slot])[rest] if rest else bound[slot]
    return with_an(re.sub(r"\{([\w.]+)\}", value, template))


def bind(dice):
    """A value for every slot."""
    bound = dict(zip("AB", dice.two_names()))
    bound["c"], bound["o"] = dice.thing()
    bound["p"], bound["q"] = dice.two(list(world.PLACES))
    bound["n"], bound["m"] = dice.two(list(world.ANIMALS))
    bound["f"], bound["g"] = dice.two(list(world.FOODS))
    bound["r"] = dice.choice([r for r in world.PLACES if r not in (bound["p"], bound["q"])])
    return bound


def write(dice, plot=None, bound=None):
    """A story as text, its plot, and what the slots stand for."""
    plot = plot or dice.choice(list(PLOTS))
    bound = bound if bound is not None else bind(dice)
    text = []
    for ways in PLOTS[plot]:
        template = dice.choice(ways)
        for slot in re.findall(r"\{(\w+)", template):
            if slot not in bound:
                bound[slot] = draw(dice, slot, bound)
        text.append(fill(template, bound))
    return " ".join(text), plot, bound


def draw(dice, slot, bound):
    if slot == "S":
        return world.ANIMALS[bound["n"]][0].capitalize()
    values = SLOTS.get(slot) or SLOTS[slot[0]]
    others = [bound.get(other) for other in bound if other[0] == slot[0]]
    return dice.choice([v for v in values if v not in others])


@functools.lru_cache(None)
def pattern(template):
    """The regular expression of a way to say a sentence, with one group for every slot."""
    out, names = "", []
    for part in re.split(r"(\{[\w.]+\})", template):
        if not part.startswith("{"):
            out += re.sub(r"\b([Aa])\\ $", r"\1n?\\ ", re.escape(part))
            continue
        slot, _, rest = part[1:-1].partition(".")
        if rest:
            values = sorted({derived(slot, v)[rest] for v in (["Mia", "Tom"] if slot[0] in "AB" else SLOTS[slot[0]])})
        else:
            values = SLOTS.get(slot) or SLOTS.get(slot[0])
        out += "(" + ("|".join(map(re.escape, values)) if values else NAME) + ")"
        names.append((slot, rest))
    return re.compile(out + r"(?: |$)"), names


def matches(template, text, at):
    """Where the sentence at a place ends, and what its slots are, or None.

    The articles must be right whatever else is.
    """
    expression, names = pattern(template)
    match = expression.match(text, at)
    if not match or not articles_are_right(match[0]):
        return None
    return match.end(), [(slot, rest, value) for (slot, rest), value in zip(names, match.groups())]


def read(text, consistent=True):
    """The plot of a story, or None if it has none.

    With consistent, every slot must mean the same from the first sentence to
    the last, pronouns and all; without, each sentence stands for itself.
    """
    text = text.strip()

    def rest_reads(ways, at, bound):
        if not ways:
            return at >= len(text)
        for template in ways[0]:
            found = matches(template, text, at)
            if not found:
                continue
            both = unify(bound, found[1]) if consistent else bound
            if both is not None and rest_reads(ways[1:], found[0], both):
                return True
        return False

    for plot, sentences in readable().items():
        if rest_reads(sentences, 0, {}):
            return plot
    return None


@functools.lru_cache(None)
def readable():
    """The plots with all that the reader accepts: ALSO, and "at the" or "in the" for any place."""
    plots = {}
    for plot, sentences in PLOTS.items():
        plots[plot] = []
        for i, ways in enumerate(sentences):
            ways = ways + ALSO.get(plot, {}).get(i, [])
            for other in ("at", "inside"):
                ways = ways + [re.sub(r"\.in\}", "." + other + "}", way) for way in ways if ".in}" in way]
            plots[plot].append(ways)
    return plots


def unify(bound, found):
    """The slots with what a sentence says of them, or None if it contradicts.

    Things that follow from a name that is not known yet are kept until it is.
    """
    bound = dict(bound)
    for slot, rest, value in found:
        key = slot + "." + rest if rest else slot
        if bound.setdefault(key, value) != value:
            return None
    for key, value in bound.items():
        slot, _, rest = key.partition(".")
        if rest and slot in bound and derived(slot, bound[slot])[rest] != value:
            return None
    for key, value in bound.items():  # different slots of a kind are different
        for other in bound:
            if other != key and other[0] == key[0] and "." not in key + other and bound[other] == value:
                return None
    if "S" in bound and "n" in bound and world.ANIMALS[bound["n"]][0].capitalize() != bound["S"]:
        return None
    return bound
