#!/usr/bin/env python3
"""What weir writes is what was sent, byte for byte, wherever it comes from and goes to.

One set of files holds lines of every length from 0 to 5,000 and around each multiple of 4,096 up to
70,000, so that line ends fall on, before and behind the edge of every buffer on the way.
"""

import gzip
import os
import random
import socket
import subprocess
import tempfile
import shutil
import zlib

import e2e_support
from e2e_peers import Certificates, Nginx, Peer, Socat
from e2e_support import Weir, sha256, sha256_of, weir

LENGTHS = (
    list(range(5001)) + [4096 * k + d for k in range(1, 18) for d in (-2, -1, 0, 1, 2)] + [70000]
)
LETTERS = bytes(range(33, 127)) * 750


def lines_of(lengths, end):
    return b"".join(LETTERS[n % 61 : n % 61 + n] + end for n in lengths)


def make_files(folder):
    rng = random.Random(20)
    mixed = LENGTHS[:]
    rng.shuffle(mixed)
    lf, crlf = lines_of(LENGTHS, b"\n"), lines_of(LENGTHS, b"\r\n")
    files = {
        "lf": lf,
        "lf-open": lf[:-1],
        "crlf": crlf,
        "crlf-open": crlf[:-2],
        "crlf-cut": crlf[:-1],
        "mixed": b"".join(LETTERS[:n] + rng.choice((b"\n", b"\r\n")) for n in mixed),
        "empty": b"",
        "one-lf": b"\n",
        "one-crlf": b"\r\n",
        "one-cr": b"\r",
        "one-byte": b"x",
        "open": b"no end",
        "empty-lines": b"\n\r\n\n\n\r\n" * 30000,
        "lone-crs": b"a\rb\r\r\nc\r\n\rd\n\r" * 20000 + b"\r",
        "nuls": b"\0\0\n\0a\0\r\0\n" * 20000 + b"\0",
        "binary": rng.randbytes(3000000),
        "wide": b"one\n" + LETTERS * 45 + b"\r\n" + LETTERS * 30 + b"\r\ntwo\n" + LETTERS * 20,
    }
    for name, data in files.items():
        with open(os.path.join(folder, name), "wb") as file:
            file.write(data)
    return files


class Exact(e2e_support.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = tempfile.mkdtemp(prefix="weir-e2e-root-")
        os.chmod(cls.root, 0o755)
        cls.files = make_files(cls.root)
        cls.certificates = Certificates()
        cls.nginx = Nginx(cls.root, cls.certificates)

    @classmethod
    def tearDownClass(cls):
        cls.nginx.close()
        cls.certificates.close()
        shutil.rmtree(cls.root)

    def each(self, names=None):
        """Name, path and content of these files, or of all."""
        return [
            (name, os.path.join(self.root, name), self.files[name]) for name in names or self.files
        ]

    def same(self, name, got, expected):
        self.assertEqual((name, len(got), sha256(got)), (name, len(expected), sha256(expected)))

    def test_plain_http_gives_what_curl_gives(self):
        for name, _, _ in self.each():
            url = self.nginx.url("/" + name)
            self.assertEqual(
                (name, sha256_of(e2e_support.BINARY, url)), (name, sha256_of("curl", "-sf", url))
            )

    def test_https_gives_what_curl_gives(self):
        for name, _, _ in self.each():
            command = ["--cacert", self.certificates.ca, self.nginx.tls_url("/" + name)]
            self.assertEqual(
                (name, sha256_of(e2e_support.BINARY, *command)),
                (name, sha256_of("curl", "-sf", *command)),
            )

    def test_standard_input_passes_unchanged_from_a_file(self):
        for name, path, expected in self.each():
            with open(path, "rb") as file:
                self.same(name, weir("-", stdin=file).out, expected)

    def test_standard_input_passes_unchanged_from_a_pipe(self):
        for name, _, expected in self.each():
            self.same(name, weir(stdin=self.files[name]).out, expected)

    def test_a_file_passes_unchanged(self):
        for name, path, expected in self.each():
            self.same(name, weir(path).out, expected)

    def test_a_tcp_stream_passes_unchanged(self):
        for name, path, expected in self.each(
            ["lf-open", "crlf", "crlf-cut", "binary", "lone-crs", "empty", "nuls"]
        ):
            socat = Socat("OPEN:%s,rdonly" % path, "TCP-LISTEN:0,bind=127.0.0.1")
            self.addCleanup(socat.close)
            self.same(name, weir("tcp://127.0.0.1:%d" % socat.port).out, expected)

    def test_a_unix_stream_passes_unchanged(self):
        for name, path, expected in self.each(["lf", "crlf-open", "mixed", "empty"]):
            address = self.path(name + ".sock")
            socat = Socat("OPEN:%s,rdonly" % path, "UNIX-LISTEN:" + address)
            self.addCleanup(socat.close)
            self.same(name, weir("unix:" + address).out, expected)

    def test_a_file_sink_writes_the_same(self):
        for name, path, expected in self.each():
            run = weir("%s | file %s" % (path, self.path(name)))
            self.ends(run, 0)
            self.same(name, self.read(name), expected)

    def test_a_file_sink_appends(self):
        self.write("out", "before\n")
        self.ends(weir("gen 1..3 | file " + self.path("out")), 0)
        self.assertEqual(self.read("out"), b"before\n1\n2\n3\n")

    def test_a_tcp_sink_sends_the_same(self):
        for name, path, expected in self.each(["lf", "crlf-cut", "binary"]):
            socat = Socat("TCP-LISTEN:0,bind=127.0.0.1", "CREATE:" + self.path(name))
            self.addCleanup(socat.close)
            self.ends(weir("%s | tcp 127.0.0.1:%d" % (path, socat.port)), 0)
            socat.wait()
            self.same(name, self.read(name), expected)

    def test_a_unix_sink_sends_the_same(self):
        for name, path, expected in self.each(["crlf", "nuls"]):
            address = self.path(name + ".sock")
            socat = Socat("UNIX-LISTEN:" + address, "CREATE:" + self.path(name))
            self.addCleanup(socat.close)
            self.ends(weir("%s | unix %s" % (path, address)), 0)
            socat.wait()
            self.same(name, self.read(name), expected)

    def test_sockets_as_standard_input_and_output_carry_the_same(self):
        for name, _, expected in self.each(["mixed", "binary"]):
            left, right = socket.socketpair()
            with left, open(os.path.join(self.root, name), "rb") as file:
                with Weir("-", stdin=file, stdout=right) as run:
                    right.close()
                    got = b"".join(iter(lambda: left.recv(65536), b""))
                    self.ends(run.end(), 0)
            self.same(name, got, expected)

    def test_queues_and_batches_between_change_nothing(self):
        for name, path, expected in self.each(["lf-open", "crlf", "binary", "empty-lines"]):
            for stages in ("queue", "queue 1", "queue 7 1KiB | queue 3", "skip 0 | queue | skip 0"):
                run = weir("%s | %s" % (path, stages))
                self.ends(run, 0)
                self.same(name + " | " + stages, run.out, expected)

    def test_a_chunked_body_passes_unchanged_however_it_is_cut(self):
        data = self.files["mixed"][:400000]
        for seed in range(6):
            rng = random.Random(seed)

            def script(connection, rng=rng):
                connection.stream()
                at = 0
                while at < len(data):
                    size = rng.choice((1, 2, 3, 17, 4095, 4096, 4097, 16384, 70000))
                    connection.chunk(data[at : at + size])
                    at += size
                connection.send("0\r\n\r\n")

            run = weir(self.peer(Peer(script)).url())
            self.ends(run, 0)
            self.same("seed %d" % seed, run.out, data)

    def test_a_body_ended_by_the_connection_passes_unchanged(self):
        data = self.files["crlf-cut"][:300000]
        peer = self.peer(Peer(lambda connection: connection.reply(body=data, length=False)))
        self.same("body", weir(peer.url()).out, data)

    def test_files_behind_the_text_come_one_after_another(self):
        names = ["lf-open", "empty", "crlf", "open"]
        run = weir("skip 0", *[os.path.join(self.root, name) for name in names])
        self.ends(run, 0)
        # A file that ends within a line ends that line: the next file begins one of its own.
        ended = [self.files[name] for name in names]
        ended[0] += b"\n"
        self.same("files", run.out, b"".join(ended))

    def test_unasked_gzip_is_decoded(self):
        data = self.files["mixed"][:2000000]
        bodies = {"gzip": gzip.compress(data, 6), "deflate": zlib.compress(data)}
        bodies["x-gzip"] = gzip.compress(data[:999999]) + gzip.compress(data[999999:])
        for coding, body in bodies.items():
            with self.subTest(coding=coding):
                peer = self.peer(
                    Peer(
                        lambda c, b=body, e=coding: c.reply(
                            headers=["Content-Encoding: " + e], body=b
                        )
                    )
                )
                run = weir(peer.url())
                self.ends(run, 0)
                self.same(coding, run.out, data)
                self.assertEqual(peer.requests[0].headers.get("accept-encoding"), "identity")

    def test_an_empty_body_is_a_success_without_output(self):
        run = weir("-v", self.nginx.url("/empty"))
        self.ends(run, 0, "0 in = 0 out")
        self.assertEqual(run.out, b"")

    def test_no_content_is_a_success_without_output(self):
        run = weir(self.peer(Peer(lambda c: c.reply("204 No Content", length=False))).url())
        self.ends(run, 0)
        self.assertEqual(run.out, b"")

    def test_a_python_server_gives_what_curl_gives(self):
        server = subprocess.Popen(
            [
                "python3",
                "-u",
                "-c",
                "import http.server, socketserver, sys\n"
                "class S(socketserver.ThreadingMixIn, http.server.HTTPServer):\n"
                "    daemon_threads = True\n"
                "s = S(('127.0.0.1', 0), http.server.SimpleHTTPRequestHandler)\n"
                "print(s.server_port, flush=True)\ns.serve_forever()",
            ],
            cwd=self.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        self.addCleanup(server.stdout.close)
        port = int(server.stdout.readline())
        for name in ("lf", "crlf-open", "binary", "empty"):
            url = "http://127.0.0.1:%d/%s" % (port, name)
            self.assertEqual(
                (name, sha256_of(e2e_support.BINARY, url)), (name, sha256_of("curl", "-sf", url))
            )


if __name__ == "__main__":
    e2e_support.main()
