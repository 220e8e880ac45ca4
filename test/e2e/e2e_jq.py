#!/usr/bin/env python3
"""The component jq in the built command: beside jq itself, its limits, and a program that never ends."""

import os
import shutil
import signal
import subprocess
import unittest

import e2e_support
from e2e_support import Weir, wait_for, weir

# Not: index and indices of an array, for which libjq 1.6 itself loses memory.
PROGRAMS = [
    ".",
    ".user | {name, id: (.id * 2)}",
    "reduce .tags[] as $t (\"\"; . + $t)",
    "foreach .tags[] as $t (0; . + 1; [., $t])",
    "def depth: if type == \"object\" then 1 + ([.[] | depth] | max // 0) else 0 end; depth",
    "[paths(scalars)] | length",
    "(.. | numbers) |= . + 1",
    "select(.user.id % 3 == 0) | .tags | join(\",\")",
    ".tags[]?, (.user | to_entries[])",
    "if .user.id == 7 then error(\"seven\") else .user.id end",
    "@base64 \"\\(.user.name)\", @csv \"\\([.user.id, .user.name])\"",
    "limit(2; repeat(.user.id))",
    "label $f | .tags[] | if . == \"c\" then ., break $f else . end",
    "[.tags[] | ascii_downcase] | sort | unique | tojson | index(\"b\")",
    "getpath([\"user\", \"name\"]) as [$a] ?// $b | [$a, $b]",
]


def documents():
    for i in range(40):
        yield ('{"user": {"id": %d, "name": "n\\u00e9 %d \\"x\\""}, "tags": ["b", "C%d", "c"], "f": %s, "n": null}\n'
               % (i, i, i % 3, i / 7)).encode()


def built():
    return weir("check", "gen 1..2 | jq .").status == 0


@unittest.skipUnless(built(), "weir was built without libjq")
class Jq(e2e_support.TestCase):
    @unittest.skipUnless(shutil.which("jq"), "jq is not installed")
    def test_gives_what_the_command_jq_gives(self):
        self.write("in", b"".join(documents()))
        for program in PROGRAMS:
            with self.subTest(program=program):
                jq = subprocess.run(["jq", "-c", program, self.path("in")], capture_output=True, check=False)
                run = weir("--quiet", "%s | jq `%s`" % (self.path("in"), program))
                # jq, too, goes on with the next input after one that failed
                self.assertEqual(run.out, jq.stdout)

    def test_a_mistake_is_shown_in_the_program(self):
        run = weir("gen 1..2 | jq `.a | foo`")
        self.ends(run, 2, "jq: foo/0 is not defined\n  gen 1..2 | jq `.a | foo`\n                      ^")
        self.ends(weir("gen 1..2 | jq `[inputs]`"), 2, "jq: 'inputs' is not available: a program sees one item")

    def test_reads_the_values_of_the_command(self):
        args = ("--arg", "who", "ann", "--argjson", "n", '{"a": [1, 2]}', "--env", "HIDDEN")
        run = weir(*args, "gen 3..4 | jq `{who: $who, n: ($n.a[1] + .), h: ($HIDDEN | length), e: $ENV}`", env={"HIDDEN": "hush"})
        self.ends(run, 0)
        self.assertEqual(run.out, b'{"who":"ann","n":5,"h":4,"e":{}}\n{"who":"ann","n":6,"h":4,"e":{}}\n')
        run = weir("--env", "HIDDEN", "gen 1..1 | jq `error($HIDDEN)`", env={"HIDDEN": "hush"})
        self.ends(run, 0, "it reads a secret")
        self.assertNotIn("hush", run.err)

    def test_a_program_that_never_ends_is_stopped_by_its_limit(self):
        run = weir("gen 1..3 | jq `if . == 2 then last(repeat(.)) else . end` time=300ms")
        self.ends(run, 0, "jq: item 2: its next output takes longer than time= allows")
        self.assertEqual(run.out, b"1\n3\n")

    def test_a_program_that_needs_all_memory_is_stopped_by_its_limit(self):
        run = weir("gen 1..3 | jq `if . == 2 then [repeat(.)] else . end` memory=64MiB")
        self.ends(run, 0, "jq: item 2: it needs more memory than memory= allows")
        self.assertEqual(run.out, b"1\n3\n")

    def test_a_drain_gives_up_a_program_that_never_ends(self):
        with Weir("--drain", "200ms", "gen 1..3 | jq `last(repeat(.))`") as run:

            def runs():
                with open("/proc/%d/stat" % run.pid, encoding="ascii") as stat:
                    return int(stat.read().split()[13]) > os.sysconf("SC_CLK_TCK")

            wait_for(runs, "a second of computing")
            run.send(signal.SIGQUIT)
            run.says("generator 'jq' waits for its jq program")
            run.send(signal.SIGTERM)
            self.ends(run.end(), 3, "not drained")

    def test_nothing_is_left_over_when_its_reader_stops(self):
        run = weir("gen 1..1000000 | jq `range(3)` | head 5")
        self.ends(run, 0)
        self.assertEqual(run.out, b"0\n1\n2\n0\n1\n")


if __name__ == "__main__":
    e2e_support.main()
