#!/usr/bin/env python3
"""tcp-listen, tls-listen and unix-listen against sockets of python, socat and openssl: every line of
every peer comes, in the order of its peer, whatever the other peers do.
"""

import json
import os
import re
import select
import signal
import socket
import ssl
import struct
import subprocess
import threading

import e2e_support
from e2e_peers import Certificates
from e2e_support import Weir, proc_status, wait_for, weir


def reset(connection):
    """Close with a RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class ListenCase(e2e_support.TestCase):
    def listens(self, *args, source="tcp-listen :0", rest="", **how):
        run = Weir(*args, source + rest, **how)
        self.addCleanup(run.__exit__)
        run.says("listening on ")
        found = re.search(r"listening on (?:(\S+):(\d+)|(\S+))\n", run.err)
        run.port = int(found.group(2)) if found.group(2) else 0
        return run

    def connect(self, run):
        connection = socket.create_connection(("127.0.0.1", run.port))
        self.addCleanup(connection.close)
        return connection

    def stop(self, run, status=0, *texts):
        run.process.send_signal(signal.SIGTERM)
        run = run.end()
        self.ends(run, status, *texts)
        return run


class Peers(ListenCase):
    def test_lines_of_200_peers_come_in_the_order_of_each(self):
        each = 200
        run = self.listens(rest=" | head %d" % (200 * each))

        def talk(number):
            with socket.create_connection(("127.0.0.1", run.port)) as connection:
                for n in range(each):
                    connection.sendall(b"%d %d\n" % (number, n))

        threads = [threading.Thread(target=talk, args=(n,)) for n in range(200)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        ended = run.end()
        self.ends(ended, 0)
        seen = {}
        for line in ended.out.splitlines():
            number, n = map(int, line.split())
            self.assertEqual(seen.get(number, 0), n)
            seen[number] = n + 1
        self.assertEqual(seen, {n: each for n in range(200)})

    def test_the_peer_is_in_meta(self):
        run = self.listens(rest=" | json | where .n > 0 | set .from = $meta.peer | head 1")
        connection = self.connect(run)
        connection.sendall(b'{"n":\n1}\n')
        ended = run.end()
        self.assertEqual(json.loads(ended.out)["from"], "127.0.0.1:%d" % connection.getsockname()[1])

    def test_records_know_their_peer(self):
        run = self.listens(rest=" | syslog | map {m: .message, p: $meta.peer} | head 2")
        connection = self.connect(run)
        connection.sendall(b"<13>Oct 11 22:14:15 host app: one\n33 <13>Oct 11 22:14:15 host app: two")
        ended = run.end()
        peer = "127.0.0.1:%d" % connection.getsockname()[1]
        self.assertEqual(
            [json.loads(line) for line in ended.out.splitlines()],
            [{"m": "one", "p": peer}, {"m": "two", "p": peer}],
        )

    def test_each_connection_has_its_own_header(self):
        run = self.listens(rest=" | csv header | ndjson")
        a, b = self.connect(run), self.connect(run)
        for connection, rows, got in (
            (a, b"x,y\n1,2\n", {"x": "1", "y": "2"}),
            (b, b"p,q\n3,4\n", {"p": "3", "q": "4"}),
            (a, b"5,6\n", {"x": "5", "y": "6"}),
            (b, b"7,8\n", {"p": "7", "q": "8"}),
        ):
            connection.sendall(rows)
            self.assertEqual(json.loads(run.read_line()), got)
        for number in range(100):
            with socket.create_connection(("127.0.0.1", run.port)) as out:
                out.sendall(b"n%d\n%d\n" % (number, number))
            self.assertEqual(json.loads(run.read_line()), {"n%d" % number: str(number)})
        a.sendall(b"9,0\n")
        self.assertEqual(json.loads(run.read_line()), {"x": "9", "y": "0"})
        self.stop(run)

    def test_one_who_sends_without_pause_does_not_keep_others_waiting(self):
        run = self.listens()
        greedy, quiet = self.connect(run), self.connect(run)
        over = threading.Event()

        def flood():
            try:
                while not over.is_set():
                    greedy.sendall(b"x" * 99 + b"\n")
            except OSError:
                pass

        thread = threading.Thread(target=flood)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(over.set)
        quiet.sendall(b"me\n")
        before = 0
        for line in run.process.stdout:
            if line == b"me\n":
                break
            before += len(line)
        over.set()
        self.assertLess(before, 64 << 20)

    def test_half_a_line_at_the_end_is_given(self):
        run = self.listens(rest=" | head 2")
        connection = self.connect(run)
        connection.sendall(b"whole\nhalf")
        connection.shutdown(socket.SHUT_WR)
        ended = run.end()
        self.assertEqual(ended.out.rstrip(b"\n"), b"whole\nhalf")

    def test_a_reset_ends_its_peer_only(self):
        run = self.listens(rest=" | head 2")
        first, second = self.connect(run), self.connect(run)
        first.sendall(b"first\nhalf")
        self.assertEqual(run.read_line(), b"first")
        reset(first)
        run.says("Connection reset by peer after 10 bytes; an unfinished line of 4 bytes was not given")
        second.sendall(b"second\n")
        self.assertEqual(run.read_line(), b"second")
        self.ends(run.end(), 0)

    def test_a_silent_peer_is_closed(self):
        run = self.listens(source="tcp-listen :0 idle=50ms")
        connection = self.connect(run)
        self.assertEqual(connection.recv(1), b"")
        self.stop(run, 0, "no data for 50 ms")

    def test_above_the_limit_peers_wait(self):
        run = self.listens(source="tcp-listen :0 peers=2", rest=" | head 3")
        peers = [self.connect(run) for _ in range(3)]
        peers[0].sendall(b"a\n")
        peers[1].sendall(b"b\n")
        self.assertEqual({run.read_line(), run.read_line()}, {b"a", b"b"})
        peers[2].sendall(b"c\n")
        run.says("2 peers are connected, which is the limit")
        peers[0].close()
        self.assertEqual(run.read_line(), b"c")
        self.ends(run.end(), 0)

    def test_without_descriptors_it_waits_and_says_so_once(self):
        run = self.listens(prefix=("prlimit", "--nofile=24"), rest=" | head 40")
        peers = []
        for n in range(40):
            peers.append(self.connect(run))
            peers[-1].sendall(b"%d\n" % n)
        run.says("Too many open files; trying again")
        for peer in peers:
            peer.close()
        ended = run.end()
        self.assertEqual(sorted(map(int, ended.out.split())), list(range(40)))
        self.assertEqual(ended.err.count("Too many open files"), 1)

    def test_it_can_be_restarted_on_its_port(self):
        run = self.listens()
        connection = self.connect(run)
        connection.sendall(b"one\n")
        self.assertEqual(run.read_line(), b"one")
        self.stop(run)
        again = self.listens(source="tcp-listen :%d" % run.port, rest=" | head 1")
        self.connect(again).sendall(b"two\n")
        self.assertEqual(again.end().out, b"two\n")

    def test_a_port_in_use_is_named(self):
        run = self.listens()
        self.ends(weir("tcp-listen :%d" % run.port), 1, "listen on", "Address already in use")

    def test_it_listens_on_this_machine_only_unless_asked(self):
        run = self.listens()
        self.assertIn("listening on 127.0.0.1:", run.err)
        self.ends(weir("tcp-listen example.org:1"), 2, "0.0.0.0")
        self.assertIn("listening on 0.0.0.0:", self.listens(source="tcp-listen 0.0.0.0:0").err)


class Pressure(ListenCase):
    def test_a_slow_reader_stops_the_peers_and_no_memory_grows(self):
        run = self.listens("--mem", "8MiB")
        line = b"y" * 999 + b"\n"
        peers = [self.connect(run) for _ in range(4)]
        sent = 0
        for peer in peers:
            peer.setblocking(False)
        while select.select([], peers, [], 0.5)[1]:
            for peer in peers:
                try:
                    sent += peer.send(line * 64)
                except BlockingIOError:
                    pass
        self.assertLess(sent, 200 << 20)
        if not e2e_support.SANITIZED:
            self.assertLess(proc_status(run.pid, "VmHWM"), 40 << 10)

        def drain():
            got = 0
            while got < sent:
                piece = os.read(run.process.stdout.fileno(), 1 << 20)
                if not piece:
                    break
                got += len(piece)
            return got

        self.assertEqual(drain(), sent)

    def test_what_was_read_is_given_at_a_stop(self):
        run = self.listens(rest=" | file %s" % self.path("out"))
        peers = [self.connect(run) for _ in range(20)]
        for n, peer in enumerate(peers):
            peer.sendall(b"".join(b"%d %d\n" % (n, i) for i in range(1000)) + b"half")
        wait_for(
            lambda: os.path.exists(self.path("out")) and self.read("out").count(b"\n") == 20000,
            "all lines",
        )
        ended = self.stop(run, 0, "stopped while 20 peers were inside an item: 80 bytes")
        self.assertEqual(self.read("out").count(b"\n"), 20000)
        self.assertIn("20 000", ended.err)

    def test_all_that_comes_out_at_a_stop_are_whole_lines(self):
        run = self.listens(rest=" | file " + self.path("out"))
        line = b"z" * 500 + b"\n"
        over = threading.Event()

        def flood(peer):
            try:
                while not over.is_set():
                    peer.sendall(line * 100)
            except OSError:
                pass

        threads = [threading.Thread(target=flood, args=(self.connect(run),)) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            wait_for(
                lambda: os.path.exists(self.path("out")) and os.path.getsize(self.path("out")) > 10 << 20,
                "10 MiB",
            )
            ended = self.stop(run)
        finally:
            over.set()
            for thread in threads:
                thread.join()
        out = self.read("out")
        count = len(out) // len(line)
        self.assertEqual(out, line * count)
        said = re.search(r"([0-9 ]+) in = ([0-9 ]+) out \+ 0 filtered \+ 0 rejected", ended.err)
        self.assertEqual([int(number.replace(" ", "")) for number in said.groups()], [count, count])


class Lies(ListenCase):
    def survives(self, rest, data, good, expected, status, *texts):
        """A peer that sends data, and one that sends good, of which expected comes."""
        run = self.listens(rest=rest)
        bad, other = self.connect(run), self.connect(run)
        other.sendall(good[:1])
        try:
            bad.sendall(data)
            bad.close()
        except OSError:
            pass
        for text in texts:
            run.says(text)
        other.sendall(good[1:])
        other.close()
        wait_for(lambda: select.select([run.process.stdout], [], [], 0)[0], "a line")
        got = b""
        while expected not in got:
            got += os.read(run.process.stdout.fileno(), 65536)
        self.stop(run, status)

    def test_an_endless_line(self):
        self.survives("", b"e" * (3 << 20), b"good\n", b"good\n", 0, "longer than the limit of 1048576")

    def test_nul_bytes(self):
        self.survives("", b"\0" * 100 + b"\n", b"good\n", b"good\n", 0)

    def test_a_syslog_message_of_10_gb(self):
        self.survives(
            " | syslog | map .message",
            b"9999999999 <13>" + b"x" * 100000,
            b"<13>Oct 11 22:14:15 h a: good\n",
            b'"good"\n',
            0,
            "longer than the limit of 1048576",
        )

    def test_a_syslog_length_without_a_space(self):
        self.survives(
            " | syslog | map .message",
            b"34<13>Oct 11 22:14:15 h a: bad\n",
            b"<13>Oct 11 22:14:15 h a: good\n",
            b'"good"\n',
            0,
        )

    def test_a_length_of_ten_times_ff(self):
        self.survives(
            " | varint", b"\xff" * 20, b"\x04good", b"good\n", 0, "the connection is closed"
        )

    def test_segments_of_one_byte(self):
        run = self.listens(rest=" | head 1")
        connection = self.connect(run)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"one by one\n":
            connection.sendall(bytes([byte]))
        self.assertEqual(run.end().out, b"one by one\n")


class Local(ListenCase):
    def test_lines_of_a_local_socket(self):
        path = self.path("s")
        run = self.listens(source="unix-listen " + path, rest=" | set .p = $meta.peer | head 1")
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        subprocess.run(
            ["socat", "-", "UNIX-CONNECT:" + path], input=b'{"a":1}\n', check=True, timeout=20
        )
        ended = run.end()
        self.assertIn(b'"uid %d"' % os.getuid(), ended.out.replace(b'"pid ', b'').replace(b"uid", b'"uid', 1))
        self.assertFalse(os.path.exists(path))

    def test_a_file_that_a_killed_run_has_left_is_replaced(self):
        path = self.path("s")
        run = self.listens(source="unix-listen %s mode=0660" % path)
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o660)
        run.kill()
        run.process.wait()
        self.assertTrue(os.path.exists(path))
        again = self.listens(source="unix-listen " + path, rest=" | head 1")
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(path)
            connection.sendall(b"here\n")
        self.assertEqual(again.end().out, b"here\n")

    def test_nothing_else_is_replaced(self):
        path = self.path("s")
        self.listens(source="unix-listen " + path)
        self.ends(weir("unix-listen " + path), 1, "another process listens there")
        plain = self.write("plain", b"text")
        self.ends(weir("unix-listen " + plain), 1, "which is no socket")
        self.assertEqual(self.read("plain"), b"text")


class Tls(ListenCase):
    @classmethod
    def setUpClass(cls):
        cls.certificates = Certificates()

    @classmethod
    def tearDownClass(cls):
        cls.certificates.close()

    def source(self, more=""):
        return "tls-listen :0 cert=%s key=%s%s" % (
            self.certificates.chain,
            self.certificates.key,
            more,
        )

    def context(self, client=False):
        context = ssl.create_default_context(cafile=self.certificates.ca)
        if client:
            context.load_cert_chain(self.certificates.chain, self.certificates.key)
        return context

    def wrap(self, run, client=False):
        made = self.context(client).wrap_socket(self.connect(run), server_hostname="localhost")
        self.addCleanup(made.close)
        return made

    def test_lines_over_tls(self):
        run = self.listens(source=self.source(), rest=" | head 20000")
        peers = [self.wrap(run) for _ in range(2)]
        for n in range(10):
            for peer in peers:
                peer.sendall(b"a line of text\n" * 1000)
        self.assertEqual(run.end().out, b"a line of text\n" * 20000)

    def test_openssl_s_client(self):
        run = self.listens(source=self.source(), rest=" | head 1")
        subprocess.run(
            ["openssl", "s_client", "-quiet", "-no_ign_eof", "-connect", "127.0.0.1:%d" % run.port],
            input=b"hello\n",
            capture_output=True,
            timeout=20,
            check=False,
        )
        self.assertEqual(run.end().out, b"hello\n")

    def test_plain_text_and_silence_disturb_nobody(self):
        run = self.listens(source=self.source(" peers=3"), rest=" | head 2")
        plain, silent = self.connect(run), self.connect(run)
        plain.sendall(b"not tls at all\n")
        good = self.wrap(run)
        good.sendall(b"one\n")
        self.assertEqual(run.read_line(), b"one")
        run.says("TLS with 127.0.0.1:")
        good.sendall(b"two\n")
        self.ends(run.end(), 0)
        silent.close()

    def test_handshakes_that_do_not_go_on_make_place(self):
        run = self.listens(source=self.source(" peers=2"), rest=" | head 1")
        for _ in range(4):
            self.connect(run)
        self.wrap(run).sendall(b"in the end\n")
        self.assertEqual(run.end(20).out, b"in the end\n")

    def test_only_clients_with_a_certificate(self):
        run = self.listens(source=self.source(" cacert=" + self.certificates.ca), rest=" | head 1")
        try:
            with self.wrap(run) as other:
                other.sendall(b"without\n")
                other.recv(1)
        except (ssl.SSLError, OSError):
            pass
        run.says("peer did not return a certificate")
        self.wrap(run, client=True).sendall(b"with\n")
        self.assertEqual(run.end().out, b"with\n")

    def test_a_missing_certificate_is_named(self):
        self.ends(weir("tls-listen :0 cert=/nowhere"), 2, "/nowhere")


if __name__ == "__main__":
    e2e_support.main()
