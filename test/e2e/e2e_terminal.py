"""On a terminal: the status line, job control, and the signals that come from there.

A Screen shows what a terminal would show; a Session is an interactive bash on a terminal of its own,
for ^Z and the background.
"""

import fcntl
import glob
import itertools
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time

import e2e_support
from e2e_peers import Feed, Peer
from e2e_support import PATIENCE_S, TestCase, Weir, saved_offset, wait_for

COLUMNS, ROWS = 60, 24
STATUS = re.compile(r"\d lines  ")
ONE_LINE = re.compile(r"\b1 lines  ")


class Screen:
    """What stands on a terminal: rows of text and a cursor. It knows what weir and a shell write: CR,
    LF, BS and BEL, and to erase the rest of the line or of the screen."""

    def __init__(self, columns):
        self.columns, self.rows, self.row, self.column = columns, [""], 0, 0

    def show(self, text):
        for piece in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|[^\x1b]", text):
            if piece in ("\x1b[K", "\x1b[J"):
                self.rows[self.row] = self.rows[self.row][: self.column]
                if piece == "\x1b[J":
                    del self.rows[self.row + 1 :]
            elif piece == "\r":
                self.column = 0
            elif piece == "\n":
                self.down()
            elif piece == "\b":
                self.column -= 1
            elif piece >= " " and len(piece) == 1:
                if self.column == self.columns:
                    self.column = 0
                    self.down()
                line = self.rows[self.row].ljust(self.column)
                self.rows[self.row] = line[: self.column] + piece + line[self.column + 1 :]
                self.column += 1

    def down(self):
        self.row += 1
        if self.row == len(self.rows):
            self.rows.append("")

    def resize(self, columns):
        """As terminals do that wrap lines anew: the cursor stays at its character."""
        line = self.rows[self.row]
        self.columns = columns
        parts = [line[at : at + columns] for at in range(0, len(line), columns)] or [""]
        self.rows[self.row : self.row + 1] = parts
        self.row += self.column // columns
        self.column %= columns

    @property
    def text(self):
        return "\n".join(row.rstrip() for row in self.rows)


class Terminal:
    """The far side of a terminal, on which somebody types and looks."""

    prefix = ()

    def __init__(self, case, *args, columns=COLUMNS, **environment):
        self.screen, self.raw = Screen(columns), ""
        self.master, self.slave = pty.openpty()
        self.set_size(columns)
        case.addCleanup(self.close)
        self.process = self.start(args, dict(os.environ, **{"TERM": "xterm", **environment}))
        case.addCleanup(self.process.wait, PATIENCE_S)
        case.addCleanup(self.process.kill)
        os.close(self.slave)

    def start(self, args, environment):
        def own_terminal():
            os.setsid()
            fcntl.ioctl(2, termios.TIOCSCTTY, 0)

        return subprocess.Popen([*self.prefix, e2e_support.BINARY, *args], stdin=subprocess.DEVNULL, stdout=self.out(),
                                stderr=self.slave, preexec_fn=own_terminal, env=environment)

    def out(self):
        return subprocess.DEVNULL

    def close(self):
        if self.master is not None:
            os.close(self.master)
        self.master = None

    def set_size(self, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, columns, 0, 0))

    def resize(self, columns):
        self.look()
        self.set_size(columns)
        self.screen.resize(columns)

    def look(self, seconds=0.0):
        """Show what is written in this time. False: it is over."""
        deadline = time.monotonic() + seconds
        while select.select([self.master], [], [], max(0.0, deadline - time.monotonic()))[0]:
            try:
                data = os.read(self.master, 65536).decode(errors="replace")
            except OSError:
                return False
            self.raw += data
            self.screen.show(data)
        return True

    def shows(self, pattern, seconds=PATIENCE_S):
        deadline = time.monotonic() + seconds
        while not re.search(pattern, self.screen.text):
            if time.monotonic() > deadline or not self.look(0.02):
                raise AssertionError("no %r on the screen:\n%s" % (pattern, self.screen.text))
        return self.screen.text

    def end(self):
        while self.look(0.05):
            pass
        return self.process.wait(PATIENCE_S)


class NohupTerminal(Terminal):
    prefix = ("nohup",)


class FileTerminal(Terminal):
    """Standard output is a pipe that nobody reads yet."""

    def out(self):
        return subprocess.PIPE


class Session(Terminal):
    def start(self, args, environment):
        def own_terminal():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        environment = dict(environment, PS1="$ ", WEIR=e2e_support.BINARY)
        return subprocess.Popen(["bash", "--norc", "--noprofile", "--noediting", "-i"], stdin=self.slave,
                                stdout=self.slave, stderr=self.slave, preexec_fn=own_terminal, env=environment)

    def type(self, text):
        os.write(self.master, text.encode())


class StatusLine(TestCase):
    def feed(self):
        return Feed(self, b"one\n").address

    def test_it_is_drawn_where_standard_output_is_out_of_sight(self):
        run = Terminal(self, self.feed())
        run.shows(ONE_LINE)
        run.process.send_signal(signal.SIGINT)
        self.assertEqual(run.end(), 0)
        self.assertNotRegex(run.screen.text, STATUS)
        self.assertIn("1 in = 1 out", run.screen.text)

    def test_it_leaves_the_last_column_free(self):
        run = Terminal(self, self.feed(), columns=30)
        run.shows(STATUS)
        self.assertLess(max(len(row) for row in run.screen.rows), 30)
        run.process.send_signal(signal.SIGINT)
        self.assertEqual(run.end(), 0)

    def test_it_is_not_drawn_into_lines_on_the_same_terminal(self):
        run = Session(self)
        run.type('"$WEIR" %s\n' % self.feed())
        run.shows("one")
        run.look(1.2)
        run.type("\x03")
        run.shows("1 in = 1 out")
        self.assertNotRegex(run.raw, STATUS)

    def test_it_is_not_drawn_where_standard_output_is_a_pipe(self):
        run = FileTerminal(self, self.feed())
        self.assertEqual(run.process.stdout.readline(), b"one\n")
        self.is_never_drawn(run)
        run.process.stdout.close()

    def is_never_drawn(self, run):
        """Two turns of the task that draws it, once the line has come."""
        run.look(1.2)
        run.process.send_signal(signal.SIGINT)
        self.assertEqual(run.end(), 0)
        self.assertIn("1 in = 1 out", run.screen.text)
        self.assertNotIn("\x1b", run.raw)
        self.assertNotRegex(run.raw, STATUS)

    def test_it_is_drawn_where_nothing_writes_to_standard_output(self):
        run = FileTerminal(self, "%s | file %s" % (self.feed(), self.path("out")))
        run.shows(STATUS)
        run.process.send_signal(signal.SIGINT)
        self.assertEqual(run.end(), 0)
        run.process.stdout.close()

    def test_a_terminal_that_cannot_erase_has_none(self):
        for term in ("dumb", ""):
            out = self.path("out" + term)
            run = Terminal(self, "%s | file %s" % (self.feed(), out), TERM=term)
            wait_for(lambda: os.path.exists(out) and os.path.getsize(out) > 0, "the line")
            self.is_never_drawn(run)

    def test_no_color_is_obeyed(self):
        run = Terminal(self, self.feed(), NO_COLOR="1")
        run.shows(STATUS)
        run.process.send_signal(signal.SIGINT)
        self.assertEqual(run.end(), 0)
        self.assertNotRegex(run.raw, r"\x1b\[[0-9;]*m")

    def test_nothing_is_left_of_it_when_the_terminal_becomes_narrower(self):
        run = Terminal(self, self.feed())
        run.shows(STATUS)
        run.resize(15)
        self.assertGreater(len(run.screen.rows), 1)
        drawn = run.raw.count("\r\x1b[J")
        # What is drawn first may still be as wide as the terminal was.
        wait_for(lambda: run.look() and run.raw.count("\r\x1b[J") > drawn and len(run.screen.rows) == 1,
                 "it to be drawn again in one row")
        run.process.send_signal(signal.SIGINT)
        self.assertEqual(run.end(), 0)
        self.assertNotRegex(run.screen.text, STATUS)

    def test_nothing_is_left_of_it_when_the_run_is_stopped(self):
        run = Session(self)
        run.type('"$WEIR" %s > /dev/null\n' % self.feed())
        run.shows(ONE_LINE)
        run.type("\x1a")
        self.assertNotRegex(run.shows(r"Stopped"), STATUS)
        run.type("fg\n")
        run.shows(STATUS)
        run.type("\x03")
        self.assertNotRegex(run.shows(r"1 in = 1 out"), STATUS)

    def test_it_is_not_drawn_in_the_background(self):
        run = Session(self)
        run.type('"$WEIR" %s > /dev/null &\n' % self.feed())
        run.look(1.2)
        run.type("echo back''ground\n")
        run.shows("background")
        self.assertNotRegex(run.raw, STATUS)
        run.type("fg\n")
        run.shows(ONE_LINE)
        run.type("\x03")
        run.shows(r"1 in = 1 out")


class Signals(TestCase):
    def test_a_terminal_that_goes_drains_the_run(self):
        feed = Feed(self, b"one\ntwo\n")
        run = Terminal(self, feed.address + " | file " + self.path("out"))
        run.shows(r"\b2 lines  ")
        run.close()
        self.assertEqual(run.process.wait(PATIENCE_S), 0)
        self.assertEqual(self.read("out"), b"one\ntwo\n")

    def test_what_is_ignored_at_the_start_stays_ignored(self):
        for ignored, other in ((signal.SIGINT, signal.SIGTERM), (signal.SIGTERM, signal.SIGINT),
                               (signal.SIGHUP, signal.SIGINT)):
            prefix = ["bash", "-c", "trap '' %d; exec \"$@\"" % ignored, "bash"]
            with Weir(Feed(self, b"one\n").address, prefix=prefix) as run:
                self.assertEqual(run.read_line(), b"one")
                for _ in range(3):
                    run.send(ignored)
                run.send(signal.SIGQUIT)
                run.says("budget")
                run.send(other)
                self.ends(run.end(), 0, "1 in = 1 out")

    def counting_feed(self):
        """A feed that never ends: a number every few milliseconds."""
        def script(connection):
            connection.stream()
            pause = threading.Event()
            for i in itertools.count(1):
                try:
                    connection.chunk("%d\n" % i)
                except OSError:
                    return
                pause.wait(0.005)
        return self.peer(Peer(script)).url()

    def test_without_a_terminal_a_hangup_opens_output_files_again(self):
        out, old = self.path("out"), self.path("old")

        def has_lines():
            return os.path.exists(out) and self.read("out").count(b"\n") > 2

        with Weir("-v", "%s | file %s" % (self.counting_feed(), out), own_session=True) as run:
            wait_for(has_lines, "lines")
            os.rename(out, old)
            run.send(signal.SIGHUP)
            wait_for(has_lines, "a new file")
            run.send(signal.SIGINT)
            self.ends(run.end(), 0, "SIGHUP: output files are opened again")
        lines = (self.read("old") + self.read("out")).split()
        self.assertEqual([int(line) for line in lines], list(range(1, len(lines) + 1)))

    def numbers_of(self, *names):
        return [int(line) for name in names for line in self.read(name).split()]

    def lines_of(self, name):
        return self.read(name).count(b"\n") if os.path.exists(self.path(name)) else 0

    def record(self):
        try:
            return b"".join(self.read(path) for path in glob.glob(self.path("state/*.weir")))
        except FileNotFoundError:
            return b""

    def grow(self, more, since=0):
        """A log that gets lines one after another while more() is true."""
        numbers, pause = itertools.count(since + 1), threading.Event()

        def write():
            with open(self.path("in"), "ab", buffering=0) as log:
                while more():
                    log.write(b"%d\n" % next(numbers))
                    pause.wait(0.002)

        thread = threading.Thread(target=write, daemon=True)
        thread.start()
        return thread

    def test_files_are_rotated_by_hangups_with_a_state_too_and_no_line_is_lost_or_torn(self):
        self.write("in", b"")
        grows = [True]
        writer = self.grow(lambda: grows)
        text = "tail %s from=start | file %s" % (self.path("in"), self.path("out"))
        names = []
        for ends in (signal.SIGKILL, signal.SIGTERM):  # the second run continues after a kill
            before = self.lines_of("out")
            with Weir("--state", self.path("state"), text, own_session=True) as run:
                for _ in range(3):
                    wait_for(lambda: self.lines_of("out") > before + 2, "lines in the file")
                    before = 0
                    names.append("out.%d" % len(names))
                    os.rename(self.path("out"), self.path(names[-1]))
                    run.send(signal.SIGHUP)
                    wait_for(lambda: self.lines_of("out") > 0, "a new file")
                if ends == signal.SIGKILL:
                    run.kill()
                else:
                    grows.clear()
                    writer.join()
                    count = self.lines_of("in")
                    wait_for(lambda: self.numbers_of("out")[-1:] == [count], "the last line")
                    run.send(ends)
                    self.ends(run.end(), 0)
        self.assertEqual(self.numbers_of(*names, "out"), list(range(1, count + 1)))

    def test_a_quiet_run_leaves_its_renamed_file_at_once_and_its_state_is_right(self):
        self.write("in", b"1\n2\n")
        text = "tail %s from=start | file %s" % (self.path("in"), self.path("out"))
        with Weir("--state", self.path("state"), text, own_session=True) as run:
            wait_for(lambda: saved_offset(self.path("state")) == 4, "a save")
            os.rename(self.path("out"), self.path("old"))
            run.send(signal.SIGHUP)
            wait_for(lambda: b"\nsink 0 " in self.record(), "a record of an empty file")
            run.kill()
        with open(self.path("in"), "ab") as log:
            log.write(b"3\n")
        with Weir("--state", self.path("state"), text) as run:
            wait_for(lambda: self.lines_of("out") == 1, "the line after the kill")
            run.send(signal.SIGTERM)
            self.ends(run.end(), 0)
        self.assertEqual((self.read("old"), self.read("out")), (b"1\n2\n", b"3\n"))

    def test_a_hangup_without_a_rotation_changes_nothing(self):
        self.write("in", b"1\n")
        text = "tail %s from=start | file %s" % (self.path("in"), self.path("out"))
        with Weir("--state", self.path("state"), text, own_session=True) as run:
            wait_for(lambda: self.lines_of("out") == 1, "a line")
            run.send(signal.SIGHUP)
            with open(self.path("in"), "ab") as log:
                log.write(b"2\n")
            wait_for(lambda: self.lines_of("out") == 2, "the next line in the same file")
            run.send(signal.SIGTERM)
            self.ends(run.end(), 0)
        self.assertEqual(self.read("out"), b"1\n2\n")

    def test_the_file_of_rejected_items_is_opened_again_too(self):
        self.write("in", b"{1\n")
        text = "tail %s from=start | where .x | file %s" % (self.path("in"), self.path("out"))
        with Weir("--state", self.path("state"), "--dead", self.path("dead"), text, own_session=True) as run:
            wait_for(lambda: self.lines_of("dead") == 1, "the first")
            os.rename(self.path("dead"), self.path("old"))
            run.send(signal.SIGHUP)
            with open(self.path("in"), "ab") as log:
                log.write(b"{2\n")
            wait_for(lambda: self.lines_of("dead") == 1, "the second, in a new file")
            run.send(signal.SIGTERM)
            self.ends(run.end(), 0)
        self.assertIn(b'"{1"', self.read("old"))
        self.assertIn(b'"{2"', self.read("dead"))
        self.assertEqual(self.lines_of("old"), 1)

    def test_under_nohup_a_terminal_that_goes_changes_nothing(self):
        self.write("in", b"1\n")
        run = NohupTerminal(self, "tail %s from=start | file %s" % (self.path("in"), self.path("out")))
        wait_for(lambda: self.lines_of("out") == 1, "a line")
        run.close()
        with open(self.path("in"), "ab") as log:
            log.write(b"2\n")
        wait_for(lambda: self.lines_of("out") == 2, "a line after the hangup")
        os.kill(run.process.pid, signal.SIGTERM)
        self.assertEqual(run.process.wait(PATIENCE_S), 0)


if __name__ == "__main__":
    e2e_support.main()
