#!/usr/bin/env python3
"""What a debugger and weir_dump show of coroutines: the chain from a body to its reader."""

import os
import re
import signal
import subprocess
import unittest

import e2e_support as e2e

EXAMPLES = os.environ.get("WEIR_EXAMPLES", os.path.join(os.path.dirname(e2e.BINARY), "examples"))
SCRIPT = os.path.join(os.path.dirname(__file__), "../../lib/co/co_gdb.py")


def gdb(*args, commands):
    """gdb's output over a few commands, one after another."""
    words = ["gdb", "-nx", "-batch", "-ex", "set pagination off", "-ex", "set debuginfod enabled off"]
    for command in commands:
        words += ["-ex", command]
    run = subprocess.run(words + list(args), stdin=subprocess.DEVNULL, capture_output=True,
                         timeout=e2e.PATIENCE_S, check=False)
    return run.stdout.decode() + run.stderr.decode()


def functions(backtrace):
    """The names of the functions of a backtrace, innermost first."""
    return re.findall(r"^\s*#\d+ +(?:0x[0-9a-f]+ in )?(<[^>]*>|\w+)", backtrace, re.MULTILINE)


@unittest.skipIf(e2e.SANITIZED, "a sanitizer has switches of its own")
@unittest.skipIf(os.uname().machine != "x86_64", "the frames of x86-64")
class Debugger(unittest.TestCase):
    def in_a_body(self, *commands):
        return gdb(os.path.join(EXAMPLES, "accumulate"), commands=("break accumulate_body", "run") + commands)

    def test_a_backtrace_in_a_body_goes_on_into_its_reader(self):
        names = functions(self.in_a_body("bt"))
        self.assertEqual(names[0], "accumulate_body")
        self.assertIn("talk", names)
        self.assertEqual(names[-1], "main")

    def test_the_locals_of_the_reader_can_be_looked_at(self):
        told = self.in_a_body("frame function talk", "print item.len")
        self.assertIn("$1 = ", told)

    def test_the_script_names_the_frame_between_a_body_and_its_reader(self):
        names = functions(self.in_a_body("source " + SCRIPT, "bt"))
        self.assertIn("<resumed", " ".join(names))
        self.assertNotIn("<signal handler called>", names)

    def test_a_backtrace_on_the_loops_own_stack_ends_without_a_complaint(self):
        told = gdb(e2e.BINARY, "--args", e2e.BINARY, "gen 1..3",
                   commands=("break weir_pump", "run", "bt"))
        self.assertNotIn("corrupt", told)
        self.assertNotIn("Cannot access", told)


@unittest.skipIf(e2e.SANITIZED, "a sanitizer has switches of its own")
@unittest.skipIf(os.uname().machine != "x86_64", "the frames of x86-64")
class Parked(e2e.TestCase):
    def setUp(self):
        super().setUp()
        self.run_ = e2e.Weir("-v", "-", stdin=subprocess.PIPE)
        self.addCleanup(self.run_.__exit__, None, None, None)
        self.run_.says("delivery")  # by then it has its signals
        e2e.wait_for(self.parked, "the task to be parked")

    def parked(self):
        """Ask for a dump, and return the calls of the parked tasks of all dumps that are whole."""
        self.run_.send(signal.SIGQUIT)
        whole = self.run_.err.rpartition("  scope 'status'")[0]
        return re.findall(r"^ +at (\S+)\+(0x[0-9a-f]+)$", whole, re.MULTILINE)

    def test_a_dump_names_module_and_offset_of_each_call(self):
        calls = self.parked()
        folder = os.path.dirname(e2e.BINARY)
        modules = {"weir": e2e.BINARY}
        names = []
        for module, offset in calls:
            path = modules.get(module, os.path.join(folder, "../lib", module))
            if os.path.exists(path):
                names += subprocess.run(["addr2line", "-f", "-i", "-e", path, offset], check=True,
                                        capture_output=True).stdout.decode().split("\n")[::2]
        self.assertIn("wr_park", names)
        self.assertIn("weir_pump", names)

    def test_the_script_shows_what_each_task_waits_for_and_its_calls(self):
        told = gdb("-p", str(self.run_.pid), commands=(
            "source " + SCRIPT, "weir-tasks 'weir_crash.c'::reported"))
        self.assertRegex(told, r"task '[^']+': ")
        self.assertIn("wr_park", told)


if __name__ == "__main__":
    e2e.main()
