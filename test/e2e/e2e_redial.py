"""tcp, tls and unix sinks connect again when the connection is lost."""

import os
import socket
import struct
import threading

import e2e_support
from e2e_support import Weir, weir

LINES = 200000


class Far:
    """A peer that takes some bytes of each connection and resets it; the last one it reads to its end."""

    def __init__(self, takes, pause_s=0):
        self.takes = takes
        self.pause_s = pause_s
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.got = []
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _listens_again(self):
        self.listener = socket.create_server(("127.0.0.1", self.port))

    def _run(self):
        for limit in self.takes + [None]:
            connection = self.listener.accept()[0]
            self.listener.close()
            connection.settimeout(e2e_support.PATIENCE_S)
            got = bytearray()
            while limit is None or len(got) < limit:
                piece = connection.recv(65536)
                if not piece:
                    break
                got += piece
            self.got.append(bytes(got))
            if limit is not None:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
            if limit is not None:
                threading.Event().wait(self.pause_s)
                self._listens_again()

    def ends(self):
        self.thread.join(e2e_support.PATIENCE_S)
        self.listener.close()
        return self.got


class Redial(e2e_support.TestCase):
    def test_a_peer_that_restarts_gets_the_rest_from_the_beginning_of_a_line(self):
        far = Far([3000, 100000, 400000], 0.3)
        run = weir("gen 1..%d | tcp 127.0.0.1:%d" % (LINES, far.port))
        self.ends(run, 0, "retry 1 in", "connected again after", "a gap or repeats are possible")
        got = far.ends()
        self.assertEqual(len(got), 4)
        for piece in got[1:]:
            numbers = [int(line) for line in piece.split(b"\n")[:-1]]
            self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers))))
        self.assertEqual(got[-1].split(b"\n")[-2], b"%d" % LINES)

    def test_attempts_have_a_limit(self):
        far = Far([1000], e2e_support.PATIENCE_S)
        run = weir("gen 1.. | tcp 127.0.0.1:%d retry=2" % far.port)
        self.ends(run, 3, "gave up after 2 retries", "bytes were not delivered")

    def test_a_first_connection_that_fails_is_final(self):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.ends(weir("gen 1..3 | tcp 127.0.0.1:%d" % port), 4, "refused")

    def test_a_signal_during_an_outage_ends_after_the_drain(self):
        far = Far([1000], e2e_support.PATIENCE_S)
        with Weir("--drain", "500ms", "gen 1.. | tcp 127.0.0.1:%d" % far.port) as run:
            run.says("retry 1 in")
            run.process.terminate()
            ended = run.end()
            self.ends(ended, 3)
            self.assertRegex(ended.err, "were not delivered|not drained")

    def test_a_local_peer_that_restarts_gets_what_it_had_not_read(self):
        path = self.path("socket")
        first = []

        def act():
            for again in (False, True):
                with socket.socket(socket.AF_UNIX) as listener:
                    listener.bind(path)
                    listener.listen(1)
                    connection = listener.accept()[0]
                    with connection, connection.makefile("rb") as lines:
                        if again:
                            first.append(lines.read())
                        else:
                            first.append(lines.readline())
                os.unlink(path)

        thread = threading.Thread(target=act, daemon=True)
        thread.start()
        e2e_support.wait_for(lambda: os.path.exists(path), "the socket")
        run = weir("gen 1..%d | unix %s" % (LINES, path))
        self.ends(run, 0, "connected again after")
        thread.join(e2e_support.PATIENCE_S)
        rest = first[1].split(b"\n")
        self.assertEqual(rest[-2], b"%d" % LINES)
        self.assertLessEqual(int(rest[0]), 20000)


if __name__ == "__main__":
    e2e_support.main()
