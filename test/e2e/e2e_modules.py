#!/usr/bin/env python3
"""Modules: shared objects that bring components to the language.

WEIR_MODULES is the folder of those that were built for this test: every.so, two.so, future.so.
"""

import os
import shutil
import unittest

import e2e_support
from e2e_support import TestCase, weir

MODULES = os.environ.get("WEIR_MODULES", "")


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
        self.gives(b"4\n8\n", "gen 1..9 | ./every.so 4")
        self.gives(b"2\n", "gen 1..9 | %s/every.so 2 | head 1" % MODULES)

    def test_one_of_several_components_is_named(self):
        self.gives(b"3\n", "gen 1..5 | ./two.so:every 3")
        self.gives(b"-3\n-2\n", "./two.so:countdown")
        self.refused("./two.so", "has several components", "./two.so:every ./two.so:countdown")
        self.refused("gen 1.. | ./two.so:evry 3", "has no such component", "./two.so:every")

    def test_a_source_of_a_module_stands_in_the_first_place(self):
        self.refused("gen 1.. | ./two.so:countdown", "'countdown' is a source")

    def test_arguments_are_checked_as_those_of_the_library(self):
        run = self.refused("gen 1.. | ./every.so x", "every: 'x' is not a valid count")
        self.assertIn("\n                       ^ for example 1000", run.err)
        self.refused("gen 1.. | ./every.so", "every: the count is missing")
        run = self.refused("gen 1.. | ./every.so 13", "every: 13 brings bad luck", "write 12 or 14")
        self.assertIn("\n                       ^^ ", run.err)

    def test_what_is_no_module_is_refused_by_name(self):
        self.refused("gen 1.. | ./none.so 3", "the module './none.so' cannot be loaded")
        libraries = os.path.realpath(os.path.join(os.path.dirname(e2e_support.BINARY), "..", "lib"))
        self.refused("gen 1.. | %s/libweir.so 3" % libraries, "is not a module of weir")

    def test_a_module_of_another_version_is_refused_by_name(self):
        run = self.refused("gen 1.. | ./future.so 3", "the module './future.so' was built for another version of weir")
        self.assertIn("build it again", run.err)

    def test_a_module_that_is_installed_is_found_by_the_name_of_its_component(self):
        library = os.path.realpath(os.path.join(os.path.dirname(e2e_support.BINARY), "..", "lib", "libweir.so.0"))
        os.makedirs(self.path("bin"))
        os.makedirs(self.path("lib/weir"))
        shutil.copy(e2e_support.BINARY, self.path("bin/weir"))
        shutil.copy(library, self.path("lib/libweir.so.0"))
        shutil.copy(os.path.join(MODULES, "every.so"), self.path("lib/weir/every.so"))
        installed = self.path("bin/weir")
        run = weir("gen 1..9 | every 4", binary=installed)
        self.ends(run, 0)
        self.assertEqual(run.out, b"4\n8\n")
        run = weir("help", "every", binary=installed)
        self.ends(run, 0)
        self.assertIn(b"Every Nth item.", run.out)
        run = weir("gen 1..9 | evry 4", binary=installed)
        self.ends(run, 2, "unknown stage 'evry'")


if __name__ == "__main__":
    e2e_support.main()
