"""Components from outside the tree: three modules that are built against the installed headers and
library, loaded by the installed command, and used by a C program.

WEIR_BUILD is the folder of the build, which is installed into a folder of the test's own. CC and
WEIR_CFLAGS are its compiler and flags that a user of it needs (a sanitizer's). The modules are in
test/e2e/outside: grep on a table of functions, a source on a timerfd, a sink on a library that calls
back from a thread.
"""

import os
import resource
import shlex
import shutil
import signal
import statistics
import subprocess
import tempfile
import unittest

import e2e_support
from e2e_support import TestCase, Weir, wait_for, weir

SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "outside")
STRICT = ("-std=c11 -D_GNU_SOURCE -O2 -fPIC -pthread -Wall -Wextra -Wpedantic -Wshadow -Wconversion "
          "-Wsign-conversion -Wstrict-prototypes -Wmissing-prototypes -Wcast-qual -Wundef -Werror")
MODULES = {"grep": ["outside_grep.c"], "ticks": ["outside_ticks.c"], "courier": ["outside_courier.c", "courier.c"]}
ROUNDS, ATTEMPTS, RATIO_MAX = 11, 3, 1.05


def run(*command, **how):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **how)
    if done.returncode != 0:
        raise AssertionError("%s\n%s" % (" ".join(command), done.stdout.decode(errors="replace")))
    return done.stdout.decode()


@unittest.skipIf(os.environ.get("WEIR_STATIC") == "1", "a static command loads no modules")
class Outside(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.home = tempfile.mkdtemp(prefix="weir-outside-")
        cls.addClassCleanup(shutil.rmtree, cls.home, ignore_errors=True)
        prefix = os.path.join(cls.home, "prefix")
        run("cmake", "--install", os.environ["WEIR_BUILD"], "--prefix", prefix)
        folders = [folder for folder, _, files in os.walk(prefix) if "weir.pc" in files]
        environment = dict(os.environ, PKG_CONFIG_PATH=folders[0])
        cls.library = os.path.dirname(folders[0])
        flags = run("pkg-config", "--cflags", "--libs", "weir", env=environment).split()
        cls.compile = [os.environ.get("CC", "cc"), *STRICT.split(), *shlex.split(os.environ.get("WEIR_CFLAGS", ""))]
        for name, sources in MODULES.items():
            run(*cls.compile, "-shared", "-o", name + ".so", *[os.path.join(SOURCES, s) for s in sources], *flags,
                cwd=cls.home)
        run(*cls.compile, "-o", "program", os.path.join(SOURCES, "program.c"), *flags, "-ldl", cwd=cls.home)
        cls.installed = os.path.join(prefix, "bin", "weir")

    def weir(self, *args, **how):
        return weir(*args, binary=self.installed, cwd=self.home, **how)

    def test_the_three_stand_in_one_pipeline(self):
        got = self.weir("-v", "./ticks.so 1ms 30 | ./grep.so 2 | ./courier.so %s" % self.path("out"))
        self.ends(got, 0, "30 in = 12 out + 18 filtered + 0 rejected + 0 dropped")
        self.assertEqual(self.read("out"), b"".join(b"%d\n" % i for i in range(1, 31) if b"2" in b"%d" % i))

    def test_the_same_objects_run_in_a_c_program(self):
        got = weir("30", "2", self.path("out"), binary=os.path.join(self.home, "program"), cwd=self.home,
                   env={"LD_LIBRARY_PATH": self.library})
        self.ends(got, 0)
        self.assertEqual(got.out, b"30 in, 12 delivered, 18 filtered\n")
        self.assertEqual(self.read("out"), b"".join(b"%d\n" % i for i in range(1, 31) if b"2" in b"%d" % i))

    def test_a_source_that_waits_for_its_descriptor_ends_with_the_run(self):
        with Weir("-v", "./ticks.so 1h 5 | ./grep.so 2", binary=self.installed, cwd=self.home) as ticks:
            ticks.says("delivery: ")

            def asks():
                ticks.send(signal.SIGQUIT)
                return "the timer" in ticks.err
            wait_for(asks, "the source to wait")
            ticks.send(signal.SIGINT)
            got = ticks.end()
        self.ends(got, 0, "0 in = 0 out")

    def test_a_sink_that_fails_is_told_with_its_own_words(self):
        got = self.weir("gen 1..100 | ./courier.so /dev/full")
        self.ends(got, 1, "courier: write: No space left on device")
        got = self.weir("gen 1..100 | ./courier.so %s" % self.path("nowhere/out"))
        self.ends(got, 1, "courier: open: No such file or directory")

    def test_every_line_arrives_where_the_sink_is_slower_than_the_source(self):
        self.ends(self.weir("gen 1..5000 | ./grep.so 7 | ./courier.so %s" % self.path("out")), 0)
        self.assertEqual(self.read("out"), b"".join(b"%d\n" % i for i in range(1, 5001) if b"7" in b"%d" % i))

    def test_they_are_explained_and_their_arguments_are_checked(self):
        self.assertIn("Numbers, one every INTERVAL.", self.weir("help", "./ticks.so:ticks").out.decode())
        self.ends(self.weir("./ticks.so 1ms | ./grep.so 2"), 2, "ticks: the count is missing")
        self.ends(self.weir("gen 1..3 | ./grep.so %s" % ("x" * 300)), 2, "grep: the text is longer than 255 bytes")

    def cpu_s(self, text):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.ends(self.weir(text), 0)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime

    @unittest.skipIf(e2e_support.SANITIZED, "a sanitizer's times mean nothing")
    def test_grep_is_as_fast_as_the_library_s_own(self):
        """The cheapest source and sink there are: what grep costs is a large part of it. Other work
        on the machine blurs it, so a run that is over the limit is made again."""
        texts = ["gen 1..10000000 | %s 77 | null" % stage for stage in ("grep", "./grep.so")]
        for attempt in range(ATTEMPTS):
            rounds = [[self.cpu_s(text) for text in texts] for _ in range(ROUNDS)]
            own, outside = (statistics.median(column) for column in zip(*rounds))
            print("grep: built in %.3f s, from outside %.3f s, %.3f x" % (own, outside, outside / own), flush=True)
            if outside <= RATIO_MAX * own:
                return
        self.fail("the module's grep takes more than %.2f x of the built-in one's time" % RATIO_MAX)


if __name__ == "__main__":
    e2e_support.main()
