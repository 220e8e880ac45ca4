#!/usr/bin/env python3
"""Run the command with its k-th fallible call failing, for k = 1, 2, ...

    fault_run.py [PIPELINE...]       gen_to_file file_to_stdout file_with_state http_with_state
                                     events_with_state tail_with_state packed_to_csv file_to_post
                                     https_to_tcp stdin_to_unix exec_to_exec demo
    fault_run.py --long [PIPELINE...]   more points

A fault may end the run, but not by a signal, not later than a minute, and not in silence; and a run
that says it has succeeded has the right output. With a state, the next run without a fault goes on
from whatever the fault has left, to the right file.

How many points there are is found by failing from the k-th on: where that changes nothing, there
is no k-th. Of more than 120 points (with --long, 3,000) a sample is run, drawn by a seed that is printed;
the first and the last 30 are always in it. At 24 points (with --long, at all) another run has that call
and all later ones failing. WEIR_FAULT_SEED sets the seed.
"""

import gzip
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
sys.dont_write_bytecode = True

import e2e_support
from e2e_peers import Certificates, Peer, ranged
from e2e_support import Weir, weir

LONG = "--long" in sys.argv
POINTS_MAX = 3000 if LONG else 120
FROM_MAX = POINTS_MAX if LONG else 24  # of them, with all later ones
EDGE = 30
RUN_S = 60 if not e2e_support.SANITIZED else 120
NEVER = 1 << 40
DATA = b"".join(b"%d %s\r\n" % (n, b"x" * (n % 97)) for n in range(1, 3001)) + b"open"
SEED = int(os.environ.get("WEIR_FAULT_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 31)


class Broken(Exception):
    """What a run has done that it must not do."""


class Pipeline:
    """One command, in a folder that is empty before each run. output() is what it has written."""

    state = False
    prefix = []  # what the command is run under

    def __init__(self, folder):
        self.folder = folder
        self.expected = DATA
        self.feed = os.path.join(folder, "..", os.path.basename(folder) + ".in")
        with open(self.feed, "wb") as file:
            file.write(DATA)
        self.prepare()

    def path(self, name):
        return os.path.join(self.folder, name)

    def prepare(self):
        pass

    def command(self):
        raise NotImplementedError

    def run(self, env):
        return weir(*self.command(), env=env, seconds=RUN_S, prefix=self.prefix)

    def output(self, run):
        del run
        try:
            with open(self.path("out"), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def close(self):
        os.unlink(self.feed)


class GenToFile(Pipeline):
    def prepare(self):
        self.expected = b"".join(b"%d\n" % n for n in range(11, 5001))

    def command(self):
        return ["gen 1..5000 | skip 10 | batch 100 | file " + self.path("out")]


class FileToStdout(Pipeline):
    def command(self):
        return [self.feed + " | queue 10 | grep \"x\""]

    def prepare(self):
        self.expected = b"".join(line + b"\n" for line in DATA.split(b"\n") if b"x" in line)

    def output(self, run):
        return run.out


class FileWithState(Pipeline):
    state = True

    def command(self):
        return [
            "--state",
            self.path("state"),
            "%s | queue | file %s" % (self.feed, self.path("out")),
        ]


class HttpWithState(Pipeline):
    state = True

    def prepare(self):
        # Every other connection breaks off, so that going on is among what may fail.
        script = ranged(DATA, drop=lambda c, first: first + 60000 if c.number % 2 else None)
        self.peer = Peer(script)

    def command(self):
        return [
            "--retry",
            "3",
            "--state",
            self.path("state"),
            "%s | queue | file %s" % (self.peer.url(), self.path("out")),
        ]

    def run(self, env):
        self.peer.connections.clear()
        return super().run(env)

    def close(self):
        super().close()
        try:
            self.peer.close()
        except AssertionError:
            pass  # a client that a fault has ended leaves things unread: no mistake of the peer's


class EventsWithState(HttpWithState):
    """An event stream: its server goes on behind the last id, and breaks off now and then."""

    COUNT = 400

    def prepare(self):
        self.expected = b"".join(b"event %d\n" % n for n in range(1, self.COUNT + 1))

        def script(connection):
            first = int(connection.request.headers.get("last-event-id", "0")) + 1
            last = min(first + 149, self.COUNT)
            if first > self.COUNT:
                connection.reply("204 No Content", length=False)
                return
            connection.stream(["Content-Type: text/event-stream"])
            body = "".join("id: %d\ndata: event %d\n\n" % (n, n) for n in range(first, last + 1))
            connection.chunk("retry: 1\n\n" + body + "id: 0\ndata: half")

        self.peer = Peer(script)

    def command(self):
        return [
            "--retry",
            "3",
            "--state",
            self.path("state"),
            "%s | sse | queue | file %s" % (self.peer.url(), self.path("out")),
        ]


class TailWithState(Pipeline):
    """A log, followed for so long that what has failed is tried again."""

    state = True

    def prepare(self):
        self.expected = DATA[: DATA.rindex(b"\n") + 1]

    def command(self):
        text = "tail %s from=start | file %s" % (self.feed, self.path("out"))
        return ["--for", "2500ms", "--state", self.path("state"), text]


class PackedToCsv(Pipeline):
    """Through a decoder, values, a row's text and an encoder."""

    def prepare(self):
        lines = b"".join(b'{"n":%d,"text":"%s"}\n' % (n, b"y" * (n % 50)) for n in range(1, 2001))
        self.feed += ".gz"
        with open(self.feed, "wb") as file:
            file.write(gzip.compress(lines))
        self.expected = b"".join(b"%d,%s\n" % (n, b"y" * (n % 50)) for n in range(2, 2001))

    def command(self):
        return ["%s | gunzip | lines | json | where .n > 1 | csv | file %s" % (self.feed, self.path("out"))]

    def close(self):
        super().close()
        os.unlink(self.feed[: -len(".gz")])


class FileToPost(Pipeline):
    """Batches to a server; what was sent again is there twice."""

    state = True

    def prepare(self):
        self.got = bytearray()
        self.expected = set(DATA.splitlines())

        def script(connection):
            head = bytearray()
            while b"\r\n\r\n" not in head:
                head += connection.socket.recv(65536) or b"\r\n\r\n"
            head, _, body = bytes(head).partition(b"\r\n\r\n")
            length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
            while length and len(body) < int(length[1]):
                piece = connection.socket.recv(65536)
                if not piece:
                    return
                body += piece
            if length:
                self.got += body
                connection.reply("204 No Content", length=False)

        self.peer = Peer(script, http=False)

    def command(self):
        text = "%s | batch 200 | post http://127.0.0.1:%d/" % (self.feed, self.peer.port)
        return ["--retry", "3", "--state", self.path("state"), text]

    def output(self, run):
        return set(bytes(self.got).splitlines())

    def run(self, env):
        if not os.path.exists(self.path("state")):
            self.got.clear()
        return super().run(env)

    def close(self):
        super().close()
        self.peer.close()


class _Receiver(Pipeline):
    """Pipelines whose output goes to a peer of ours: another one for each run, so that none takes
    what comes from a run before it."""

    sink = None
    path_of_sink = None

    def listen(self):
        if self.sink is not None:
            self.sink.close()
        if self.path_of_sink is not None and os.path.exists(self.path_of_sink):
            os.unlink(self.path_of_sink)
        done, got = threading.Event(), bytearray()

        def script(connection):
            try:
                while piece := connection.socket.recv(65536):
                    got.extend(piece)
            except ConnectionError:
                pass
            done.set()

        self.sink, self.done, self.got = Peer(script, http=False, path=self.path_of_sink), done, got

    def run(self, env):
        self.listen()
        return super().run(env)

    def output(self, run):
        if run.status == 0:
            self.done.wait(RUN_S)
        return bytes(self.got)

    def close(self):
        super().close()
        self.sink.close()


class HttpsToTcp(_Receiver):
    def prepare(self):
        self.certificates = Certificates()
        self.peer = Peer(ranged(DATA), certificates=self.certificates)

    def command(self):
        return [
            "--retry",
            "1",
            "--cacert",
            self.certificates.ca,
            "%s | tcp 127.0.0.1:%d once" % (self.peer.url(), self.sink.port),
        ]

    def close(self):
        super().close()
        self.peer.close()
        self.certificates.close()


class StdinToUnix(_Receiver):
    def prepare(self):
        self.path_of_sink = self.feed + ".sock"

    def command(self):
        return ["batch 50 within 20ms | unix %s once" % self.path_of_sink]

    def run(self, env):
        self.listen()
        return weir(*self.command(), env=env, seconds=RUN_S, stdin=DATA, prefix=self.prefix)

    def close(self):
        super().close()
        os.unlink(self.path_of_sink)


class ExecToExec(Pipeline):
    def command(self):
        return ["exec 'cat %s' | exec 'cat > %s'" % (self.feed, self.path("out"))]


class Demo(Pipeline):
    """The server under faults: a request may fail, and the server ends at a signal all the same."""

    def prepare(self):
        self.expected = None

    def run(self, env):
        with Weir("demo", ":0", env=env) as run:
            first = run.read_line(RUN_S)
            base = run.read_line(RUN_S).split()[0].decode().rsplit("/", 1)[0] if first else None
            if base:
                subprocess.run(
                    ["curl", "-s", "-m", "2", base + "/lines?n=200", base + "/gzip?n=50"],
                    stdout=subprocess.DEVNULL,
                    check=False,
                )
            run.process.send_signal(15)
            run.process.stdout.close()
            run.process.stdout = None
            # Where the fault was that signals cannot be watched, SIGTERM does what it always does.
            run.killed = True
            ended = run.end(RUN_S)
            if ended.status == -15:
                ended.status = 0
            return ended


PIPELINES = {
    "gen_to_file": GenToFile,
    "file_to_stdout": FileToStdout,
    "file_with_state": FileWithState,
    "http_with_state": HttpWithState,
    "events_with_state": EventsWithState,
    "tail_with_state": TailWithState,
    "packed_to_csv": PackedToCsv,
    "file_to_post": FileToPost,
    "https_to_tcp": HttpsToTcp,
    "stdin_to_unix": StdinToUnix,
    "exec_to_exec": ExecToExec,
    "demo": Demo,
}


class Sweep:
    def __init__(self, name):
        self.name = name
        self.base = tempfile.mkdtemp(prefix="weir-fault-")
        self.folder = os.path.join(self.base, "run")
        os.mkdir(self.folder)
        self.pipeline = PIPELINES[name](self.folder)

    def fresh(self):
        shutil.rmtree(self.folder)
        os.mkdir(self.folder)

    def right(self, run):
        expected = self.pipeline.expected
        return expected is None or self.pipeline.output(run) == expected

    def once(self, variable, k):
        """One run with a fault; what it must not do is Broken."""
        self.fresh()
        try:
            run = self.pipeline.run({variable: str(k)})
        except AssertionError as wrong:
            raise Broken(str(wrong)) from None
        if run.status not in (0, 1, 2, 3, 4):
            raise Broken("%r" % run)
        if run.status == 0 and not self.right(run):
            raise Broken("status 0 and the wrong output: %r" % run)
        if run.status != 0 and not run.err.strip():
            raise Broken("status %d without a word" % run.status)
        if self.pipeline.state:
            again = self.pipeline.run({})
            if again.status != 0 or not self.right(again):
                raise Broken("the run after it: %r\nafter: %r" % (again, run))
        return run.status

    def count(self):
        """How many points a run reaches, as far as it can be told from outside."""

        def matters(k):
            try:
                return self.once("WEIR_FAULT_FROM", k) != 0
            except Broken:
                return True

        if not matters(1):
            raise Broken("no fault is felt: is WEIR_FAULT_FROM known?")
        low, high = 1, 2
        while matters(high):
            low, high = high, high * 2
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if matters(middle) else (low, middle)
        return low

    def run(self):
        passed = failed = 0
        if self.once("WEIR_FAULT_AT", NEVER) != 0:
            raise Broken("it fails without a fault")
        last = self.count()
        # The last points are releases whose failure may change nothing.
        points = list(range(1, last + 11))
        if len(points) > POINTS_MAX:
            middle = random.Random(SEED).sample(points[EDGE:-EDGE], POINTS_MAX - 2 * EDGE)
            points = points[:EDGE] + sorted(middle) + points[-EDGE:]
        rest = points if LONG else random.Random(SEED).sample(points, min(FROM_MAX, len(points)))
        survived = 0
        for variable, k in [("WEIR_FAULT_AT", k) for k in points] + [("WEIR_FAULT_FROM", k) for k in sorted(rest)]:
            try:
                survived += self.once(variable, k) == 0
                passed += 1
            except Broken as broken:
                failed += 1
                print(
                    "FAILED: %s, %s=%d: %s\n  %s"
                    % (self.name, variable, k, broken, " ".join(map(repr, self.command_text()))),
                    flush=True,
                )
        print(
            "%s: %d points of %d, %d of them with all later ones; %d survived, seed %d"
            % (self.name, len(points), last, len(rest), survived, SEED)
        )
        return passed, failed

    def command_text(self):
        try:
            return self.pipeline.command()
        except NotImplementedError:
            return ["demo"]

    def close(self):
        self.pipeline.close()
        shutil.rmtree(self.base, ignore_errors=True)


def main():
    passed = failed = 0
    for name in [word for word in sys.argv[1:] if word != "--long"] or PIPELINES:
        sweep = Sweep(name)
        try:
            good, bad = sweep.run()
            passed, failed = passed + good, failed + bad
        except Broken as broken:
            failed += 1
            print("FAILED: %s: %s" % (name, broken))
        sweep.close()
    print("fault: %d passed, %d failed" % (passed, failed), flush=True)
    os._exit(1 if failed else 0)


if __name__ == "__main__":
    main()
