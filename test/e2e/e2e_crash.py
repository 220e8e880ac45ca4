#!/usr/bin/env python3
"""What is said when a coroutine runs over its stack, and that other crashes stay as they are."""

import os
import resource
import signal
import subprocess
import unittest

import e2e_support as e2e

PROGRAM = os.environ.get("WEIR_CRASH_PROGRAM", "")


def crash(how):
    """The program's stderr; it must have died of SIGSEGV."""
    done = subprocess.run([PROGRAM, how], capture_output=True, timeout=e2e.PATIENCE_S)
    assert done.returncode == -signal.SIGSEGV, done
    return done.stderr.decode()


@unittest.skipIf(e2e.SANITIZED, "a sanitizer reports for itself")
class Crash(unittest.TestCase):
    def test_a_body_that_recurses_too_deep_is_named(self):
        self.assertEqual(
            crash("generator"),
            "weir: stack overflow in generator 'deep' (its stack has 128 KiB; "
            "weir_gen_options.stack_bytes gives it more)\n",
        )

    def test_a_task_that_recurses_too_deep_is_named(self):
        self.assertEqual(
            crash("task"),
            "weir: stack overflow in task 'digger' (its stack has 128 KiB; "
            "weir_loop_options.stack_bytes gives it more)\n",
        )

    def test_a_wild_pointer_is_no_overflow(self):
        self.assertEqual(crash("wild"), "")

    def test_an_overflow_of_the_threads_own_stack_dies_silently(self):
        self.assertEqual(crash("main"), "")

    def test_a_sigsegv_that_was_sent_kills(self):
        self.assertEqual(crash("sent"), "")

    def test_the_command_dies_of_a_sigsegv_that_was_sent(self):
        run = subprocess.Popen(
            [e2e.BINARY, "-v", "-"], stdin=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.assertIn(b"delivery", run.stderr.readline())
        run.send_signal(signal.SIGSEGV)
        self.assertEqual(run.wait(e2e.PATIENCE_S), -signal.SIGSEGV)
        run.stdin.close()
        run.stderr.close()


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    e2e.main()
