"""The world of the demo model: who and what there is, and what is true of it.

Everything that a story or a conversation mentions comes from these lists. What
the training never sees is decided here too: held_out() keeps back names and
combinations, by a hash, so that no list of them is needed.
"""

import math
import random
import zlib

GIRLS = ("Mia Anna Lily Emma Rosa Nora Ella Sara Lucy Ivy Clara Zoe Maya Ruth Jane Alice Eva "
         "Nina Molly Hana Tara Vera Iris Amy").split()
BOYS = ("Tom Ben Max Sam Leo Jack Tim Noah Finn Omar Paul Dan Oscar Hugo Adam Luke Peter Ravi "
        "Kofi Will Emil Anton Igor Felix").split()

# Names made of syllables: no model can know them all by heart, so it must copy.
STARTS = "Ba Be Bo Da De Do Fa Ga Jo Ka Ke Ko La Lo Ma Me Mo Na Ne Pa Ra Ro Sa So Ta Ti To Va Vi Wa Ya Za".split()
MIDDLES = "bi da di fa go la li lu ma mi na ni no ra ri ru sa ta ti vo".split()
GIRL_ENDS, BOY_ENDS = "la na ra ya ma".split(), "ko ro do mo to".split()

COLORS = "red blue green yellow white black brown orange purple pink silver golden".split()
OBJECTS = ("ball kite hat scarf book cup drum boat bell key ring lamp basket bag coat doll flute whistle "
           "box blanket mirror clock spoon brush ribbon button coin map rope bucket").split()
PLACES = {  # with the word that goes before it
    **{p: "in the" for p in "garden park forest barn library mill meadow orchard "
                            "castle field cave tower valley village town woods".split()},
    **{p: "at the" for p in "market school beach river lake bakery harbor shop station bridge farm well".split()},
}
HIDING = ("under a bench|behind a wall|under a tree|behind a door|in a corner|on a shelf|near a rock|"
          "under a table|behind a bush|next to a fence|between two stones|in the tall grass").split("|")
WEATHER = "sunny rainy windy cold warm foggy snowy cloudy".split()
TRAITS = "kind brave clever quiet shy cheerful curious gentle patient funny".split()
FEELINGS = "happy proud glad thankful".split()

# What is true of the animals: the sound, the home, the food, the number of legs.
ANIMALS = {
    "dog": ("woof", "a kennel", "meat", 4), "cat": ("meow", "a house", "fish", 4),
    "cow": ("moo", "a barn", "grass", 4), "sheep": ("baa", "a field", "grass", 4),
    "duck": ("quack", "a pond", "bread", 2), "owl": ("hoo", "a tree", "mice", 2),
    "frog": ("croak", "a pond", "flies", 4), "bee": ("buzz", "a hive", "honey", 6),
    "horse": ("neigh", "a stable", "hay", 4), "pig": ("oink", "a farm", "apples", 4),
    "mouse": ("squeak", "a hole", "cheese", 4), "hen": ("cluck", "a farm", "corn", 2),
    "rabbit": ("sniff", "a burrow", "carrots", 4), "fox": ("yip", "a den", "berries", 4),
    "squirrel": ("chatter", "a tree", "nuts", 4), "bear": ("growl", "a cave", "honey", 4),
}
# Where people work and what they do there.
JOBS = {
    "baker": ("bakery", "bakes bread"), "farmer": ("farm", "grows corn"), "teacher": ("school", "teaches children"),
    "sailor": ("harbor", "sails a ship"), "miller": ("mill", "makes flour"), "gardener": ("garden", "plants flowers"),
    "fisherman": ("lake", "catches fish"), "librarian": ("library", "lends books"), "cook": ("kitchen", "makes soup"),
    "shepherd": ("meadow", "watches sheep"),
}
FOODS = {  # and whether there is more than one of it
    "bread": 0, "soup": 0, "cheese": 0, "cake": 0, "honey": 0, "rice": 0, "corn": 0,
    "apples": 1, "berries": 1, "pears": 1, "cookies": 1, "plums": 1, "nuts": 1, "pancakes": 1, "carrots": 1,
}
COUNTED = "apples pears plums nuts cookies buttons coins books cups stones".split()
NUMBERS = ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
           "sixteen seventeen eighteen nineteen twenty").split()
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()


def held_out(*words):
    """Whether a name or a combination is kept from the training: one in twelve."""
    return zlib.crc32(" ".join(map(str, words)).encode()) % 12 == 0


def is_girl(name):
    return name in GIRLS or (name not in BOYS and name[-1] == "a")


class Dice:
    """Random choices, and how many nats all choices so far took together.

    The sum is an upper bound of the entropy of what was written: two ways to
    the same text count as if a reader could tell them apart.
    """

    def __init__(self, seed, test=False):
        self.random, self.nats, self.test = random.Random(seed), 0.0, test

    def choice(self, items):
        items = items if isinstance(items, (list, tuple, str)) else list(items)
        self.nats += math.log(len(items))
        return items[self.random.randrange(len(items))]

    def shuffle(self, items):
        self.nats += math.lgamma(len(items) + 1)
        self.random.shuffle(items)

    def chance(self, p):
        yes = self.random.random() < p
        self.nats -= math.log(p if yes else 1 - p)
        return yes

    def weighted(self, weights):
        """A key of the dictionary, by its weight."""
        key = self.random.choices(list(weights), list(weights.values()))[0]
        self.nats -= math.log(weights[key] / sum(weights.values()))
        return key

    def allowed(self, draw):
        """What draw gives, until the split allows it: see held_out."""
        while True:
            nats = self.nats
            words = draw()
            if held_out(*words) == self.test:
                return words
            self.nats = nats

    def rare_name(self):
        """A name of syllables, of those that the training has or of the others."""
        def draw():
            middle = self.choice(MIDDLES) if self.chance(0.5) else ""
            return (self.choice(STARTS) + middle + self.choice(self.choice([GIRL_ENDS, BOY_ENDS])),)
        return self.allowed(draw)[0]

    def name(self, rare=0.12):
        return self.rare_name() if self.chance(rare) else self.choice(GIRLS + BOYS)

    def two_names(self, rare=0.12):
        """Two people whose pair, in this order, the split allows."""
        def draw():
            first = second = self.name(rare)
            while second == first:
                second = self.name(rare)
            return first, second
        return self.allowed(draw)

    def two(self, items):
        first = second = self.choice(items)
        while second == first:
            second = self.choice(items)
        return first, second

    def thing(self):
        """A color and an object whose pair the split allows."""
        return self.allowed(lambda: (self.choice(COLORS), self.choice(OBJECTS)))
