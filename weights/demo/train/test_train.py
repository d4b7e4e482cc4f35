"""Tests of what the demo model learns from, and of what trains it.

    python3 -m unittest test_train      (in this directory)
"""

import random
import shutil
import unittest

import bpe
import corpus
import stories
import talk
import world


class Stories(unittest.TestCase):
    def test_read_back(self):
        dice = world.Dice(1)
        for _ in range(400):
            text, plot, _ = stories.write(dice)
            self.assertEqual(stories.read(text), plot, text)
            self.assertGreaterEqual(len(text.split()), 80, text)

    def test_another_name(self):
        dice = world.Dice(2)
        for _ in range(200):
            text, _, bound = stories.write(dice)
            self.wrong(text, bound["A"], dice.name())

    def test_another_thing(self):
        dice, choose = world.Dice(3), random.Random(3)
        for _ in range(200):
            text, plot, bound = stories.write(dice)
            slot, things = ("o2", stories.POTS) if plot == "seed" else ("o", world.OBJECTS)
            self.wrong(text, bound[slot], choose.choice(things))

    def wrong(self, text, old, new):
        """With the last mention of a word replaced, the story still parses and is not consistent."""
        before, found, after = text.rpartition(old)
        if not before or old == new or text.count(old) < 2:
            return
        changed = before + new + after
        self.assertIsNone(stories.read(changed), changed)
        self.assertTrue(stories.read(stories.with_an(changed), consistent=False) or " an " in changed, changed)

    def test_nonsense(self):
        text, _, _ = stories.write(world.Dice(4))
        for wrong in ("", "Once upon a time", text + " The end.", text[:len(text) // 2], text.replace(".", ",", 1), "x" + text):
            self.assertIsNone(stories.read(wrong, consistent=False), wrong)

    def test_articles(self):
        self.assertEqual(stories.with_an("a owl, a orange hat, A apple, a honest unit"), "an owl, an orange hat, An apple, a honest unit")
        self.assertFalse(stories.articles_are_right("an red hat"))


class Split(unittest.TestCase):
    def test_nothing_held_out_is_seen(self):
        """No question of the held-out split comes in the training."""
        seen, dice = set(), world.Dice(1)
        for _ in range(20000):
            seen.add(dice.weighted(talk.QUESTIONS)(dice))
        test = world.Dice(2, test=True)
        for _ in range(500):
            asked = test.weighted(talk.QUESTIONS)(test)
            self.assertNotIn(asked, seen)

    def test_names(self):
        train, test = world.Dice(1), world.Dice(1, test=True)
        self.assertFalse({train.rare_name() for _ in range(3000)} & {test.rare_name() for _ in range(300)})

    def test_sums(self):
        dice = world.Dice(5)
        for _ in range(300):
            question, answer = talk.sum_of(dice)
            numbers = [world.NUMBERS.index(w) if w in world.NUMBERS else int(w)
                       for w in answer.lower().rstrip(".").split() if w in world.NUMBERS or w.isdigit()]
            self.assertEqual(numbers[0] + numbers[1], numbers[2], answer)


class Tokens(unittest.TestCase):
    def test_documents(self):
        texts = list(corpus.texts(world.Dice(1), 300))
        tokenizer = bpe.Tokenizer(bpe.learn(texts, 600), 600)
        self.assertEqual(len(tokenizer.tokens), 600)
        for text in texts + ["Ünïcode ☃ 12345", "  two  spaces\n\n"]:
            self.assertEqual(tokenizer.decode(tokenizer.encode(text)), text)
        ids = tokenizer.document("conversation", [("Hi", "Hello!"), ("Bye", "Goodbye!")])
        self.assertEqual((ids[0], ids[-1], ids.count(tokenizer.eot)), (tokenizer.bos, tokenizer.eot, 4))
        prompt = [tokenizer.bos, *tokenizer.encode("User: Hi"), tokenizer.eot, *tokenizer.encode("Assistant: Hello!"), tokenizer.eot,
                  *tokenizer.encode("User: Bye"), tokenizer.eot, *tokenizer.encode("Assistant: ")]
        self.assertEqual(ids[:len(prompt)], prompt)


class Training(unittest.TestCase):
    def test_fused(self):
        """The fused operations agree with the plain ones, to what bfloat16 rounds."""
        import torch
        import model
        if not shutil.which("gcc"):
            self.skipTest("no gcc")
        import fused
        torch.manual_seed(1)
        sizes = dict(model.SIZES, hidden=64, ffn=96, layers=2, heads=4, kv_heads=2, vocab=200, context=300)
        net = model.Model(sizes)
        ids, start = torch.randint(0, 200, (2, 300)), torch.zeros(2, 300, dtype=torch.long)
        start[0, 100:], start[1, 7:], start[1, 250:] = 100, 7, 250
        targets = ids.roll(-1, 1)
        targets[0, 99], targets[:, -1] = -1, -1
        results = []
        for ops in (model, fused):
            net.ops = ops
            net.zero_grad(set_to_none=True)
            loss = net.loss(ids, start, targets)
            loss.backward()
            results.append((loss.item(), {name: p.grad for name, p in net.named_parameters()}))
        (plain, grads), (fast, others) = results
        self.assertAlmostEqual(plain, fast, delta=0.02 * plain)
        for name, grad in grads.items():
            self.assertLess(float((others[name] - grad).norm() / grad.norm()), 0.15, name)

    def test_documents_are_apart(self):
        """What stands before a document in its row changes nothing in it."""
        import torch
        import model
        torch.manual_seed(1)
        net = model.Model(dict(model.SIZES, hidden=64, ffn=64, layers=1, heads=2, kv_heads=1, vocab=50, context=40))
        ids, start = torch.randint(0, 50, (1, 40)), torch.zeros(1, 40, dtype=torch.long)
        start[0, 15:] = 15
        with torch.no_grad():
            first = net.hidden(ids, start)
            ids[0, :15] = 3
            second = net.hidden(ids, start)
        self.assertTrue(torch.equal(first[15:], second[15:]))
        self.assertFalse(torch.equal(first[14], second[14]))


if __name__ == "__main__":
    unittest.main()
