"""What the command prints about its own language: fmt, graph, completion in each shell, and the manual
pages."""

import os
import pty
import re
import select
import shutil
import subprocess
import time
import unittest

import e2e_support
from e2e_support import PATIENCE_S, TestCase, weir

SHELLS = ("bash", "zsh", "fish")
# What a terminal does not show: escape sequences and control characters.
PLAIN = re.compile(
    rb"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][0-9A-Z]|\x1b\][^\x07\x1b]*(\x07|\x1b\\)|\x1b[=>]|[\r\n\x07\x08]"
)


class Fmt(TestCase):
    def test_a_short_text_is_one_line(self):
        self.ends(weir("fmt", "gen 1..10|skip   2 |head 3"), 0)
        self.assertEqual(weir("fmt", "gen 1..10|skip   2 |head 3").out, b"gen 1..10 | skip 2 | head 3\n")

    def test_a_file_keeps_its_comments_and_options(self):
        path = self.write("p.weir", "@mem 8MiB\ngen 1..10   # numbers\n | head 3\n")
        self.assertEqual(weir("fmt", "-f", path).out, b"@mem 8MiB\ngen 1..10  # numbers\n  | head 3\n")

    def test_unknown_stages_and_passwords_stay(self):
        text = "https://user:secret@h/f | unknown 3"
        self.assertEqual(weir("echo", text).out.decode(), text + "\n")

    def test_a_mistake_is_shown_with_its_place(self):
        self.ends(weir("fmt", "gen 1..3 | grep \"a"), 2, "is not closed", "^")

    def test_a_formatted_file_runs_as_before(self):
        path = self.write("p.weir", "gen 1..10   # numbers\n | skip 2 | head 3\n")
        again = self.write("q.weir", weir("fmt", "-f", path).out)
        self.assertEqual(weir("-f", again).out, b"3\n4\n5\n")


class Graph(TestCase):
    def test_components_are_joined_by_the_shapes_between_them(self):
        out = weir("graph", "gen 1..10 | batch 3 | head 1").out.decode()
        self.assertIn('n1 [label="gen 1..10"];', out)
        self.assertIn('n1 -> n2 [label="lines"];', out)
        self.assertIn('n2 -> n3 [label="batches"];', out)
        self.assertIn('[label="standard output", style=dashed];', out)

    def test_files_and_secrets(self):
        out = weir("graph", "head 1", "a.log").out.decode()
        self.assertIn('n0 [label="a.log", style=dashed];', out)
        out = weir("graph", "https://user:secret@h/f?token=abc | head 1").out.decode()
        self.assertNotIn("secret", out)
        self.assertNotIn("abc", out)

    def test_a_mistake_ends_it(self):
        self.ends(weir("graph", "gen 1..3 | haed 1"), 2, "did you mean 'head'?")


class Manual(TestCase):
    def test_pages_name_every_flag_and_component(self):
        page = weir("manual").out.decode().replace("\\-", "-")
        for flag in re.findall(r" (--[a-z0-9-]+)", weir("--help").out.decode()):
            self.assertIn(flag, page)
        page = weir("manual", "components").out.decode()
        for name in re.findall(r"^(?:source|stage|sink) +(\w+)", weir("list").out.decode(), re.M):
            self.assertIn(name, page)

    @unittest.skipUnless(shutil.which("mandoc"), "mandoc is not installed")
    def test_pages_are_valid(self):
        for words in (("manual",), ("manual", "components")):
            lint = subprocess.run(
                ["mandoc", "-T", "lint", "-W", "error"], input=weir(*words).out, capture_output=True
            )
            self.assertEqual((lint.returncode, lint.stdout), (0, b""))

    def test_a_wrong_word_is_refused(self):
        self.ends(weir("manual", "x"), 2, "manual takes nothing, or: components")
        self.ends(weir("completion", "csh"), 2, "bash, zsh or fish")


class Init(TestCase):
    def test_writes_a_project_named_by_its_folder(self):
        folder = self.path("my-stage")
        run = weir("init", folder)
        self.ends(run, 0)
        self.assertIn(b"make test", run.out)
        self.assertEqual(
            sorted(os.listdir(folder)),
            ["CMakeLists.txt", "Makefile", "README.md", "my-stage.c", "my-stage.cases", "my-stage_test.c"],
        )
        for name in os.listdir(folder):
            self.assertNotIn(b"@NAME@", self.read(os.path.join("my-stage", name)))
        source = self.read("my-stage/my-stage.c")
        self.assertIn(b"WEIR_STAGE(stage_my_stage,", source)
        self.assertIn(b'.name = "my-stage"', source)

    def test_writes_over_nothing(self):
        os.mkdir(self.path("mine"))
        self.write("mine/Makefile", "all:\n")
        self.ends(weir("init", self.path("mine")), 2, "Makefile' exists; nothing was written")
        self.assertEqual(os.listdir(self.path("mine")), ["Makefile"])

    def test_a_name_that_is_no_component_is_refused(self):
        for name, reason in (("My", "small letters"), ("a.b", "small letters"), ("x" * 41, "at most 40"),
                             ("head", "'head' already")):
            self.ends(weir("init", self.path(name)), 2, reason)
        self.ends(weir("init"), 2, "weir init mystage")

    def test_a_folder_that_cannot_be_made_fails(self):
        self.ends(weir("init", self.path("no/such/mine")), 1, "cannot make the folder")


class Terminal:
    """A shell on a terminal that answers what a terminal is asked."""

    def __init__(self, shell, home):
        program = {"bash": ["bash", "--norc", "-i"], "zsh": ["zsh", "-f", "-i"], "fish": ["fish", "--no-config", "-i"]}
        self.child, self.fd = pty.fork()
        if self.child == 0:
            folder = os.path.dirname(os.environ["WEIR_BINARY"])
            os.environ.update(PS1="$ ", TERM="xterm", HOME=home, PATH=folder + ":" + os.environ["PATH"])
            os.execvp(program[shell][0], program[shell])
        self.seen = b""

    def write(self, data):
        os.write(self.fd, data)

    def wait(self, text):
        """Until the text is on the screen; what stood there before is forgotten."""
        end = time.monotonic() + PATIENCE_S
        while text not in PLAIN.sub(b"", self.seen):
            if not select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]:
                raise AssertionError(f"{text!r} is not in {self.seen!r}")
            data = os.read(self.fd, 4096)
            self.seen += data
            for question, answer in ((b"\x1b[c", b"\x1b[?62;c"), (b"\x1b[0c", b"\x1b[?62;c"), (b"\x1b[6n", b"\x1b[1;1R")):
                if question in data:
                    self.write(answer)
        self.seen = b""

    def end(self):
        os.kill(self.child, 9)
        os.close(self.fd)
        os.waitpid(self.child, 0)


class Completion(TestCase):
    def completes(self, shell):
        if shutil.which(shell) is None:
            self.skipTest(f"{shell} is not installed")
        script = self.write("script", weir("completion", shell).out)
        subprocess.run([shell, "-n", script], check=True)
        terminal = Terminal(shell, self.path(""))
        self.addCleanup(terminal.end)
        start = b"autoload -Uz compinit; compinit -u -D; " if shell == "zsh" else b""
        # The answer is not in the typed line, so it comes from the shell.
        terminal.write(start + b"source " + script.encode() + b"; echo rea''dy\n")
        terminal.wait(b"ready")
        for typed, added in (
            (b"weir 'gen 1..3 | hea\t", b"weir 'gen 1..3 | head "),
            (b'weir "gen 1..3|que\t', b'weir "gen 1..3|queue '),
            (b"weir 'merge { ge\t", b"weir 'merge { gen "),
            (b"weir expl\t", b"weir explain "),
            (b"weir --conn\t", b"weir --connect-timeout "),
            (b"weir help bat\t", b"weir help batch "),
            (b"weir completion zs\t", b"weir completion zsh "),
        ):
            terminal.write(typed)
            if shell == "fish":
                added = added.split()[-1]  # it draws words, not the line
            terminal.wait(added)
            terminal.write(b"\x15" + b"echo ag''ain\n")
            terminal.wait(b"again")

    def test_bash_completes_names_flags_and_commands(self):
        self.completes("bash")

    def test_zsh_completes_names_flags_and_commands(self):
        self.completes("zsh")

    def test_fish_completes_names_flags_and_commands(self):
        self.completes("fish")


if __name__ == "__main__":
    e2e_support.main()
