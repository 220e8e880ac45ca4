#!/usr/bin/env python3
"""Following files over their rotations, with and without kills: the output has each line once.

A scene is a text of steps. Every line that is written has a number; at the end the output must hold
all numbers, those of one file in their order. A step that removes bytes which only the follower can
have waits first until it has them.

    w N      append N lines              h        append half a line; the next w completes it
    s        wait for all lines          ct       copy and truncate
    cu       copy and truncate while lines are unread
    mv       log.1 becomes log.2, log becomes log.1
    rot      log becomes log.NUMBER      gz       compress log.1, or the newest log.NUMBER
    die      SIGKILL
    old N    append N lines to log.1     tr       truncate
    rw       write other lines of the same size
    rm       delete                      to X     set the symbolic link to another file
    kill     SIGKILL, and a new run      stop     SIGTERM, and wait for the end
    saved    wait until a run has saved its state: from then on it knows its files by their content
    run      a new run                   other N  append N lines to another file that matches
"""

import gzip
import json
import os
import resource
import signal
import threading

import e2e_support
from e2e_support import Weir, wait_for, weir

SCENES = {
    "it grows": "w 3 run s w 5 s w 1",
    "it does not exist yet": "run w 5 s w 5",
    "renamed while idle": "w 3 run s mv w 3 s",
    "renamed with lines unread": "w 3 run s w 100 mv w 100",
    "renamed, and its writer goes on": "w 3 run s mv old 3 s w 3 old 3 s w 3 old 3",
    "renamed three times": "w 50 run mv w 50 s mv w 50 s mv w 50",
    "renamed half a line early": "w 3 h run mv old 1 w 3",
    "deleted and made again": "w 3 run s w 3 s rm w 3 s rm w 3",
    "deleted and made again unread": "w 3 run s rm w 200 s rm w 200",
    "copied and truncated": "w 30 run ct w 3 s ct w 3 s ct w 30",
    "copied and truncated unread": "w 3 run s w 900 cu s w 3 s w 20000 cu w 3",
    "copied and truncated twice unread": "w 3 run s w 900 cu w 900 cu w 900 cu w 3 s",
    "renamed many times unread": "w 3 run s" + 40 * " rot w 20",
    "deleted after many renames": "w 3 run s" + 10 * " rot w 20" + " s rm w 3 s",
    "copied, truncated and compressed unread": "w 900 run s w 900 cu gz w 3 s w 9000 cu gz w 3 s",
    "renamed and compressed": "w 900 run s w 900 mv s gz w 3 s",
    "truncated": "w 30 run tr w 3 s tr w 30",
    "truncated, and longer at once": "w 3 run tr w 300 s tr w 600",
    "written anew with the same size": "w 9 run rw s rw s rw w 1",
    "half a line": "h run w 1 h s w 1 s h w 1",
    "a link to another file": "to a w 5 run s to b w 5 s to c w 5",
    "a link that comes back": "to a w 5 run s to b w 5 s to a w 5 s to c w 5",
    "files that match later": "w 3 run s other 5 s w 5 other 5 s",
    "a long file": "w 50000 run s mv w 50000 s mv w 5",
    "restarted": "w 5 run s stop w 5 run s w 5 stop run w 5",
    "restarted inside a line": "w 5 h run s stop run w 5 s h stop w 1 run",
    "restarted behind a rename": "w 5 run s stop w 5 mv w 5 run s",
    "restarted behind two renames": "w 5 run s stop w 5 mv w 5 run s stop mv w 5 run s",
    "restarted behind a truncation": "w 5 run s stop tr w 3 run s",
    "restarted behind a truncation, and longer": "w 5 run s stop tr w 300 run s",
    "restarted behind other lines of the same size": "w 9 run s stop rw run s",
    "restarted behind a copy and truncation": "w 300 run s stop w 9 ct w 3 run s",
    "restarted behind a copy that is longer": "w 5 run s stop w 300 ct w 3 run s stop w 5 run s",
    "restarted behind delete and make": "w 5 run s stop rm w 9 run s",
    "restarted behind a new file": "w 5 run s stop other 5 run s",
    "restarted behind a link that was set": "to a w 5 run s stop to b w 5 run s",
    "restarted behind a file that was compressed": "w 300 run s stop w 900 mv gz w 5 run s",
    "restarted behind many renames": "w 300 run s stop" + 9 * " w 20 rot" + " w 3 run s",
    "restarted behind a copy that was compressed": "w 300 run s stop w 900 cu gz w 5 run s",
    "killed": "w 500 run kill w 500 kill w 500 s kill w 1",
    "killed before a rename": "w 500 run saved kill mv w 500 kill w 500",
    "killed behind a rename": "w 500 run s mv w 500 s kill mv w 500 s kill old 500 s",
    "killed at a truncation": "w 500 run ct kill w 500 ct kill w 50",
    "killed at a truncation with lines unread": "w 500 run s w 9000 cu kill w 500 s cu kill w 50",
    "killed at half a line": "w 500 h run kill w 1 h kill w 500",
    "killed at delete and make": "w 500 run s rm kill w 500 s rm w 5 kill w 5",
    "killed in a long file": "w 90000 run saved kill w 5 kill mv w 90000 kill w 5",
    "killed before a file is compressed": "w 90000 run saved die rot gz w 5 run kill w 5",
    "killed with a new file": "w 500 run other 500 kill w 500 other 500 kill s",
}


def open_files(pid):
    fds = "/proc/%d/fd" % pid
    links = []
    for fd in os.listdir(fds):
        try:
            links.append(os.readlink(os.path.join(fds, fd)))
        except FileNotFoundError:
            pass
    return links


class Scene:
    def __init__(self, test):
        self.test = test
        self.folder = test.path("logs")
        self.out = test.path("out")
        self.state = test.path("state")
        os.mkdir(self.folder)
        self.log = os.path.join(self.folder, "log")
        self.number = 0
        self.half = None
        self.written = []  # ranges of numbers, each written at once
        self.weir = None

    def _append(self, path, data, numbers):
        with open(path, "ab") as file:
            file.write(data)
        self.written.append(numbers)

    def _lines(self, count):
        first = self.number + 1
        self.number += count
        return first, [b"%09d of this file\n" % n for n in range(first, first + count)]

    def _write(self, path, count):
        first, lines = self._lines(count)
        data = b"".join(lines)
        if self.half is not None:
            first, data = self.half, b"end\n" + data
            self.half = None
        self._append(path, data, range(first, self.number + 1))

    def w(self, count):
        self._write(self.log, int(count))

    def old(self, count):
        self._write(self.log + ".1", int(count))

    def other(self, count):
        self._write(self.log + "-other", int(count))

    def h(self):
        self.number += 1
        self.half = self.number
        with open(self.log, "ab") as file:
            file.write(b"%09d half " % self.number)

    def mv(self):
        if os.path.exists(self.log + ".1"):
            os.rename(self.log + ".1", self.log + ".2")
        os.rename(self.log, self.log + ".1")

    def ct(self):
        self.s()
        self.cu()

    def cu(self):
        with open(self.log, "rb") as log, open("%s.%d" % (self.log, 100 + self.number), "wb") as copy:
            copy.write(log.read())
        os.truncate(self.log, 0)

    def tr(self):
        self.s()
        os.truncate(self.log, 0)

    def rw(self):
        self.s()
        size = os.path.getsize(self.log)
        first, lines = self._lines(size // 23)
        self.test.assertEqual(len(b"".join(lines)), size, "the scene needs lines of one size")
        with open(self.log, "wb") as file:
            file.write(b"".join(lines))
        self.written.append(range(first, self.number + 1))

    def rot(self):
        os.rename(self.log, "%s.%d" % (self.log, 1000 + self.number))

    def gz(self):
        number = max(int(name[4:]) for name in os.listdir(self.folder) if name[4:].isdigit())
        path = "%s.%d" % (self.log, number)
        with open(path, "rb") as file, gzip.open(path + ".gz", "wb") as packed:
            packed.write(file.read())
        os.unlink(path)

    def die(self):
        self.weir.kill()
        self.weir.__exit__()

    def rm(self):
        self.s()
        os.unlink(self.log)

    def to(self, name):
        link = self.log + "~"
        os.symlink(name + "-file", link)
        os.rename(link, self.log)

    def run(self):
        self.weir = Weir("--state", self.state, "--name", "tail", "-v",
                         "tail %s %s-* from=start wait=200ms | file %s" % (self.log, self.log, self.out))
        self.weir.says("delivery:")
        log = os.path.realpath(self.log)
        wait_for(lambda: not os.path.exists(log) or log in open_files(self.weir.pid), "the file to be opened")

    def kill(self):
        self.weir.kill()
        self.weir.__exit__()
        self.run()

    def saved(self):
        wait_for(lambda: os.path.exists(os.path.join(self.state, "tail.weir")), "the state")

    def stop(self):
        self.weir.send(signal.SIGTERM)
        with self.weir:
            e2e_support.look_for_reports(self.weir.end().err)
        self.weir = None

    def numbers(self):
        if not os.path.exists(self.out):
            return []
        with open(self.out, "rb") as out:
            return [int(line[:9]) for line in out.read().split(b"\n")[:-1]]

    def s(self):
        wanted = sum(len(numbers) for numbers in self.written)
        if self.weir is None:
            return  # the run that comes must find the rest
        wait_for(lambda: len(self.numbers()) >= wanted,
                 "%d lines\n%s" % (wanted, self.weir.err))

    def play(self, text):
        words = text.split()
        while words:
            step = getattr(self, words.pop(0))
            step(*([words.pop(0)] if step.__code__.co_argcount > 1 else []))
        self.s()
        if self.weir is not None:
            self.stop()
        got = self.numbers()
        expected = sorted(n for numbers in self.written for n in numbers)
        self.test.assertEqual(sorted(got), expected)
        place = {n: at for at, n in enumerate(got)}
        for numbers in self.written:
            self.test.assertEqual(sorted(numbers, key=place.get), list(numbers))


class Scenes(e2e_support.TestCase):
    pass


def add_scene(name, text):
    def play(self):
        scene = Scene(self)
        try:
            scene.play(text)
        finally:
            if scene.weir is not None:
                scene.weir.__exit__()

    setattr(Scenes, "test_" + name.replace(",", "").replace(" ", "_"), play)


for _name, _text in SCENES.items():
    add_scene(_name, _text)


class Command(e2e_support.TestCase):
    def add(self, name, text):
        with open(self.path(name), "a", encoding="ascii") as file:
            file.write(text)

    def follow(self, text, *flags):
        return Weir(*flags, text, cwd=self.folder)

    def test_it_begins_at_the_end(self):
        self.add("log", "old\n")
        with self.follow("tail ./log last=0 | head 1", "-v") as run:
            wait_for(lambda: self.is_watched(run), "the folder to be watched")
            self.add("log", "new\n")
            self.assertEqual(run.end().out, b"new\n")

    def test_a_first_run_without_a_line_has_a_place(self):
        self.add("log", "old\n")
        text = "tail ./log ./later | file out"
        with self.follow(text, "--state", "state", "--name", "n") as run:
            wait_for(lambda: os.path.exists(self.path("state/n.weir")), "the state")
            run.kill()
        self.add("log", "new\n")
        self.add("later", "first\n")
        with self.follow(text, "--state", "state", "--name", "n") as run:
            wait_for(lambda: sorted(self.read_out().splitlines()) == [b"first", b"new"], "the lines")
            run.send(signal.SIGTERM)
            self.ends(run.end(), 0)

    def is_watched(self, run):
        """It waits, with the file open."""
        return os.path.realpath(self.path("log")) in open_files(run.pid) and e2e_support.rests(run.pid)

    def test_last_lines(self):
        self.add("log", "".join("%d\n" % n for n in range(1, 100001)))
        self.assertEqual(weir("tail ./log last=3 | head 3", cwd=self.folder).out, b"99998\n99999\n100000\n")

    def test_what_cannot_be_read_is_reported_once_and_tried_again(self):
        os.mkdir(self.path("log"))
        with self.follow("tail ./log from=start | head 1") as run:
            run.says("read './log': Is a directory; it is tried again")
            os.rmdir(self.path("log"))
            self.add("log", "one\n")
            end = run.end()
        self.assertEqual(end.out, b"one\n")
        self.assertEqual(end.err.count("Is a directory"), 1)

    def test_a_fifo_is_not_opened(self):
        os.mkfifo(self.path("log"))
        with self.follow("tail ./log from=start | head 1") as run:
            run.says("it is not a regular file")
            os.unlink(self.path("log"))
            self.add("log", "one\n")
            self.assertEqual(run.end().out, b"one\n")

    def test_a_loop_of_links_is_reported(self):
        os.symlink("log", self.path("log"))
        with self.follow("tail ./log from=start | head 1") as run:
            run.says("Too many levels of symbolic links")
            os.unlink(self.path("log"))
            self.add("log", "one\n")
            self.assertEqual(run.end().out, b"one\n")

    def test_a_truncation_without_a_copy_is_reported(self):
        self.add("log", "one\n")
        with self.follow("tail ./log from=start | head 2") as run:
            self.assertEqual(run.read_line(), b"one")
            self.add("log", "half")
            wait_for(lambda: e2e_support.rests(run.pid), "the bytes to be read")
            open(self.path("log"), "wb").close()
            run.says("'./log' was truncated, and no copy of it is found: ")
            self.add("log", "two\n")
            self.assertEqual(run.end().out, b"two\n")

    def test_a_lost_file_lowers_the_promise_and_is_reported(self):
        self.add("log", "one\n")
        text = "tail ./log from=start | head 1 | file out"
        self.ends(weir("--state", "st", text, cwd=self.folder), 0, "exactly-once-effect")
        os.rename(self.path("log"), self.path("gone"))
        os.unlink(self.path("gone"))
        with self.follow("tail ./log from=start | file out", "--state", "st", "--name", "n") as run:
            run.says("delivery:")
            self.add("log", "two\n")
            wait_for(lambda: open(self.path("out"), "rb").read() == b"one\ntwo\n", "the line")
            run.send(signal.SIGTERM)
            self.ends(run.end(), 0)

    def test_rows_of_each_file(self):
        self.add("a.csv", 'id,name\n1,"A\nB"\n')
        self.add("b.csv", "id,name\n2,C\n")
        run = weir("tail ./a.csv ./b.csv from=start | csv header | head 2 | ndjson", cwd=self.folder)
        self.assertEqual(run.out, b'{"id":"1","name":"A\\nB"}\n{"id":"2","name":"C"}\n')

    def test_items_know_their_file_and_offset(self):
        for flags in ((), ("--state", self.path("state"))):
            with self.subTest(flags=flags):
                self.add("a.log", "n=1\nn=2\n")
                text = "tail %s/*.log from=start | logfmt | text \"\\(.n) \\($meta.path) \\($meta.offset)\"" % self.folder
                with Weir(*flags, text) as run:
                    self.assertEqual(run.read_line(), b"1 %b 0" % self.path("a.log").encode())
                    self.assertEqual(run.read_line(), b"2 %b 4" % self.path("a.log").encode())
                    self.add("b.log", "n=3\n")
                    self.assertEqual(run.read_line(), b"3 %b 0" % self.path("b.log").encode())
                    run.send(signal.SIGTERM)
                    self.ends(run.end(), 0)
                if flags:
                    self.add("a.log", "n=4\n")
                    with Weir(*flags, text) as run:
                        self.assertEqual(run.read_line(), b"4 %b 8" % self.path("a.log").encode())
                for name in ("a.log", "b.log"):
                    os.unlink(self.path(name))

    def test_files_of_the_command_line_know_their_path(self):
        self.add("a.log", '{"n":1}\n{"n":2}\n')
        self.add("b.log", '{"n":3}\n')
        run = weir("map [$meta.path, $meta.offset, .n]", self.path("a.log"), self.path("b.log"))
        self.ends(run, 0)
        self.assertEqual([json.loads(line) for line in run.out.splitlines()],
                         [[self.path("a.log"), 0, 1], [self.path("a.log"), 8, 2], [self.path("b.log"), 0, 3]])
        self.ends(weir("map $meta.path", stdin=b"{}\n"), 2, "$meta is what comes with an event")

    def test_lines_of_a_trace_are_one_item_over_a_rotation_and_a_kill(self):
        text = r"tail ./log from=start wait=200ms | multiline `^\d` wait=200ms | encode json | file out"
        flags = ("--state", "state", "--name", "n")
        self.add("log", "1 one\n  at f\n2 two\n")
        with self.follow(text, *flags) as run:
            wait_for(lambda: self.read_out().startswith(b'"1 one\\n  at f"\n'), "the first item")
            run.kill()
        os.rename(self.path("log"), self.path("log.1"))
        self.add("log", "  not of two\n3 three\n")
        with self.follow(text, *flags) as run:
            items = [b'"  not of two"', b'"1 one\\n  at f"', b'"2 two"', b'"3 three"']
            wait_for(lambda: sorted(self.read_out().splitlines()) == items, "all items")
            run.send(signal.SIGTERM)
            self.ends(run.end(), 0)

    def read_out(self):
        return self.read("out") if os.path.exists(self.path("out")) else b""

    def test_without_the_start_rows_have_no_names(self):
        self.add("a.csv", "id,name\n1,A\n")
        self.ends(weir("tail ./a.csv | csv header | ndjson", cwd=self.folder), 2, "from=start")


class Load(e2e_support.TestCase):
    """Lines at a rate over renames: none is missing, and memory does not grow."""

    LINES = int(os.environ.get("WEIR_TAIL_LINES", "100000"))

    def test_rotations_under_load(self):
        log = self.path("log")
        per_file, per_write = self.LINES // 20, 500
        with Weir("-v", "tail %s from=start wait=1s | head %d | file %s" % (log, self.LINES, self.path("out"))) as run:
            pause = threading.Event()
            for first in range(0, self.LINES, per_write):
                if first > 0 and first % per_file == 0:
                    os.rename(log, "%s.%d" % (log, first))
                with open(log, "ab") as file:
                    file.write(b"".join(b"%09d\n" % n for n in range(first, first + per_write)))
                pause.wait(per_write / 50000)
            end = run.end()
        with open(self.path("out"), "rb") as out:
            numbers = [int(line) for line in out]
        self.assertEqual(sorted(numbers), list(range(self.LINES)))
        self.ends(end, 0)
        if not e2e_support.SANITIZED:
            peak = float(end.err.split("peak ")[1].split(" MiB")[0])
            self.assertLess(peak, 32)


class Storm(e2e_support.TestCase):
    """Rotations as fast as they can be made: no line is missing, also when few files may be open."""

    ROTATIONS = int(os.environ.get("WEIR_TAIL_ROTATIONS", "1000"))

    @staticmethod
    def write(log, number):
        with open(log, "wb") as file:
            file.write(b"%09d\n" % number)

    def rotate(self, files_max=None):
        log = self.path("log")
        text = "tail ./log from=start wait=1s | head %d | file out" % self.ROTATIONS
        self.write(log, 0)
        run = Weir(text, cwd=self.folder)
        if files_max is not None:
            resource.prlimit(run.pid, resource.RLIMIT_NOFILE, (files_max, files_max))
        with run:
            wait_for(lambda: os.path.exists(self.path("out")), "the first line")
            for number in range(1, self.ROTATIONS):
                os.rename(log, "%s.%d" % (log, number))
                self.write(log, number)
            end = run.end()
        self.ends(end, 0)
        lines = self.read("out").splitlines()
        self.assertEqual(sorted(lines), [b"%09d" % number for number in range(self.ROTATIONS)])

    def test_each_file_is_read(self):
        self.rotate()

    def test_each_file_is_read_though_few_may_be_open(self):
        self.rotate(60)


if __name__ == "__main__":
    e2e_support.main()
