#!/usr/bin/env python3
"""Modules: shared objects that bring components to the language.

WEIR_MODULES is the folder of those that were built for this test: two.so, future.so, later.so, broken.so,
frame.so.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import threading
import unittest

import e2e_support
from e2e_peers import Peer, ranged
from e2e_support import TestCase, Weir, wait_for, wait_until_full, weir

MODULES = os.environ.get("WEIR_MODULES", "")
VERSION = weir("--version").out.decode().split()[1].rpartition(".")[0]
EXAMPLES = os.path.join(os.path.dirname(e2e_support.BINARY), "examples")


@unittest.skipIf(os.environ.get("WEIR_STATIC") == "1", "a static command loads no modules")
class Modules(TestCase):
    def gives(self, out, text, **kind):
        run = weir(text, cwd=MODULES, **kind)
        self.ends(run, 0)
        self.assertEqual(run.out, out)

    def refused(self, text, *texts, status=2):
        run = weir(text, cwd=MODULES)
        self.ends(run, status, *texts)
        self.assertEqual(run.out, b"")
        return run

    def test_a_module_is_a_stage_by_its_file(self):
        self.gives(b"4\n8\n", "gen 1..9 | %s/every.so 4" % EXAMPLES)
        self.gives(b"2\n", "gen 1..9 | ./two.so:every 2 | head 1")

    def test_one_of_several_components_is_named(self):
        self.gives(b"3\n", "gen 1..5 | ./two.so:every 3")
        self.gives(b"-3\n-2\n", "./two.so:countdown")
        self.refused("./two.so", "has several components", "./two.so:every ./two.so:countdown ./two.so:picky")
        self.refused("gen 1.. | ./two.so:evry 3", "has no such component", "./two.so:every")

    def test_help_explains_a_component_of_a_module(self):
        run = weir("help", "./two.so:picky", cwd=MODULES)
        self.ends(run, 0)
        self.assertIn("picky TEXT [on-error=skip|stop|dead]\n  Rejects one text.\n", run.out.decode())
        self.ends(weir("help", "./two.so", cwd=MODULES), 2, "has several components", "./two.so:every ./two.so:countdown")

    def test_a_source_of_a_module_stands_in_the_first_place(self):
        self.refused("gen 1.. | ./two.so:countdown", "'countdown' is a source")

    def test_arguments_are_checked_as_those_of_the_library(self):
        run = self.refused("gen 1.. | ./two.so:every x", "every: 'x' is not a valid count")
        self.assertIn("\n                           ^ for example 1000", run.err)
        self.refused("gen 1.. | ./two.so:every", "every: the count is missing")
        run = self.refused("gen 1.. | ./two.so:every 13", "every: 13 brings bad luck", "write 12 or 14")
        self.assertIn("\n                           ^^ ", run.err)

    def test_a_source_of_a_module_goes_on_behind_what_is_saved_however_often_it_is_killed(self):
        text = "%s/counting.so 3000 every=1ms | file %s" % (EXAMPLES, self.path("out"))
        rng, size = random.Random(7), 0
        for _ in range(10):
            with Weir("--state", self.path("state"), text) as run:
                goal = size + rng.randrange(1, 1200)
                wait_for(lambda: run.process.poll() is not None or os.path.exists(self.path("out")) and
                         os.path.getsize(self.path("out")) >= goal, "lines")
                run.kill()
            size = os.path.getsize(self.path("out"))
        run = weir("--state", self.path("state"), text)
        self.ends(run, 0, "exactly-once-effect")
        self.assertEqual(self.read("out"), b"".join(b"%d\n" % n for n in range(1, 3001)))

    def test_a_stage_of_a_module_counts_runs_of_equal_lines(self):
        lines = self.write("in", b"a\na\nb\n\n\n\na\r\nlast")
        self.gives(b"2 a\n1 b\n3 \n1 a\r\n1 last", "%s | %s/runs.so" % (lines, EXAMPLES))
        self.gives(b"", "/dev/null | %s/runs.so" % EXAMPLES)

    def test_a_run_that_a_stop_cuts_is_not_given_and_counted_anew_by_the_next_run(self):
        content = b"a\na\nb\nb\nb\nc\n"
        whole = ranged(content)

        def script(connection):
            if connection.number > 1:
                return whole(connection)
            connection.reply(headers=['ETag: "v1"', "Accept-Ranges: bytes"], body=content[:8], length=len(content))
            return connection.wait_end()

        peer = self.peer(Peer(script))
        args = ["--state", self.path("state"), "%s | %s/runs.so | file %s" % (peer.url(), EXAMPLES, self.path("out"))]
        with Weir("-v", *args) as run:
            wait_for(lambda: os.path.exists(self.path("out")) and os.path.getsize(self.path("out")) > 0, "the first run")
            run.send(signal.SIGINT)
            self.ends(run.end(), 0)
        self.assertEqual(self.read("out"), b"2 a\n")
        run = weir(*args)
        self.ends(run, 0, "exactly-once-effect")
        self.assertEqual(peer.requests[1].first_byte(), 4)
        self.assertEqual(self.read("out"), b"2 a\n3 b\n1 c\n")

    def test_a_run_behind_the_last_item_that_is_wanted_is_counted_by_the_next_run(self):
        lines, out = self.write("in", b"a\na\nb\nb\nb\nc\nd\nd\n"), self.path("out")
        for count in b"2 a\n", b"2 a\n3 b\n", b"2 a\n3 b\n1 c\n", b"2 a\n3 b\n1 c\n2 d\n":
            self.ends(weir("-c", "1", "--state", self.path("state"), "%s | %s/runs.so | file %s" % (lines, EXAMPLES, out)), 0)
            self.assertEqual(self.read("out"), count)

    def rejects(self, *args, status=0, texts=()):
        run = weir("-v", *args, cwd=MODULES)
        self.ends(run, status, *texts)
        return run

    def test_rejected_items_are_skipped_and_counted(self):
        run = self.rejects("gen 1..5 | ./two.so:picky 3", texts=["picky_stage: item 3: it is 3; skipped", "1 rejected"])
        self.assertEqual(run.out, b"1\n2\n4\n5\n")

    def test_what_was_folded_is_said_before_the_count_and_the_table(self):
        for flags, behind in ([], "20 of 20 items were rejected"), (["-v"], "weir: component"):
            run = weir(*flags, "./two.so:picky 3", cwd=MODULES, stdin=b"3\n" * 20)
            self.ends(run, 0)
            self.assertLess(run.err.index("... 19 more like this"), run.err.index(behind))

    def test_the_first_rejected_item_may_stop_the_pipeline(self):
        for args in (["gen 1.. | ./two.so:picky 3 on-error=stop"], ["--strict", "gen 1.. | ./two.so:picky 3"],
                     ["--strict", "gen 1.. | ./two.so:picky 3 on-error=skip"]):
            run = self.rejects(*args, status=1, texts=["picky_stage: item 3: it is 3"])
            self.assertEqual(run.out, b"1\n2\n")

    def test_rejected_items_go_to_the_dead_sink(self):
        dead = self.path("dead")
        run = self.rejects("--dead", dead, "gen 1..5 | ./two.so:picky 3 | ./two.so:picky 4", texts=["2 rejected"])
        self.assertEqual(run.out, b"1\n2\n5\n")
        lines = [json.loads(line) for line in self.read("dead").splitlines()]
        self.assertEqual([line["body"] for line in lines], ["3", "4"])
        self.assertEqual(lines[0], {"origin": "gen", "number": 3, "position": None, "component": "picky",
                                    "code": "EPARSE", "reason": "it is 3", "body": "3"})

    def test_the_dead_sink_holds_the_item_as_it_came_with_its_position(self):
        source, dead, state = self.write("in", b"ok\nb\xffd\nok\n"), self.path("dead"), self.path("state")
        bad = b"b\xffd".decode("utf-8", "surrogateescape")
        run = self.rejects("--dead", dead, "--state", state, "%s | ./two.so:picky '%s' | file %s" % (source, bad, self.path("out")))
        line = json.loads(self.read("dead"))
        self.assertEqual(line["body64"], "Yv9k")
        self.assertNotIn("body", line)
        self.assertEqual(line["origin"], "file(%s)" % source)
        self.assertTrue(line["position"].startswith("offset 3 "), line)
        self.assertEqual(self.read("out"), b"ok\nok\n")
        run = self.rejects("--dead", dead, "--state", state, "%s | ./two.so:picky '%s' | file %s" % (source, bad, self.path("out")))
        self.assertEqual(len(self.read("dead").splitlines()), 1, run)

    def test_on_error_is_said_for_each_component(self):
        dead = self.path("dead")
        self.rejects("--dead", dead, "gen 1..5 | ./two.so:picky 3 on-error=skip | ./two.so:picky 4")
        self.assertEqual(len(self.read("dead").splitlines()), 1)

    def test_a_dead_sink_that_is_missing_or_of_no_use_is_a_usage_error(self):
        text = "gen 1..5 | ./two.so:picky 3 on-error=dead"
        told = "picky: on-error=dead needs a file for rejected items; --dead FILE names it"
        self.refused(text, told)
        self.ends(weir("check", text, cwd=MODULES), 2, told)
        run = weir("--dead", self.path("dead"), "gen 1..5 | head 3", cwd=MODULES)
        self.ends(run, 2, "--dead has no effect")

    def test_a_dead_sink_that_cannot_be_written_is_a_loss(self):
        self.rejects("--dead", "/dev/full", "gen 1.. | ./two.so:picky 3 | null", status=3,
                     texts=["dead: rejected items cannot be kept", "No space left on device"])

    def test_a_reader_of_the_dead_sink_that_leaves_is_said_and_is_a_loss(self):
        pipe = self.path("pipe")
        os.mkfifo(pipe)
        reader = open(pipe, "r+b", buffering=0)  # with a writer of its own, so that it opens at once

        def leave():
            with reader:
                wait_until_full(reader)

        leaver = threading.Thread(target=leave)
        leaver.start()
        run = weir("--dead", pipe, "./two.so:picky 3", cwd=MODULES, stdin=b"3\n" * 500000)
        leaver.join()
        self.ends(run, 3, "dead: rejected items cannot be kept")

    def test_the_sink_dead_that_cannot_be_written_is_a_failure(self):
        self.ends(weir("gen 1..3 | dead " + self.path("nowhere/dead")), 1, "dead: open")

    def test_what_is_no_module_is_refused_by_name(self):
        self.refused("gen 1.. | ./none.so 3", "the module './none.so' cannot be loaded")
        libraries = os.path.realpath(os.path.join(os.path.dirname(e2e_support.BINARY), "..", "lib"))
        self.refused("gen 1.. | %s/libweir.so 3" % libraries, "is not a module of weir")

    def test_a_module_of_another_version_is_refused_by_name(self):
        self.refused("gen 1.. | ./later.so 3", "the module './later.so' was built for weir", "this is weir " + VERSION,
                     "build it again")
        self.refused("gen 1.. | ./future.so 3", "the module './future.so' was built with other headers of weir "
                     + VERSION + " (its ABI is 7.", "build it again")

    def test_help_says_why_a_module_cannot_be_used(self):
        for module, why in ("later", "was built for weir"), ("none", "cannot be loaded"), ("broken", "is not valid"):
            run = weir("help", "./%s.so" % module, cwd=MODULES)
            self.ends(run, 2, "the module './%s.so'" % module, why)
            self.assertNotIn("there is no source", run.err)
        self.ends(weir("help", "./none", cwd=MODULES), 2, "there is no source, stage or sink './none'")
        self.ends(weir("help", "evry", cwd=MODULES), 2, "there is no source, stage or sink 'evry'")
        self.ends(weir("help", "window"), 2, "'window' is not in this version")

    def test_a_module_without_the_dot_and_slash_says_how_to_write_it(self):
        self.refused("gen 1.. | two.so:every 3", "unknown stage 'two.so:every'", "to load a module: ./two.so:every")
        self.refused("gen 1.. | test/two.so 3", "to load a module: ./test/two.so")

    def test_the_example_counts_on_after_a_restart(self):
        text = "%s | %s/every.so 7 | file %s" % (self.path("in"), EXAMPLES, self.path("out"))
        for first, last, kept in (1, 11, b"7\n"), (11, 31, b"7\n14\n21\n28\n"):
            with open(self.path("in"), "a", encoding="ascii") as numbers:
                numbers.writelines("%d\n" % i for i in range(first, last))
            self.ends(weir(text, "--state", self.path("st"), cwd=MODULES), 0)
            self.assertEqual(self.read("out"), kept)

    def test_what_the_example_holds_at_a_stop_is_given_unless_a_restart_reads_it_again(self):
        for options, rest in ([], b"1 b\n"), (["--state", self.path("st")], b""):
            with Weir("%s/runs.so" % EXAMPLES, *options, stdin=subprocess.PIPE) as run:
                run.process.stdin.write(b"a\na\nb\n")
                run.process.stdin.flush()
                self.assertEqual(run.read_line(), b"2 a")
                run.send(signal.SIGINT)
                self.assertEqual(run.end().out, rest)

    def test_a_component_with_the_name_of_a_planned_one_is_not_said_to_be_missing(self):
        planned = "frame is not in this version"
        self.assertIn(planned, weir("gen 1..9 | frame 4").err)
        installed = self.install("frame.so", "later.so")
        run = weir("gen 1..9 | frame 4", binary=installed)
        self.ends(run, 0)
        self.assertEqual(run.out, b"4\n8\n")
        for text in "gen 1..9 | frame x", "gen 1..9 | frame", "gen 1..9 | frame(4)", "frame 4 | gen 1", "frame":
            self.assertNotIn(planned, weir(text, binary=installed, stdin=b"").err, text)
        self.ends(weir("help", "later", binary=installed), 2, "lib/weir/later.so' was built for weir")

    def install(self, *modules):
        """The command with libweir.so and these modules, in a folder of the test's own."""
        library = os.path.realpath(os.path.join(os.path.dirname(e2e_support.BINARY), "..", "lib", "libweir.so.0"))
        os.makedirs(self.path("bin"))
        os.makedirs(self.path("lib/weir"))
        shutil.copy(e2e_support.BINARY, self.path("bin/weir"))
        shutil.copy(library, self.path("lib/libweir.so.0"))
        for module in modules:
            shutil.copy(os.path.join(MODULES, module), self.path("lib/weir"))
        return self.path("bin/weir")

    def test_a_descriptor_that_cannot_be_used_is_refused_with_what_is_wrong(self):
        self.refused("gen 1.. | ./broken.so 3", "the module './broken.so': component 2 is not valid: "
                     "'broken', argument 1 (N): it is outside the args_size of the component")

    def test_a_module_that_is_installed_is_found_by_the_name_of_its_component(self):
        installed = self.install(os.path.join(os.path.abspath(EXAMPLES), "every.so"))
        run = weir("gen 1..9 | every 4", binary=installed)
        self.ends(run, 0)
        self.assertEqual(run.out, b"4\n8\n")
        run = weir("help", "every", binary=installed)
        self.ends(run, 0)
        self.assertIn(b"Every Nth item.", run.out)
        run = weir("gen 1..9 | evry 4", binary=installed)
        self.ends(run, 2, "unknown stage 'evry'", "did you mean 'every'?")

    def test_the_list_has_the_components_of_installed_modules(self):
        installed = self.install("two.so", "later.so")
        run = weir("list", binary=installed)
        self.ends(run, 0, "lib/weir/later.so' was built for weir", "this is weir " + VERSION)
        self.assertIn(b"stage   picky TEXT", run.out)
        self.assertIn(b"source  countdown", run.out)
        self.assertNotIn(b"picky", weir("list", "sources", binary=installed).out)
        run = weir("countdown | picky -3", binary=installed)
        self.ends(run, 0)
        self.assertEqual(run.out, b"-2\n")


if __name__ == "__main__":
    e2e_support.main()
