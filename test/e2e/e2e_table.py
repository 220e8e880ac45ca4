#!/usr/bin/env python3
"""What `weir -v` prints at the end: a row for each component, with what came in, what went out, what
became of the rest, the bytes, and what was waited for."""

import re
import threading
import time

import e2e_support
from e2e_peers import Peer
from e2e_support import Weir, rests, wait_for, wait_until_full, weir

HEADS = ["component", "in", "out", "filtered", "rejected", "dropped", "bytes", "waited"]


def rows_of(err):
    """The table as {first word of the row: {head: cell}}, and its lines."""
    lines = err.split("\n")
    begin = next(i for i, line in enumerate(lines) if line.startswith("weir: component "))
    table = [lines[begin]]
    for line in lines[begin + 1 :]:
        if " in = " in line:
            break
        table.append(line)
    heads = re.split(r"  +", table[0][len("weir: ") :])
    rows = {}
    for line in table[1:]:
        cells = re.split(r"  +", line[len("weir: ") :].strip())
        rows[cells[0]] = dict(zip(heads + ["why"], cells))
    return rows, table


def takes_time():
    """As much as the table shows."""
    began = time.monotonic()
    wait_for(lambda: time.monotonic() > began + 0.1, "100 ms to pass")


class Table(e2e_support.TestCase):
    def test_a_row_for_each_component_with_what_came_in_and_went_out(self):
        self.write("lines", b"".join(b"%d\n" % i for i in range(1, 1001)))
        run = weir("-v", '%s | grep "7" | queue 10 | batch 10 | file %s' % (self.path("lines"), self.path("out")))
        self.ends(run, 0)
        rows, table = rows_of(run.err)
        self.assertEqual(table[0].split(), ["weir:"] + HEADS)
        self.assertEqual(
            [line.split("  ")[0] for line in table[1:]],
            ["weir: " + self.path("lines"), 'weir: grep "7"', "weir: queue 10", "weir: batch 10",
             "weir: file " + self.path("out")],
        )
        source, grep = rows[self.path("lines")], rows['grep "7"']
        self.assertEqual((source["in"], source["out"], source["bytes"]), ("-", "1 000", "3.8 KiB"))
        self.assertEqual((grep["in"], grep["out"], grep["filtered"]), ("1 000", "271", "729"))
        queue, batch = rows["queue 10"], rows["batch 10"]
        self.assertEqual((queue["in"], queue["out"]), ("271", "271"))
        self.assertEqual((batch["in"], batch["out"]), ("271", "28"))
        sink = rows["file " + self.path("out")]
        self.assertEqual((sink["in"], sink["out"]), ("28", "-"))
        self.assertEqual(sink["bytes"], "%d B" % len(self.read("out")) if len(self.read("out")) < 1024
                         else "%.1f KiB" % (len(self.read("out")) / 1024))

    def test_the_columns_are_aligned(self):
        run = weir("-v", "gen 1..100000 | grep '7' | head 12")
        _, table = rows_of(run.err)
        ends = [m.end() for m in re.finditer(r"\b(in|out|filtered|rejected|dropped|bytes|waited)\b", table[0])]
        for line in table:
            for end in ends:
                self.assertRegex(line[: end][-1], r"[^ ]", line)
                self.assertIn(line[end : end + 2], ("", " ", "  "), line)

    def test_the_table_stands_before_the_ledger_and_only_with_v(self):
        for flags in ([], ["-q"]):
            self.assertNotIn("component", weir(*flags, "gen 1..3 | null").err)
        err = weir("-v", "gen 1..3 | null").err
        self.assertLess(err.index("weir: component"), err.index("3 in = 3 out"))
        self.assertNotIn("calls", err)
        rows, _ = rows_of(weir("-vv", "gen 1..3 | null").err)
        self.assertEqual(rows["gen 1..3"]["calls"], "1")

    def test_what_is_not_written_has_rows_too(self):
        rows, table = rows_of(weir("-v", "skip 1", stdin=b"a\nb\n").err)
        self.assertEqual(list(rows), ["stdin", "skip 1", "stdout"])
        self.assertEqual(rows["stdin"]["out"], "2")
        self.assertEqual(rows["stdout"]["bytes"], "2 B")
        self.assertEqual(len(table), 4)

    def test_several_files_are_one_source(self):
        self.write("a", b"1\n2\n")
        self.write("b", b"3\n")
        rows, _ = rows_of(weir("-v", "skip 0", self.path("a"), self.path("b")).err)
        self.assertEqual((rows["file"]["out"], rows["file"]["bytes"]), ("3", "6 B"))

    def test_rejected_and_dropped_items_stand_at_the_component_that_did_it(self):
        self.write("lines", b"a\n" + b"x" * 2000000 + b"\n" + b"b\n" * 5000)
        run = weir("-v", "%s | lines | queue 2 full=drop-newest | grep 'b'" % self.path("lines"))
        rows, _ = rows_of(run.err)
        self.assertEqual(rows[self.path("lines")]["rejected"], "1")
        queue = {name: cell.replace(" ", "") for name, cell in rows["queue 2 full=drop-newest"].items()}
        self.assertEqual(int(queue["in"]), int(queue["out"]) + int(queue["dropped"]))
        self.assertGreater(int(queue["dropped"]), 0)

    def test_the_time_that_was_waited_stands_with_what_for(self):
        waits = threading.Event()

        def script(connection):
            connection.stream()
            connection.chunk("one\n")
            waits.wait(e2e_support.PATIENCE_S)
            takes_time()
            connection.chunk("two\n")
            connection.send("0\r\n\r\n")

        url = self.peer(Peer(script)).url()
        with Weir("-v", url + " | queue") as run:
            self.assertEqual(run.read_line(), b"one")
            wait_for(lambda: rests(run.pid), "it to wait for more")
            waits.set()
            rows, _ = rows_of(run.end().err)
        source, queue = rows[url], rows["queue"]
        self.assertRegex(source["waited"], r"^(1\d\d ms|[2-9]\d\d ms|\d+\.\d s)$")
        self.assertRegex(source["why"], r"data")
        self.assertRegex(queue["why"], r"^an item in its queue")

    def test_a_slow_reader_shows_as_time_that_the_sink_and_the_queue_were_waited_for(self):
        with Weir("-v", "gen 1..200000 | queue 10 | skip 0") as run:
            wait_until_full(run.process.stdout)
            wait_for(lambda: rests(run.pid), "it to wait for its reader")
            takes_time()
            ended = run.end()
        rows, _ = rows_of(ended.err)
        self.assertIn("reader", rows["stdout"]["why"])
        self.assertIn("room in a queue", rows["queue 10"]["why"])
        self.assertNotEqual(rows["stdout"]["waited"], "-")

    def test_secrets_are_masked_and_long_texts_cut(self):
        peer = self.peer(Peer(lambda c: c.reply("200 OK", [], "a\n")))
        url = peer.url().replace("http://", "http://user:canary@") + "?" + "n" * 200
        run = weir("-v", url)
        self.assertNotIn("canary", run.err)
        rows, table = rows_of(run.err)
        self.assertTrue(any(name.endswith("...") for name in rows), rows)

    def test_a_run_that_fails_tells_what_was_done(self):
        run = weir("-v", "gen 1..3 | file /nonexistent/out")
        self.assertEqual(run.status, 1)
        rows, _ = rows_of(run.err)
        self.assertIn("gen 1..3", rows)


if __name__ == "__main__":
    e2e_support.main()
