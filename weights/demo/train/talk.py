"""Conversations: exchanges of a question and its one right answer.

An exchange of every kind comes from one function, which gets the dice and
returns the question and the answer. What the split keeps from the training is
the combination of the words that the answer depends on.
"""

import jokes
import stories
import world
from stories import derived, with_an


OPENERS = set("What How Which Tell Please Can Count Write Where Who Do I Hello Hi Make Why Translate Explain Give Thanks "
              "Thank Goodbye Bye Good Hey Help My See".split())


def either(dice, question):
    """Not everybody types capitals and stops; but a name stays one."""
    if question.split()[0].rstrip(",!.") in OPENERS and dice.chance(0.15):
        question = question[0].lower() + question[1:]
    if dice.chance(0.15) and question[-1] in ".?":
        question = question[:-1]
    return question


def say(dice, *ways):
    """One of the ways, and which one it was."""
    which = dice.choice(range(len(ways)))
    return ways[which], which


# Numbers.

def number(value, in_words):
    return world.NUMBERS[value] if in_words else str(value)


def capital(text):
    return text[0].upper() + text[1:]


def sum_of(dice):
    def draw():
        a, b = dice.choice(range(11)), dice.choice(range(11))
        return (*say(dice, "What is {} plus {}?", "How much is {} plus {}?", "What is {} + {}?"), a, b)
    way, _, a, b = dice.allowed(draw)
    if "+" in way:
        return way.format(a, b), f"{a} + {b} = {a + b}."
    words = dice.chance(0.3)
    a, b, c = number(a, words), number(b, words), number(a + b, words)
    return way.format(a, b), capital(f"{a} plus {b} is {c}.")


def difference(dice):
    def draw():
        a = dice.choice(range(11))
        return (*say(dice, "What is {} minus {}?", "How much is {} minus {}?", "What is {} - {}?"), a, dice.choice(range(a + 1)))
    way, _, a, b = dice.allowed(draw)
    if " - " in way:
        return way.format(a, b), f"{a} - {b} = {a - b}."
    words = dice.chance(0.3)
    a, b, c = number(a, words), number(b, words), number(a - b, words)
    return way.format(a, b), capital(f"{a} minus {b} is {c}.")


def gets_more(dice):
    first, second = dice.two_names()
    a, b, what = dice.allowed(lambda: (dice.choice(range(2, 10)), dice.choice(range(2, 10)), dice.choice(world.COUNTED)))
    him, words = derived("A", first)["him"], dice.chance(0.4)
    way, _ = say(dice, f"{second} gives {him} {number(b, words)} more.", f"Then {second} gives {him} {number(b, words)} more {what}.")
    return (f"{first} has {number(a, words)} {what}. {way} How many {what} does {first} have now?",
            f"{first} has {number(a + b, words)} {what} now.")


def gives_away(dice):
    first, second = dice.two_names()
    a, b, what = dice.allowed(lambda: (dice.choice(range(5, 13)), dice.choice(range(2, 5)), dice.choice(world.COUNTED)))
    he, words = derived("A", first)["he"], dice.chance(0.4)
    way, _ = say(dice, f"{capital(he)} gives {number(b, words)} to {second}.", f"Then {he} gives {number(b, words)} {what} to {second}.")
    return (f"{first} has {number(a, words)} {what}. {way} How many {what} does {first} have now?",
            f"{first} has {number(a - b, words)} {what} now.")


def count(dice):
    def draw():
        a, b = dice.two(range(21))
        return min(a, b), max(a, b), dice.choice(["up", "down"])
    a, b, direction = dice.allowed(draw)
    numbers = list(range(a, b + 1)) if direction == "up" else list(range(b, a - 1, -1))
    words = dice.chance(0.25)
    way, _ = say(dice, "Count from {} to {}.", "Please count from {} to {}.", "Can you count from {} to {}?")
    return (way.format(number(numbers[0], words), number(numbers[-1], words)),
            capital(", ".join(number(n, words) for n in numbers)) + ".")


def neighbour(dice):
    def draw():
        return (*say(dice, "What number comes {} {}?", "What comes {} {}?", "Which number is {} {}?"),
                dice.choice(["after", "before"]), dice.choice(range(1, 20)))
    way, _, side, a = dice.allowed(draw)
    words = dice.chance(0.25)
    b = a + 1 if side == "after" else a - 1
    return way.format(side, number(a, words)), capital(f"{number(b, words)} comes {side} {number(a, words)}.")


def bigger(dice):
    def draw():
        return (*dice.two(range(21)), dice.choice(["bigger", "smaller"]))
    a, b, size = dice.allowed(draw)
    right, wrong = (max(a, b), min(a, b)) if size == "bigger" else (min(a, b), max(a, b))
    way, _ = say(dice, "Which is {}, {} or {}?", "Which number is {}, {} or {}?", "What is {}, {} or {}?")
    return way.format(size, a, b), f"{right} is {size} than {wrong}."


# What is always true in the world.

def animal_fact(dice):
    def draw():
        animal, about = dice.choice(list(world.ANIMALS)), dice.choice(["sound", "home", "food", "legs"])
        ways = {
            "sound": ("What does {a} say?", "What sound does {a} make?", "How does {a} go?"),
            "home": ("Where does {a} live?", "What is the home of {a}?", "Where can I find {a}?"),
            "food": ("What does {a} eat?", "What does {a} like to eat?", "What can I give {a} to eat?"),
            "legs": ("How many legs does {a} have?", "How many legs has {a}?", "Do you know how many legs {a} has?"),
        }[about]
        return (*say(dice, *ways), animal, about)
    way, _, animal, about = dice.allowed(draw)
    sound, home, food, legs = world.ANIMALS[animal]
    a = with_an("a " + animal)
    answer = {"sound": f"{capital(a)} says {sound}.", "home": f"{capital(a)} lives in {home}.".replace("in a farm", "on a farm"),
              "food": f"{capital(a)} likes {food}.", "legs": f"{capital(a)} has {world.NUMBERS[legs]} legs."}[about]
    return way.format(a=a), answer


def job_fact(dice):
    def draw():
        job, about = dice.choice(list(world.JOBS)), dice.choice(["place", "work", "who"])
        ways = {"place": ("Where does a {k} work?", "Where can I find a {k}?", "Where is the {k}?"),
                "work": ("What does a {k} do?", "What is the work of a {k}?", "What does a {k} do all day?"),
                "who": ("Who {does}?", "Who is it that {does}?", "Do you know who {does}?")}[about]
        return (*say(dice, *ways), job, about)
    way, _, job, about = dice.allowed(draw)
    place, does = world.JOBS[job]
    at = world.PLACES.get(place, "in the")
    answer = {"place": f"A {job} works {at} {place}.", "work": f"A {job} {does}.", "who": f"A {job} {does}."}[about]
    return way.format(k=job, does=does), answer


def day(dice):
    def draw():
        return (*say(dice, "What day comes {} {}?", "Which day is {} {}?"), dice.choice(["after", "before"]), dice.choice(range(7)))
    way, _, side, i = dice.allowed(draw)
    other = world.DAYS[(i + (1 if side == "after" else -1)) % 7]
    return way.format(side, world.DAYS[i]), f"{other} comes {side} {world.DAYS[i]}."


# What the question itself says.

def different(n, draw):
    """What n draws give, drawn again where a word came before."""
    drawn = []
    while len(drawn) < n:
        words = draw()
        if not any(word in others for word in words for others in drawn):
            drawn.append(words)
    return drawn


def people(dice, n):
    return [name for pair in different((n + 1) // 2, dice.two_names) for name in pair][:n]


def belongings(dice, n):
    """Facts of one kind: what is told, what can be asked about each that it says
    forwards, and backwards: with what it says when turned round."""
    return [(f"{name} has a {color} {thing}.", [
        (f"What does {name} have?", f"{name} has a {color} {thing}."),
    ], [
        (f"Who has the {thing}?", f"the {thing} is {name}'s"),
        (f"What color is the {thing}?", f"the {thing} is {color}"),
    ]) for name, (color, thing) in zip(people(dice, n), different(n, dice.thing))]


def whereabouts(dice, n):
    places = different((n + 1) // 2, lambda: dice.allowed(lambda: dice.two(list(world.PLACES))))
    places = [derived("p", place)["in"] for pair in places for place in pair]
    return [(f"The {thing} is {place}.", [
        (f"Where is the {thing}?", f"The {thing} is {place}."),
    ], [
        (f"What is {place}?", f"{place} is the {thing}"),
    ]) for (_, thing), place in zip(different(n, dice.thing), places)]


def animals_named(dice, n):
    animals = different(n, lambda: (dice.choice(list(world.ANIMALS)),))
    return [(f"{name} is a {animal}.", [
        (f"What is {name}?", f"{name} is a {animal}."),
    ], [
        (f"Who is the {animal}?", f"the {animal} is {name}"),
    ]) for name, (animal,) in zip(people(dice, n), animals)]


def sentence(text):
    return capital(text) + "."


def as_told(facts):
    """Facts and their questions. What stands behind a word is easy to find, what
    stands before it is not: a transformer of this size does not learn to look for
    a word's own earlier place. So an answer that needs what stands before goes
    through the facts aloud, turns each round, and then finds its word as easily
    as any other."""
    found = []
    for said, forwards, backwards in facts:
        questions = list(forwards)
        for which, (question, turned) in enumerate(backwards):
            aloud = [f"{other[:-1]}: {others[which][1]}." for other, _, others in facts]
            questions.append((question, " ".join([*aloud, f"So {turned}."])))
        found.append((said, questions))
    return found


def turned_round(dice, facts):
    """The same facts, told so that the backward questions ask for what they say forwards."""
    which = dice.choice(range(len(facts[0][2])))
    turned = [backwards[which] for _, _, backwards in facts]
    return [(sentence(short), [(question, sentence(short))]) for question, short in turned]


def told(dice, facts):
    """The facts in one message, two of them at times in one sentence."""
    sentences = [sentence for sentence, _ in facts]
    if len(facts) == 2 and sentences[0][:4] != "The " and dice.chance(0.4):
        return f"{sentences[0][:-1]} and {sentences[1]}"
    return " ".join(sentences)


def one_of_two(facts):
    """A question about one of two."""
    def ask(dice):
        pair = as_told(facts(dice, 2))
        question, answer = dice.choice(dice.choice(pair)[1])
        return with_an(f"{told(dice, pair)} {question}"), with_an(answer)
    ask.__name__ = f"one_of_two_{facts.__name__}"
    return ask


def gathering(dice):
    """Several of a kind at once, and many questions about them."""
    kind, turned = dice.weighted({belongings: 2, whereabouts: 1, animals_named: 1}), dice.chance(0.6)
    facts = kind(dice, dice.choice(range(2, 7 if turned else 5)))
    facts = turned_round(dice, facts) if turned else as_told(facts)
    asked = [dice.choice(questions) for _, questions in facts]
    dice.shuffle(asked)
    exchanges = [(with_an(question), with_an(answer)) for question, answer in asked[:6 if turned else dice.choice(range(1, 4))]]
    first, answer = exchanges[0]
    return [(f"{with_an(told(dice, facts))} {first}", answer), *exchanges[1:]]


def words(dice, n):
    """Different words of all kinds."""
    kinds = [world.COLORS, world.OBJECTS, list(world.ANIMALS), list(world.PLACES), list(world.JOBS), world.DAYS, world.GIRLS, world.BOYS]
    return [word for (word,) in different(n, lambda: (dice.rare_name() if dice.chance(0.1) else dice.choice(dice.choice(kinds)),))]


def again(dice):
    """Words to say again."""
    way, _ = say(dice, "Say this again: {}.", "Please repeat: {}.", "Can you repeat {}?")
    listed = ", ".join(words(dice, dice.choice(range(3, 31))))
    return way.format(listed), capital(listed) + "."


def in_a_row(dice):
    """Words in a row, and many questions about their neighbours."""
    row = words(dice, dice.choice(range(3, 13)))
    asked = [(f"What comes after {a}?", capital(f"{b} comes after {a}.")) for a, b in zip(row, row[1:])]
    asked += [(f"What comes before {b}?", capital(f"{a} comes before {b}.")) for a, b in zip(row, row[1:])]
    dice.shuffle(asked)
    (first, answer), *others = asked[:dice.choice(range(1, 13))]
    return [(f"{capital(', '.join(row))}. {first}", answer), *others]


def compare(dice):
    a, b = dice.two_names()
    more, less = dice.choice([("older", "younger"), ("taller", "smaller"), ("faster", "slower")])
    question, answer = dice.choice([(f"Who is {more}?", f"{a} is {more}."), (f"Who is {less}?", f"{b} is {less}.")])
    return f"{a} is {more} than {b}. {question}", answer


# Stories on request, and what they told.

def story_request(dice):
    """A wish for a story, and the story."""
    text, plot, bound = stories.write(dice)
    a, b, thing = bound["A"], bound["B"], bound["o"]
    about = {
        "lost": f"about {a} and a lost {thing}", "hungry": f"about a {bound['n']} named {a}",
        "gift": f"about {a} and a gift for {b}", "race": f"about a race of a {bound['n']} and a {bound['m']}",
        "seed": f"about {a} and a little seed", "storm": f"about {a}, {b} and a storm",
        "afraid": f"about {a} and the dark", "market": f"about a {bound.get('k', '')} named {a}",
    }[plot]
    if dice.chance(0.2):
        about = f"about {a} and {b}"
    elif dice.chance(0.2):
        about = f"about {a}"
    way, _ = say(dice, "Tell me a story {}.", "Please tell me a story {}.", "Write a story {}.", "Can you tell me a story {}?", "I want a story {}.")
    question = way.format(about) if dice.chance(0.6) else way.replace(" {}", "")
    return either(dice, with_an(question)), text, plot, bound


def story_question(dice, text, plot, b):
    """A question that the text answers."""
    found = []
    if f"{b['c']} {b['o']}" in text:
        found.append((f"What color was the {b['o']}?", f"The {b['o']} was {b['c']}."))
    found += {
        "lost": [("Who lost something?", f"{b['A']} lost a {b['c']} {b['o']}."), (f"Who helped {b['A']}?", f"{b['B']} helped {b['A']}."),
                 (f"What did {b['A']} lose?", f"{b['A']} lost a {b['c']} {b['o']}.")],
        "hungry": [(f"What was {b['A']}?", f"{b['A']} was a {b['n']}."), (f"What was {b['B']}?", f"{b['B']} was a {b['m']}."),
                   (f"What did {b['A']} like to eat?", f"{b['A']} liked {b['f']}.")],
        "gift": [("Who got the gift?", f"{b['B']} got the gift from {b['A']}."), (f"Who helped {b['A']}?", f"A {b.get('k')} helped {b['A']}."),
                 ("What was the gift?", f"The gift was a {b['c']} {b['o']}.")],
        "race": [(f"What was {b['A']}?", f"{b['A']} was a {b['n']}."), (f"What was {b['B']}?", f"{b['B']} was a {b['m']}."),
                 ("What was the prize?", f"The prize was a {b['c']} {b['o']}.")],
        "seed": [("Who planted the seed?", f"{b['A']} planted the seed."), (f"Who was the friend of {b['A']}?", f"{b['B']} was the friend of {b['A']}."),
                 ("What grew on the tree?", f"On the tree grew {b.get('f3')}.")],
        "storm": [("Who was afraid?", f"{b['B']} was afraid."), ("Who was brave?", f"{b['A']} was brave."),
                  ("Which animal did they find?", f"They found a {b['n']}.")],
        "afraid": [("Who was afraid of the dark?", f"{b['A']} was afraid of the dark."), ("What was in the dark?", f"It was a {b['n']}."),
                   (f"Where was the {b['o']}?", f"The {b['o']} was {derived('p', b['p'])['in']}.")],
        "market": [(f"What was {b['A']}?", f"{b['A']} was a {b.get('k')}."), (f"What did {b['A']} buy?", f"{b['A']} bought a {b['c']} {b['o']}."),
                   ("Who sold something?", f"{b['B']} sold a {b['c']} {b['o']}.")],
    }[plot]
    question, answer = dice.choice(found)
    return with_an(question), with_an(answer)


def told_story(dice):
    """A story and a question in one message."""
    text, plot, bound = stories.write(dice)
    question, answer = story_question(dice, text, plot, bound)
    return text + " " + question, answer


# The rest.

def joke(dice):
    question, answer = dice.choice(jokes.JOKES)
    way, _ = say(dice, "Tell me a joke.", "Tell me a joke.", "Please tell me a joke.", "Do you know a joke?", "Can you tell me a joke?",
                 "Make me laugh.", "Tell me another joke.", "I want to hear a joke.", "Tell me something funny.")
    return way, f"{question} {answer}"


SMALL_TALK = [
    (("Hello!", "Hello", "Hi", "Hi!", "Hey", "Good morning!"), "Hello! Would you like a story, a joke or a sum?"),
    (("How are you?", "How are you today?", "How is it going?"), "I am fine, thank you. How are you?"),
    (("Who are you?", "What are you?", "What is your name?", "Tell me about yourself."),
     "I am a very small model with ternary weights. I know stories, jokes and small numbers."),
    (("What can you do?", "What do you know?", "Help", "How can you help me?"),
     "I can tell a story or a joke, count, and answer questions about small numbers, animals and stories."),
    (("Thank you!", "Thanks", "Thank you very much.", "That was nice."), "You are welcome!"),
    (("Goodbye!", "Bye", "Good night!", "See you tomorrow."), "Goodbye! It was nice to talk to you."),
]


def small_talk(dice):
    ways, answer = dice.choice(SMALL_TALK)
    return dice.choice(ways), answer


UNKNOWN = ("That is too hard for a small model like me. Ask me for a story, a joke or a sum.",)
OUTSIDE = [line.strip() for line in """
What is the capital of {x}?
Who was the first king of {x}?
Where is {x}?
Write a program in {x}.
Translate this into {x}.
What is the meaning of life?
What do you think about {x}?
Who won the game yesterday?
What time is it?
What is the weather today?
What is the news?
Explain how {x} works.
How far away is the moon?
How do I cook {x}?
Who wrote {x}?
Give me a list of {x}.
Write a poem about {x}.
Why is the sky blue?
What year is it?
How do computers work?
""".strip().splitlines()]
X = ("France Germany Spain Italy Japan China India America England Europe Africa Rome Paris London Berlin Python Java music "
     "history science money people computers planets love time cars water light work German French English").split()


def outside(dice):
    return dice.choice(OUTSIDE).replace("{x}", dice.choice(X)), UNKNOWN[0]


def my_name(dice):
    """Two exchanges: the name is told, later asked for."""
    name = dice.name(0.3)
    told, _ = say(dice, f"Hello, my name is {name}.", f"My name is {name}.", f"Hi, I am {name}.")
    return [(told, f"Hello, {name}! Would you like a story, a joke or a sum?"), ("What is my name?", f"Your name is {name}.")]


QUESTIONS = {  # and how often they come; those with one right answer
    sum_of: 10, difference: 8, gets_more: 7, gives_away: 6, count: 8, neighbour: 3, bigger: 4,
    animal_fact: 8, job_fact: 5, day: 2, compare: 6,
    one_of_two(belongings): 18, one_of_two(whereabouts): 10, one_of_two(animals_named): 11,
}
OTHERS = {joke: 12, small_talk: 6, outside: 5}


def question(dice):
    return dice.weighted({**QUESTIONS, **OTHERS})(dice)


def conversation(dice):
    """A list of exchanges."""
    kind = dice.weighted({"short": 40, "story": 24, "told": 10, "long": 6, "gathering": 16, "again": 6, "in a row": 4})
    if kind == "gathering":
        return gathering(dice)
    if kind == "again":
        return [again(dice) for _ in range(dice.choice(range(1, 4)))]
    if kind == "in a row":
        return in_a_row(dice)
    if kind == "told":
        return [told_story(dice)]
    if kind == "story":
        return about_story(dice)
    exchanges = several(dice)
    while kind == "long" and sum(len(text) for exchange in exchanges for text in exchange) < 1000:
        exchanges += about_story(dice) if dice.chance(0.4) else several(dice)
    return exchanges


def about_story(dice):
    """A wish for a story, the story, and what it told."""
    asked, text, plot, bound = story_request(dice)
    exchanges = [(asked, text)]
    while len(exchanges) < 3 and dice.chance(0.6):
        follow = story_question(dice, text, plot, bound) if dice.chance(0.85) else question(dice)
        exchanges.append((either(dice, follow[0]), follow[1]))
    return exchanges


def several(dice):
    """Questions that have nothing to do with one another, at times with a name to remember."""
    exchanges = [question(dice)]
    while len(exchanges) < 7 and dice.chance(0.72):
        exchanges.append(question(dice))
    exchanges = [(either(dice, asked), answer) for asked, answer in exchanges]
    if dice.chance(0.1):
        told, asked = my_name(dice)
        exchanges = [told, *exchanges[:5], asked]
    return exchanges
