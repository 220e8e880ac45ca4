#!/usr/bin/env python3
"""syslog-listen: datagrams and connections at one port, from logger(1), python's SysLogHandler and
socat, beside each other; who has sent what; what is malformed, too long or dropped."""

import json
import logging
import logging.handlers
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading

import e2e_support
from e2e_peers import Certificates
from e2e_support import Weir, weir

PORT = re.compile(r"listening on \S+:(\d+)\n")
MESSAGE = b"<34>1 2003-10-11T22:14:15.003Z host su 7 ID47 - %b"


class SyslogCase(e2e_support.TestCase):
    def listens(self, rest="", source="syslog-listen :0", **how):
        run = Weir("-v", source + rest, **how)
        self.addCleanup(run.__exit__)
        run.says("receives datagrams at")
        run.port = int(PORT.search(run.err).group(1))
        return run

    def datagrams(self, run, *bodies):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.connect(("127.0.0.1", run.port))
            for body in bodies:
                out.send(body)
            return "127.0.0.1:%d" % out.getsockname()[1]

    def stream(self, run, data):
        with socket.create_connection(("127.0.0.1", run.port)) as out:
            out.sendall(data)
            return "127.0.0.1:%d" % out.getsockname()[1]

    def drain(self, run, status=0, *texts):
        run.process.send_signal(signal.SIGTERM)
        ended = run.end()
        self.ends(ended, status, *texts)
        return ended


class Messages(SyslogCase):
    WHO = " | map {m: .message, peer: $meta.peer, host: $meta.host}"

    def test_datagrams_and_connections_come_at_one_port(self):
        run = self.listens(self.WHO)
        self.assertIn("receives datagrams at 127.0.0.1:%d\n" % run.port, run.err)
        sent = {}
        for name, send in (("datagram", self.datagrams), ("line", self.stream)):
            sent[name] = send(run, MESSAGE % name.encode() + b"\n")
            got = json.loads(run.read_line())
            self.assertEqual(got, {"m": name, "peer": sent[name], "host": "127.0.0.1"})
        counted = MESSAGE % b"two\nlines"
        peer = self.stream(run, b"%d %b" % (len(counted), counted))
        self.assertEqual(json.loads(run.read_line()), {"m": "two\nlines", "peer": peer, "host": "127.0.0.1"})
        self.assertRegex(self.drain(run).err, r"3 in = 3 out")

    def test_logger_is_understood_each_way(self):
        logger = shutil.which("logger")
        self.assertIsNotNone(logger, "logger of bsdutils")
        run = self.listens(" | map [.message, .app, .severity]")
        for number, how in enumerate((["-d"], ["-T"], ["-T", "--octet-count"], ["-d", "--rfc3164"])):
            text = "by logger, %d" % number
            subprocess.run([logger, "-n", "127.0.0.1", "-P", str(run.port), *how, "-t", "tag", "-p", "user.err", text],
                           check=True, timeout=20)
            self.assertEqual(json.loads(run.read_line()), [text, "tag", 3])
        self.drain(run)

    def test_python_is_understood_each_way(self):
        run = self.listens(" | map [.severity, .message // .]")
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            handler = logging.handlers.SysLogHandler(("127.0.0.1", run.port), socktype=kind)
            handler.append_nul = False
            handler.setFormatter(logging.Formatter("%(message)s\n"))
            handler.emit(logging.makeLogRecord({"msg": "hello", "levelno": logging.WARNING, "levelname": "WARNING"}))
            handler.close()
            self.assertEqual(json.loads(run.read_line()), [4, "hello"])
        self.drain(run)

    def test_many_of_both_come_in_the_order_of_each(self):
        each, peers = 300, 6
        run = self.listens(" | map [$meta.peer, .message]")
        sent = {}

        def talk(number):
            bodies = [MESSAGE % b"%d" % n for n in range(each)]
            if number % 2 == 0:
                name = self.datagrams(run, *bodies)
            else:
                name = self.stream(run, b"".join(body + b"\n" for body in bodies))
            sent[name] = 0

        threads = [threading.Thread(target=talk, args=(n,)) for n in range(peers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for _ in range(each * peers):
            peer, number = json.loads(run.read_line())
            self.assertEqual(int(number), sent[peer])
            sent[peer] += 1
        self.assertEqual(set(sent.values()), {each})
        self.drain(run)

    def test_a_connection_over_tls(self):
        certificates = Certificates()
        self.addCleanup(certificates.close)
        run = self.listens(" | map [.message]", "syslog-listen :0 cert=%s key=%s" % (certificates.chain, certificates.key))
        context = ssl.create_default_context(cafile=certificates.ca)
        with socket.create_connection(("127.0.0.1", run.port)) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as out:
                out.sendall(MESSAGE % b"secret" + b"\n")
                self.assertEqual(json.loads(run.read_line()), ["secret"])
        self.datagrams(run, MESSAGE % b"in the clear")
        self.assertEqual(json.loads(run.read_line()), ["in the clear"])
        self.drain(run)


class Wrong(SyslogCase):
    def test_what_is_no_message_is_rejected_wherever_it_comes_from(self):
        run = self.listens(" | map .message")
        self.datagrams(run, b"nonsense", MESSAGE % b"one")
        self.assertEqual(run.read_line(), b'"one"')
        self.stream(run, b"nonsense\n" + MESSAGE % b"two" + b"\n")
        self.assertEqual(run.read_line(), b'"two"')
        self.assertRegex(self.drain(run).err, r"4 in = 2 out \+ 0 filtered \+ 2 rejected")

    def test_what_is_too_long_is_rejected_wherever_it_comes_from(self):
        run = self.listens(" | map .message", "syslog-listen :0 max=100B")
        self.datagrams(run, MESSAGE % (b"x" * 100), MESSAGE % b"one")
        self.assertEqual(run.read_line(), b'"one"')
        self.stream(run, MESSAGE % (b"x" * 100) + b"\n" + MESSAGE % b"two" + b"\n")
        self.assertEqual(run.read_line(), b'"two"')
        self.assertRegex(self.drain(run).err, r"4 in = 2 out \+ 0 filtered \+ 2 rejected")

    def test_what_the_kernel_drops_is_in_the_ledger(self):
        sent = 5000
        run = self.listens("", "syslog-listen :0 buffer=64KiB")
        self.datagrams(run, *[MESSAGE % (b"%08d" % n + b"." * 900) for n in range(sent)])
        ended = self.drain(run, 0, "the kernel drops datagrams")
        taken, dropped = re.search(r"([\d ]+) in = .* \+ ([\d ]+) dropped", ended.err).groups()
        self.assertEqual(int(taken.replace(" ", "")), sent)
        self.assertEqual(int(dropped.replace(" ", "")), sent - len(ended.out.splitlines()))

    def test_a_port_in_use_ends_it_whichever_it_is(self):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            with socket.socket(socket.AF_INET, kind) as taken:
                taken.bind(("127.0.0.1", 0))
                if kind == socket.SOCK_STREAM:
                    taken.listen()
                port = taken.getsockname()[1]
                self.ends(weir("syslog-listen :%d" % port), 1, "Address already in use")

    def test_arguments_that_cannot_be_are_refused(self):
        self.ends(weir("check", "syslog-listen example.org:514"), 2, "not an address of this machine", "[::]:5514")
        self.ends(weir("check", "syslog-listen :514 key=./k.pem"), 2, "cert=")
        self.assertIn("nothing is encrypted", weir("explain", "syslog-listen 0.0.0.0:514").out.decode())


if __name__ == "__main__":
    e2e_support.main()
