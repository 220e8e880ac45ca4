#!/usr/bin/env python3
"""Components that keep data across items, behind a kill.

The module keeps.so has them: expand and unlock, whose items depend on all that came before, and
window, which loses what it holds.
"""

import os
import random
import unittest

import e2e_support
from e2e_peers import Peer, ranged
from e2e_support import TestCase, Weir, saved_offset, sha256, wait_for, weir

MODULE = os.path.join(os.environ.get("WEIR_MODULES", ""), "keeps.so")


def expanded(numbers):
    out, total = [], 0
    for n, number in enumerate(numbers, 1):
        total += number
        out += [b"%d %d\n" % (total, left) for left in range(n % 4, 0, -1)]
    return b"".join(out)


def locked(plain):
    out, total = bytearray(), 0
    for byte in plain:
        out.append((byte + total) % 256)
        total = (total + byte) % 256
    return bytes(out)


@unittest.skipIf(os.environ.get("WEIR_STATIC") == "1", "a static command loads no modules")
class Replay(TestCase):
    def numbers(self, count, seed=1):
        rng = random.Random(seed)
        return [rng.randrange(1, 1000) for _ in range(count)]

    def lines(self, numbers):
        return b"".join(b"%d\n" % number for number in numbers)

    def run_it(self, text, *flags):
        return Weir("--state", self.path("state"), *flags, text.replace("@", MODULE + ":"))

    def kill_at_random(self, text, out, kills, seed, size):
        """Kill at random moments until the file has the size of the whole, or often enough."""
        rng, files = random.Random(seed), 0
        for _ in range(kills):
            goal = min(files + rng.randrange(1, size // kills * 2), size - 1)
            with self.run_it(text) as run:
                wait_for(lambda: run.process.poll() is not None or
                         (os.path.exists(out) and os.path.getsize(out) >= goal), "the file to grow")
                run.kill()
            files = os.path.getsize(out)

    def finish(self, text, *flags):
        with self.run_it(text, *flags) as run:
            return run.end()

    def test_a_component_that_is_replayed_goes_on_by_the_number_of_its_items(self):
        numbers, out = self.numbers(400), self.path("out")
        want = expanded(numbers)
        text = "%s | @expand | @pace 1 | file %s" % (self.write("in", self.lines(numbers)), out)
        self.kill_at_random(text, out, 8, 1, len(want))
        self.ends(self.finish(text), 0, "exactly-once-effect")
        self.assertEqual(sha256(self.read("out")), sha256(want))
        self.ends(self.finish(text), 0)
        self.assertEqual(sha256(self.read("out")), sha256(want))

    def test_the_record_says_how_many_items_have_settled_and_where_the_source_begins(self):
        source = self.write("in", self.lines(self.numbers(10)))
        self.ends(self.finish("%s | @expand | file %s" % (source, self.path("out"))), 0)
        shown = weir("state", "show", "--state", self.path("state")).out.decode()
        self.assertIn("source    %s: 0 items\n  position  offset 0 " % source, shown)
        self.assertIn("source    expand of %s: 15 items, read to its end\n  position  items 15" % source, shown)

    def test_several_in_one_pipeline_count_at_the_last_one(self):
        numbers, out = self.numbers(300), self.path("out")
        want = expanded(numbers)
        source = self.write("in", locked(self.lines(numbers)))
        text = "%s | raw | @unlock | lines | @expand | @pace 1 | file %s" % (source, out)
        self.kill_at_random(text, out, 6, 2, len(want))
        self.ends(self.finish(text), 0, "exactly-once-effect")
        self.assertEqual(sha256(self.read("out")), sha256(want))
        shown = weir("state", "show", "--state", self.path("state")).out.decode()
        self.assertEqual(shown.count("source "), 2, shown)

    def test_a_framer_behind_a_component_that_is_replayed_continues_in_its_bytes(self):
        numbers, out = self.numbers(1000), self.path("out")
        plain = self.lines(numbers)
        text = "%s | raw | @unlock | lines | grep 7 | @pace 1 | file %s" % (self.write("in", locked(plain)), out)
        want = b"".join(line + b"\n" for line in plain.split() if b"7" in line)
        self.kill_at_random(text, out, 6, 3, len(want))
        self.ends(self.finish(text), 0, "exactly-once-effect")
        self.assertEqual(sha256(self.read("out")), sha256(want))

    def test_pieces_of_bytes_are_counted_by_bytes(self):
        plain, out = random.Random(4).randbytes(3000000), self.path("out")
        text = "%s | raw | @unlock | @pace 20 | file %s" % (self.write("in", locked(plain)), out)
        self.kill_at_random(text, out, 5, 4, len(plain))
        self.ends(self.finish(text), 0)
        self.assertEqual(sha256(self.read("out")), sha256(plain))
        self.assertIn("position  bytes 3000000", weir("state", "show", "--state", self.path("state")).out.decode())

    def test_head_counts_the_items_of_all_runs_behind_it(self):
        numbers, out = self.numbers(250), self.path("out")
        want = b"".join(expanded(numbers).splitlines(True)[:300])
        text = "%s | @expand | head 300 | @pace 1 | file %s" % (self.write("in", self.lines(numbers)), out)
        self.kill_at_random(text, out, 5, 5, len(want))
        run = self.finish(text)
        self.ends(run, 0)
        self.assertNotIn("counts from 0", run.err)
        self.assertEqual(self.read("out"), want)

    def test_another_file_is_not_taken_for_the_one_that_was_read(self):
        source, out = self.write("in", self.lines(self.numbers(100))), self.path("out")
        text = "%s | @expand | file %s" % (source, out)
        self.ends(self.finish(text), 0)
        before = self.read("out")
        self.write("in", self.lines(self.numbers(100, seed=2)))
        self.ends(self.finish(text), 1, "'%s' is a different file than in the last run" % source)
        self.assertEqual(self.read("out"), before)

    def test_a_record_of_the_pipeline_without_the_component_is_refused_and_the_other_way_round(self):
        source, out = self.write("in", self.lines(self.numbers(100))), self.path("out")
        plain, replayed = "%s | file %s" % (source, out), "%s | @expand | file %s" % (source, out)
        self.ends(self.finish(plain, "--name", "a"), 0)
        before = self.read("out")
        self.ends(self.finish(replayed, "--name", "a"), 2, "belongs to another pipeline", "weir state reset a")
        os.remove(out)
        self.ends(self.finish(replayed, "--name", "b"), 0)
        before = self.read("out")
        self.ends(self.finish(plain, "--name", "b"), 2, "belongs to another pipeline", "weir state reset b")
        self.assertEqual(self.read("out"), before)

    def test_where_the_source_cannot_begin_again_it_is_best_effort_and_nothing_is_cut(self):
        text = "gen 1..100 | @expand | file " + self.path("out")
        self.ends(self.finish(text), 0, "best-effort")
        self.ends(self.finish(text), 0, "best-effort")
        self.assertEqual(self.read("out"), expanded(range(1, 101)) * 2)
        checked = weir("check", ("http://h/f | sse | @expand | file out").replace("@", MODULE + ":"))
        self.ends(checked, 0)
        self.assertIn(b"best-effort: 'expand' needs its input from the beginning, which cannot be read again", checked.out)

    def test_what_a_component_that_restarts_held_is_lost_and_reported(self):
        data, out = self.lines(self.numbers(400)), self.path("out")
        part = data.index(b"\n", len(data) // 2) + 1
        whole = ranged(data)

        def script(connection):
            if connection.number > 1:
                return whole(connection)
            connection.reply(headers=['ETag: "v1"', "Accept-Ranges: bytes"], body=data[:part], length=len(data))
            return connection.wait_end()

        text = "%s | @window 7 | file %s" % (self.peer(Peer(script)).url(), out)
        with self.run_it(text) as run:
            wait_for(lambda: saved_offset(self.path("state")) > 0, "a saved position")
            run.kill()
        run = self.finish(text)
        self.ends(run, 0, "delivery: best-effort: 'window' loses what it holds at a restart",
                  "starts empty: what it held when the last run ended is lost")
        self.assertEqual(run.err.count("starts empty"), 1)

    def test_a_first_run_and_one_behind_the_end_lose_nothing(self):
        text = "%s | @window 7 | file %s" % (self.write("in", self.lines(self.numbers(70))), self.path("out"))
        self.assertNotIn("anew", self.finish(text).err)
        self.assertNotIn("anew", self.finish(text).err)

    def test_explain_says_what_a_restart_does(self):
        text = "./in | @expand | @window 3 | file out".replace("@", MODULE + ":")
        run = weir("explain", text)
        self.ends(run, 0)
        self.assertIn(b"after a restart it reads its input from the beginning, and leaves out the items that have settled",
                      run.out)
        self.assertIn(b"starts empty after a restart: what it held is lost", run.out)
        self.assertIn(b"delivery  with a state best-effort: 'window' loses what it holds at a restart", run.out)


if __name__ == "__main__":
    e2e_support.main()
