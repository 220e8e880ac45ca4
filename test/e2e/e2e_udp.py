#!/usr/bin/env python3
"""Datagrams: from and to real sockets, the sender's address, what the kernel drops, and syslog by
`weir demo`."""

import json
import re
import signal
import socket
import struct

import e2e_support
from e2e_support import TestCase, Weir, weir

PORT = re.compile(r"receives datagrams at (\S+):(\d+)")


class Receiver(Weir):
    """A pipeline whose source is a UDP socket on a free port."""

    def __init__(self, source, stages="", *flags, **how):
        super().__init__("-v", *flags, source + stages, **how)
        self.says("receives datagrams at")
        self.port = int(PORT.search(self.err).group(2))

    def drain(self):
        """End it by a signal, with what its socket holds."""
        self.send(signal.SIGTERM)
        return self.end()


def counts(run):
    """The ledger of a run: in, out, filtered, rejected, dropped."""
    line = re.search(
        r"weir: ([\d ]+) in = ([\d ]+) out \+ ([\d ]+) filtered \+ ([\d ]+) rejected.*? \+ ([\d ]+) dropped",
        run.err,
    )
    return [int(number.replace(" ", "")) for number in line.groups()]


def sender(test, family=socket.AF_INET):
    made = socket.socket(family, socket.SOCK_DGRAM)
    test.addCleanup(made.close)
    return made


class Source(TestCase):
    BODIES = [b"hello", b"", b"a\0b", b"z" * 65507, b"y" * 3000, b"last\n"]

    def receives(self, source, family, host):
        with Receiver(source, " | ndjson") as run:
            out = sender(self, family)
            for body in self.BODIES:
                out.sendto(body, (host, run.port))
            got = [json.loads(run.read_line()) for _ in self.BODIES]
            ended = run.drain()
        self.ends(ended, 0)
        self.assertEqual([item["body"].encode() for item in got], self.BODIES)
        name = "[%s]" % host if ":" in host else host
        mine = "%s:%d" % (name, out.getsockname()[1])
        self.assertEqual({item["peer"] for item in got}, {mine})
        self.assertEqual({item["host"] for item in got}, {host})
        self.assertEqual(counts(ended), [6, 6, 0, 0, 0])

    def test_each_datagram_is_a_message_with_its_sender(self):
        self.receives("udp://:0", socket.AF_INET, "127.0.0.1")

    def test_the_same_over_ipv6(self):
        self.receives("udp://[::1]:0", socket.AF_INET6, "::1")

    def test_a_group_is_joined(self):
        with Receiver("udp://:0 group=239.7.7.7 interface=lo") as run:
            out = sender(self)
            out.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
            out.sendto(b"to nobody else", ("239.7.7.7", run.port))
            self.assertEqual(run.read_line(), b"to nobody else")
            sender(self).sendto(b"not for the group", ("127.0.0.1", run.port))
            self.ends(run.drain(), 0)

    def test_only_one_source_of_a_group_is_received(self):
        with Receiver("udp://:0 group=232.7.7.7 interface=lo source=127.0.0.2") as run:
            for host, body in (("127.0.0.1", b"other"), ("127.0.0.2", b"mine")):
                out = sender(self)
                out.bind((host, 0))
                out.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
                out.sendto(body, ("232.7.7.7", run.port))
            self.assertEqual(run.read_line(), b"mine")
            self.ends(run.drain(), 0)
        self.ends(weir("check", "udp://:0 source=127.0.0.2"), 2, "there is none", "$meta.host")

    def test_records_know_their_sender(self):
        with Receiver("udp://:0", " | syslog | set .from = $meta.peer") as run:
            senders = [sender(self), sender(self)]
            for number in range(6):
                senders[number // 2 % 2].sendto(b"<13>1 - - - - - - %d" % number, ("127.0.0.1", run.port))
            got = [json.loads(run.read_line()) for _ in range(6)]
            self.ends(run.drain(), 0)
        names = ["127.0.0.1:%d" % one.getsockname()[1] for one in senders]
        self.assertEqual([(item["message"], item["from"]) for item in got],
                         [(str(number), names[number // 2 % 2]) for number in range(6)])

    def test_netflow_tells_its_senders_apart(self):
        """Two exporters with one id: each has its own template."""
        with Receiver("udp://:0", " | netflow | where .octetDeltaCount != null | set .from = $meta.peer") as run:
            names = []
            for number, length in ((1, 4), (2, 8)):
                template = struct.pack(">HHHHHH", 0, 12, 256, 1, 1, length)
                flows = struct.pack(">HH", 256, 4 + 8) + (b"\0" * (length - 1) + bytes([number])) * (8 // length)
                out = sender(self)
                for part in (template, flows):
                    head = struct.pack(">HHIIII", 9, 1, 1000, 1700000000, 1, 7)
                    out.sendto(head + part, ("127.0.0.1", run.port))
                names.append("127.0.0.1:%d" % out.getsockname()[1])
            got = [json.loads(run.read_line()) for _ in range(3)]
            self.ends(run.drain(), 0)
        self.assertEqual([(item["octetDeltaCount"], item["from"]) for item in got],
                         [(1, names[0]), (1, names[0]), (2, names[1])])

    def test_longer_than_max_is_rejected_with_its_length(self):
        with Receiver("udp://:0 max=100B") as run:
            out = sender(self)
            out.sendto(b"x" * 101, ("127.0.0.1", run.port))
            out.sendto(b"short", ("127.0.0.1", run.port))
            self.assertEqual(run.read_line(), b"short")
            ended = run.drain()
        self.ends(ended, 0, "a datagram of 101 bytes, more than the limit of 100: skipped")
        self.assertEqual(counts(ended), [2, 1, 0, 1, 0])

    def test_what_a_slow_reader_loses_is_dropped_in_the_ledger(self):
        sent = 20000
        with Receiver("udp://:0 buffer=64KiB") as run:
            out = sender(self)
            for number in range(sent):  # nobody reads its standard output
                out.sendto(b"%08d" % number + b"." * 992, ("127.0.0.1", run.port))
            run.send(signal.SIGTERM)
            ended = run.end()
        lines = ended.out.splitlines()
        taken, given, filtered, rejected, dropped = counts(ended)
        self.ends(ended, 0, "the kernel drops datagrams")
        self.assertEqual(taken, sent)
        self.assertEqual(given, len(lines))
        self.assertEqual(dropped, sent - len(lines))
        self.assertGreater(dropped, 0)
        self.assertEqual((filtered, rejected), (0, 0))
        self.assertEqual(lines, sorted(lines))

    def test_sigterm_drains_what_the_socket_holds(self):
        with Receiver("udp://:0") as run:
            out = sender(self)
            run.process.send_signal(signal.SIGSTOP)
            for number in range(100):
                out.sendto(b"%d" % number, ("127.0.0.1", run.port))
            run.process.send_signal(signal.SIGTERM)
            run.process.send_signal(signal.SIGCONT)
            ended = run.end()
        self.ends(ended, 0)
        self.assertEqual(ended.out.split(), [b"%d" % number for number in range(100)])

    def test_port_in_use_is_told(self):
        taken = sender(self)
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        self.ends(weir("udp://:%d" % port), 1, "cannot receive there: :%d: Address already in use" % port)

    def test_explain_says_who_can_send_to_it(self):
        local = weir("explain", "udp://:5514 | syslog").out.decode()
        self.assertIn("only this machine can send to it", local)
        self.assertIn("best-effort", local)
        self.assertIn("other machines can send to it", weir("explain", "udp://[::]:5514").out.decode())


class Sink(TestCase):
    def test_each_item_is_a_datagram(self):
        to = sender(self)
        to.bind(("127.0.0.1", 0))
        to.settimeout(10)
        run = weir("gen 1..200 | udp localhost:%d" % to.getsockname()[1])
        self.ends(run, 0)
        self.assertEqual([to.recv(100) for _ in range(200)], [b"%d" % n for n in range(1, 201)])

    def test_too_large_is_rejected_with_its_length(self):
        to = sender(self)
        to.bind(("127.0.0.1", 0))
        to.settimeout(10)
        path = self.write("in", b"a" * 65508 + b"\n" + b"b" * 65507 + b"\n")
        run = weir("-v", "%s | udp 127.0.0.1:%d" % (path, to.getsockname()[1]))
        self.ends(run, 0, "65508 bytes: a datagram has at most 65507")
        self.assertEqual(to.recv(70000), b"b" * 65507)

    def test_refused_is_told_once_and_is_no_failure(self):
        closed = sender(self)
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        closed.close()
        run = weir("gen 1..1000 | udp 127.0.0.1:%d" % port)
        self.ends(run, 0, "a datagram was refused, nobody listens there")
        self.assertEqual(run.err.count("nobody listens"), 1)

    def test_unknown_host_is_no_connection(self):
        self.ends(weir("gen 1..3 | udp no-such-host.invalid:9"), 4, "no-such-host.invalid:9")


class Story(TestCase):
    """Network telemetry: syslog over UDP."""

    def test_errors_are_those_that_the_demo_has_sent(self):
        with Receiver("udp://:0", " | syslog | where .severity <= 3 | ndjson | file err.ndjson", cwd=self.folder) as run:
            demo = weir("demo", "--syslog", ":%d" % run.port, "--lines", "5000", "--rate", "20000", "--seed", "7")
            ended = run.drain()
        self.ends(demo, 0)
        self.ends(ended, 0)
        told = [int(n) for n in re.findall(r"severity \d \(\w+\): (\d+)", demo.out.decode())]
        self.assertEqual(sum(told), 5000)
        got = [json.loads(line)["severity"] for line in self.read("err.ndjson").splitlines()]
        self.assertEqual([got.count(n) for n in range(4)], told[:4])
        self.assertEqual(counts(ended), [5000, sum(told[:4]), 5000 - sum(told[:4]), 0, 0])

    def test_a_flood_is_counted_to_the_last(self):
        stages = " | syslog | where .severity <= 3 | null"
        with Receiver("udp://:0 buffer=4KiB", stages, "--strict") as run:
            demo = weir("demo", "--syslog", ":%d" % run.port, "--lines", "100000", "--rate", "10000000")
            ended = run.drain()
        self.ends(demo, 0)
        taken, given, filtered, rejected, dropped = counts(ended)
        self.assertEqual(taken, 100000)
        self.assertEqual(taken, given + filtered + rejected + dropped)
        self.assertEqual(rejected, 0)
        self.assertEqual(ended.status, 3 if dropped > 0 else 0)  # lost: an error where it is strict

    def test_the_demo_sends_only_where_it_can(self):
        self.ends(weir("demo", "--syslog", "no-such-host.invalid:9", "--lines", "1"), 1, "no-such-host.invalid")


if __name__ == "__main__":
    e2e_support.main()
