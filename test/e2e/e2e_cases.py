"""`weir test FILE`: cases of a pipeline, its input and what it must print."""

import e2e_support
from e2e_support import TestCase, weir


class Cases(TestCase):
    def run_file(self, text, name="a.cases"):
        return weir("test", self.write(name, text))

    def passes(self, text, count=1):
        run = self.run_file(text)
        self.ends(run, 0)
        self.assertIn(f"{count} passed, 0 failed\n", run.out.decode())

    def fails(self, text, *shown):
        run = self.run_file(text)
        self.ends(run, 1)
        for part in shown:
            self.assertIn(part, run.out.decode())

    def refused(self, text, *said):
        self.ends(self.run_file(text), 2, *said)

    def test_output_is_compared_byte_for_byte(self):
        self.passes("== two\ngrep a | head 2\n-- input\na1\nb\na2\na3\n-- output\na1\na2\n")
        self.fails(
            "== two\ngrep a\n-- input\na1\na2\n-- output\na1\na3\n",
            "FAILED  two (", "a.cases:1)", "line 2 of the output:", "expected a3\n", "printed  a2\n",
        )
        self.fails("== more\ngen 1..2\n-- output\n1\n", "expected (the end)", "printed  2")
        self.fails("== less\ngen 1..2\n-- output\n1\n2\n3\n", "printed  (the end)")
        self.fails("== none\ngen 1..2 | null\n-- output\n1\n", "printed  (the end)")

    def test_a_text_may_lack_its_line_end(self):
        self.passes("== cut\nskip 1\n-- input\na\nb\n\\ no line end\n-- output\nb\n\\ no line end\n")
        self.fails("== cut\nskip 1\n-- input\na\nb\n\\ no line end\n-- output\nb\n", "(no line end)")

    def test_empty_lines_at_the_end_of_a_section_do_not_count(self):
        self.passes("== one\nskip 0\n\n-- input\na\n\nb\n\n\n-- output\na\n\nb\n\n== two\ngen 1..1\n-- output\n1\n", 2)

    def test_lines_that_look_like_marks_are_escaped(self):
        self.passes("== mark\nskip 0\n-- input\n\\-- x\n\\== y\n\\\\z\n-- output\n\\-- x\n\\== y\n\\\\z\n")

    def test_messages_and_the_status_are_compared(self):
        self.passes("== typo\ngen 1..3 | haed 1\n-- status 2\n-- error\ndid you mean 'head'?\n")
        self.fails("== typo\ngen 1..3 | haed 1\n-- output\n", "the status is 2, not 0", "its messages:")
        self.fails("== quiet\ngen 1..3\n-- error\nno such thing\n", "this is not in the messages:", "no such thing")

    def test_flags_are_those_of_a_run(self):
        self.passes("== two of them\ngen 1..9\n-- flags -c 2\n-- output\n1\n2\n")

    def test_waiting_takes_no_time(self):
        self.passes("== an hour\ngen 1..3 | batch 10 within 60m\n-- output\n1\n2\n3\n")

    def test_a_pipeline_may_have_several_lines_and_comments(self):
        self.passes("# about\n\n== lines\ngen 1..9   # numbers\n  | head 2\n-- output\n1\n2\n")

    def test_a_case_runs_in_the_folder_of_its_file(self):
        self.write("data.txt", "x\n")
        self.passes("== near\n./data.txt\n-- output\nx\n")

    def test_several_files_are_counted_together(self):
        a = self.write("a.cases", "== a\ngen 1..1\n-- output\n1\n")
        b = self.write("b.cases", "== b\ngen 1..1\n-- output\n2\n")
        run = weir("test", a, b)
        self.ends(run, 1)
        self.assertIn(b"1 passed, 1 failed\n", run.out)

    def test_a_file_that_is_not_understood_is_refused_with_its_line(self):
        self.refused("", "there is no case")
        self.refused("gen 1..3\n", ":1: a case begins with a line:  == NAME")
        self.refused("-- input\n", "a case begins with a line:  == NAME")
        self.refused("== a\n-- output\n", "a case begins with its pipeline")
        self.refused("== a\ngen 1..3\n", ":1: this case expects nothing")
        self.refused("== a\ngen 1..3\n-- outputs\n", ":3: unknown section")
        self.refused("== a\ngen 1..3\n-- output\n-- output\n", ":4: this section is there already")
        self.refused("== a\ngen 1..3\n-- output x\n", "begins in the next line")
        self.refused("== a\ngen 1..3\n-- status x\n", "a number from 0 to 255")
        self.refused("== a\ngen 1..3\n-- flags -q\nx\n", ":3: no lines follow")
        self.refused("== a\ngen 1..3\n-- flags " + "-q " * 33 + "\n", "too many flags")
        self.refused("== a\ngen 1..1\n-- output\n1\n\0\n== b\ngen 1..1\n-- output\n2\n", ":5: a NUL byte")
        self.ends(weir("test"), 2, "weir help test")
        self.ends(weir("test", self.path("none")), 2, "cannot read", "No such file")

    def test_a_run_may_not_write_without_end(self):
        self.fails("== endless\ngen 1..100000000000\n-- output\n1\n", "the status is 1, not 0", "File too large")


if __name__ == "__main__":
    e2e_support.main()
