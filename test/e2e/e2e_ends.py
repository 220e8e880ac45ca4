#!/usr/bin/env python3
"""How a run ends before its source does: by a reader that has seen enough, by head, by signals; and
what it leaves behind.

An idle feed is the hard case: nothing comes that could make weir notice.
"""

import fcntl
import os
import pty
import re
import signal
import socket
import subprocess
import threading
import tty

import e2e_support
from e2e_peers import Feed, Peer
from e2e_support import Weir, shell, wait_for, wait_until_full, weir

SOON_S = 10  # far below the time for which a silent source is waited for

FIVE = b"1\n2\n3\n4\n5\n"


def tcp_pair():
    with socket.create_server(("127.0.0.1", 0)) as server:
        left = socket.create_connection(server.getsockname())
        return left, server.accept()[0]


def terminal_text(master):
    """What is written to a terminal until its last writer has left."""
    said = b""
    try:
        while True:
            piece = os.read(master, 65536)
            if not piece:
                break
            said += piece
    except OSError:
        pass
    os.close(master)
    return said.decode()


class Heads(e2e_support.TestCase):
    def seen_to_go(self, feed):
        self.assertTrue(feed.gone.wait(SOON_S), "the source's connection is still open")

    def test_head_in_the_shell_ends_an_idle_feed(self):
        for lines in (b"1\n2\n3\n", FIVE):
            for http in (True, False):
                feed = Feed(self, lines, http)
                run = shell('"$WEIR" "$1" | head -3; exit "${PIPESTATUS[0]}"', feed.address)
                self.seen_to_go(feed)
                self.ends(run, 0)
                self.assertEqual((run.out, run.err), (b"1\n2\n3\n", ""))

    def test_head_in_the_shell_ends_a_feed_that_never_stops(self):
        def script(connection):
            connection.stream()
            while True:
                connection.chunk(b"again\n" * 1000)

        run = shell(
            '"$WEIR" "$1" | head -3; exit "${PIPESTATUS[0]}"', self.peer(Peer(script)).url()
        )
        self.ends(run, 0)
        self.assertEqual((run.out, run.err), (b"again\n" * 3, ""))

    def test_a_reader_that_leaves_before_any_line_ends_an_idle_feed(self):
        feed = Feed(self, b"# no line end")
        with Weir(feed.address) as run:
            wait_for(lambda: feed.peer.requests, "the request")
            run.process.stdout.close()
            run.process.stdout = None
            self.seen_to_go(feed)
            ended = run.end()
        self.ends(ended, 0)
        self.assertEqual(ended.err, "")

    def test_a_reader_that_was_never_there_is_a_quiet_success(self):
        run = shell('"$WEIR" "gen 1.." | true; exit "${PIPESTATUS[0]}"')
        self.ends(run, 0)
        self.assertEqual(run.err, "")

    def test_what_a_reader_that_left_has_read_is_not_claimed(self):
        with Weir("-v", "gen 1..") as run:
            wait_until_full(run.process.stdout)
            run.process.stdout.close()
            run.process.stdout = None
            ended = run.end()
        self.ends(ended, 0, " in flight ", "the reader of stdout left after ")
        counts = re.search(r"weir: (.*) in = (.*) out .* dropped \+ (.*) in flight", ended.err)
        came, out, flight = (int(text.replace(" ", "")) for text in counts.groups())
        self.assertEqual(came, out + flight)
        self.assertIn("how many of the %s" % counts.group(3), ended.err)

    def test_a_reader_that_leaves_an_idle_feed_has_been_given_all_of_it(self):
        feed = Feed(self, FIVE)
        run = shell('"$WEIR" -v "$1" | head -3; exit "${PIPESTATUS[0]}"', feed.address)
        self.ends(run, 0, "5 in = 5 out", "the reader of stdout left after 10 bytes")
        self.assertNotIn("in flight", run.err)

    def test_a_reader_that_leaves_is_quiet_on_a_terminal_too(self):
        master, slave = pty.openpty()
        run = subprocess.Popen([e2e_support.BINARY, "gen 1.."], stdout=subprocess.PIPE, stderr=slave)
        os.close(slave)
        run.stdout.readline()
        run.stdout.close()
        said = terminal_text(master)
        self.assertEqual(run.wait(e2e_support.PATIENCE_S), 0)
        self.assertEqual(said, "")

    def test_a_socket_reader_that_leaves_ends_the_feed_at_its_next_line(self):
        go = threading.Event()

        def script(connection):
            connection.stream()
            connection.chunk("one\n")
            go.wait(e2e_support.PATIENCE_S)
            connection.chunk("two\n")
            connection.wait_end()

        left, right = socket.socketpair()
        with Weir(self.peer(Peer(script)).url(), stdout=right) as run:
            right.close()
            self.assertEqual(left.recv(4), b"one\n")
            left.close()
            go.set()
            ended = run.end()
        self.ends(ended, 0)
        self.assertEqual(ended.err, "")

    def test_a_socket_reader_that_leaves_ends_an_idle_feed(self):
        feed = Feed(self, b"one\n")
        left, right = socket.socketpair()
        with Weir(feed.address, stdout=right) as run:
            right.close()
            self.assertEqual(left.recv(4), b"one\n")
            left.close()
            self.seen_to_go(feed)
            ended = run.end()
        self.ends(ended, 0)
        self.assertEqual(ended.err, "")

    def test_a_socket_reader_that_only_sends_no_more_is_not_gone(self):
        for make in (socket.socketpair, tcp_pair):
            left, right = make()
            with Weir("- | head 2", stdin=subprocess.PIPE, stdout=right) as run:
                right.close()
                left.shutdown(socket.SHUT_WR)
                for line in (b"one\n", b"two\n"):
                    run.process.stdin.write(line)
                    run.process.stdin.flush()
                    self.assertEqual(left.recv(4), line, run.err)
                self.ends(run.end(), 0)
            left.close()

    def test_the_head_stage_ends_an_idle_feed(self):
        for http in (True, False):
            feed = Feed(self, FIVE, http)
            run = weir("%s | head 3" % feed.address)
            self.seen_to_go(feed)
            self.ends(run, 0)
            self.assertEqual((run.out, run.err), (b"1\n2\n3\n", ""))

    def test_head_closes_the_source_before_the_sink_is_read(self):
        feed = Feed(self, b"x" * 100000 + b"\n" + b"y" * 100000 + b"\nmore\n")
        with Weir("%s | head 2" % feed.address) as run:
            left = 100001  # the first line
            while left > 0:
                piece = os.read(run.process.stdout.fileno(), left)
                self.assertTrue(piece, run.err)
                left -= len(piece)
            self.seen_to_go(feed)
            self.assertEqual(len(run.end().out), 100001)

    def test_count_ends_as_head_does(self):
        feed = Feed(self, FIVE)
        run = weir("-c", "2", feed.address)
        self.seen_to_go(feed)
        self.ends(run, 0)
        self.assertEqual(run.out, b"1\n2\n")

    def test_head_0_connects_to_nobody(self):
        feed = Feed(self, FIVE)
        self.ends(weir("%s | head 0" % feed.address), 0)
        self.assertEqual(feed.peer.requests, [])

    def test_head_behind_a_queue_ends_the_feed(self):
        feed = Feed(self, FIVE)
        run = weir("%s | queue 2 | head 3" % feed.address)
        self.seen_to_go(feed)
        self.assertEqual(run.out, b"1\n2\n3\n")


class Signals(e2e_support.TestCase):
    def test_sigint_and_sigterm_drain_and_count(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            feed = Feed(self, FIVE)
            with Weir("%s | queue" % feed.address) as run:
                for n in range(1, 6):
                    self.assertEqual(run.read_line(), b"%d" % n)
                run.send(number)
                ended = run.end()
            self.ends(ended, 0, "5 in = 5 out + 0 filtered + 0 rejected + 0 dropped")
            self.assertEqual(len(ended.err.splitlines()), 1, ended)
            self.assertTrue(feed.gone.wait(SOON_S))

    def test_what_is_under_way_flows_out_after_sigint(self):
        with Weir("gen 1.. | queue 1000 | batch 7 within 1h") as run:
            self.assertEqual(run.read_line(), b"1")
            run.send(signal.SIGINT)
            ended = run.end()
        self.ends(ended, 0)
        self.assertNotIn("in flight", ended.err)
        numbers = [int(line) for line in ended.out.split()]
        self.assertEqual(numbers, list(range(2, len(numbers) + 2)))
        self.assertIn("= %s out" % "{:,}".format(len(numbers) + 1).replace(",", " "), ended.err)

    def test_a_second_signal_stops_at_once(self):
        for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            with Weir("gen 1..") as run:
                self.assertEqual(run.read_line(), b"1")
                wait_until_full(run.process.stdout)
                run.send(number)
                run.send(number)
                run.process.wait(e2e_support.PATIENCE_S)
                self.assertEqual(run.process.returncode, status, run.err)

    def test_a_drain_that_lasts_is_told_on_a_terminal(self):
        master, slave = pty.openpty()
        command = [e2e_support.BINARY, "--drain", "2s", "gen 1.."]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=slave) as run:
            os.close(slave)
            self.assertEqual(run.stdout.readline(), b"1\n")
            wait_until_full(run.stdout)
            run.send_signal(signal.SIGINT)
            self.assertEqual(run.wait(e2e_support.PATIENCE_S), 3)
            text = terminal_text(master)
        self.assertEqual(text.count("another Ctrl-C or SIGTERM stops at once"), 1, text)

    def test_a_drain_that_takes_too_long_is_a_loss_with_a_count(self):
        with Weir("--drain", "200ms", "gen 1.. | queue") as run:
            self.assertEqual(run.read_line(), b"1")
            wait_until_full(run.process.stdout)
            run.send(signal.SIGINT)
            self.assertEqual(run.process.wait(e2e_support.PATIENCE_S), 3)
            ended = run.end()
        self.ends(ended, 3, "not drained", "in flight")

    def test_sigint_while_connecting_ends_with_success(self):
        peer = self.peer(Peer(lambda connection: connection.wait_end()))
        with Weir(peer.url()) as run:
            wait_for(lambda: peer.requests, "the request")
            run.send(signal.SIGINT)
            self.ends(run.end(), 0, "0 in = 0 out")

    def test_sigint_during_the_pause_before_a_retry_ends_at_once(self):
        peer = self.peer(Peer(lambda c: c.reply("503 Busy", ["Retry-After: 3600"])))
        with Weir(peer.url()) as run:
            run.says("retry 1 in")
            run.send(signal.SIGINT)
            run.process.wait(e2e_support.PATIENCE_S)
            self.assertEqual(run.process.returncode, 0, run.err)

    def test_sigquit_prints_every_task_and_goes_on(self):
        go = threading.Event()

        def script(connection):
            connection.stream()
            connection.chunk("before\n")
            go.wait(e2e_support.PATIENCE_S)
            connection.chunk("after\n")
            connection.send("0\r\n\r\n")

        with Weir("%s | queue | skip 0" % self.peer(Peer(script)).url()) as run:
            self.assertEqual(run.read_line(), b"before")
            run.send(signal.SIGQUIT)
            run.says("http")
            run.says("queue")
            go.set()
            self.assertEqual(run.read_line(), b"after")
            self.ends(run.end(), 0)

    def test_a_fifo_that_nobody_reads_is_told_and_can_be_left(self):
        os.mkfifo(self.path("fifo"))
        text = "gen 1..3 | file %s" % self.path("fifo")
        with Weir("-v", "--drain", "100ms", text) as run:
            run.says("delivery: ")  # by then it has its signals

            def told():
                run.send(signal.SIGQUIT)
                return "has no reader yet" in run.err

            wait_for(told, "the wait for a reader")
            run.send(signal.SIGINT)
            self.ends(run.end(), 3, "3 in flight")

    def test_a_fifo_is_written_when_somebody_reads_it(self):
        os.mkfifo(self.path("fifo"))
        with Weir("gen 1..3 | file %s" % self.path("fifo")) as run:
            self.assertEqual(self.read("fifo"), b"1\n2\n3\n")
            self.ends(run.end(), 0)

    def test_a_reader_that_leaves_while_draining_is_quiet(self):
        with Weir("gen 1..") as run:
            self.assertEqual(run.read_line(), b"1")
            run.send(signal.SIGINT)
            run.process.stdout.close()
            run.process.stdout = None
            self.ends(run.end(), 0)


class Descriptors(e2e_support.TestCase):
    """Descriptors are shared with other processes: their flags are not weir's to change, not even
    for a while."""

    def flags_during(self, make, command, kill):
        ours, theirs = make()
        before = [fcntl.fcntl(fd, fcntl.F_GETFL) for fd in theirs]
        with Weir(command, stdin=theirs[0], stdout=theirs[1]) as run:
            os.write(ours[0], b"one\n")
            self.assertEqual(os.read(ours[1], 4), b"one\n", run.err)
            during = [fcntl.fcntl(fd, fcntl.F_GETFL) for fd in theirs]
            if kill:
                run.kill()
            else:
                run.send(signal.SIGTERM)
                self.ends(run.end(), 0)
        after = [fcntl.fcntl(fd, fcntl.F_GETFL) for fd in theirs]
        for fd in {*ours, *theirs}:
            os.close(fd)
        self.assertEqual((before, before), (during, after))

    @staticmethod
    def pipes():
        (in_read, in_write), (out_read, out_write) = os.pipe(), os.pipe()
        return (in_write, out_read), (in_read, out_write)

    @staticmethod
    def sockets():
        (a, b), (c, d) = socket.socketpair(), socket.socketpair()
        return (a.detach(), d.detach()), (b.detach(), c.detach())

    @staticmethod
    def terminals():
        (in_main, in_end), (out_main, out_end) = pty.openpty(), pty.openpty()
        tty.setraw(in_end)
        tty.setraw(out_end)
        return (in_main, out_main), (in_end, out_end)

    def test_pipes_keep_their_flags(self):
        self.flags_during(self.pipes, "-", False)

    def test_pipes_keep_their_flags_when_weir_is_killed(self):
        self.flags_during(self.pipes, "-", True)

    def test_sockets_keep_their_flags(self):
        self.flags_during(self.sockets, "-", False)

    def test_sockets_keep_their_flags_when_weir_is_killed(self):
        self.flags_during(self.sockets, "-", True)

    def test_terminals_keep_their_flags(self):
        self.flags_during(self.terminals, "-", False)

    def test_terminals_keep_their_flags_when_weir_is_killed(self):
        self.flags_during(self.terminals, "-", True)

    def test_a_closed_standard_input_is_a_failure_without_a_crash(self):
        self.ends(shell('"$WEIR" - <&-'), 1)

    def test_closed_descriptors_are_not_given_to_connections(self):
        feed = Feed(self, FIVE)
        run = shell('"$WEIR" "$1 | head 3 | file $2" <&- >&-', feed.address, self.path("out"))
        self.ends(run, 0)
        self.assertEqual(self.read("out"), b"1\n2\n3\n")

    def test_a_run_leaves_no_process_behind(self):
        with Weir("gen 1..3") as run:
            run.end()
        left = subprocess.run(["pgrep", "-P", str(run.pid)], capture_output=True, check=False)
        self.assertEqual(left.stdout, b"")


if __name__ == "__main__":
    e2e_support.main()
