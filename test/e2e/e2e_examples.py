"""The example programs of apps/examples, against the demo feeds of the command.

WEIR_EXAMPLES is the folder they were built into (default: `examples` beside the command).
"""
import json
import os
import re
import socket
import struct
import subprocess
import threading

import e2e_support
from e2e_peers import Certificates, Peer, closed_port, listener
from e2e_support import PATIENCE_S, TestCase, Weir, look_for_reports, wait_for

EXAMPLES = os.environ.get("WEIR_EXAMPLES", os.path.join(os.path.dirname(e2e_support.BINARY), "examples"))

TALK = """send 10 before the first yield -> refused
next -> 0
send 10 -> 10
send 20 -> 30
reset
throw RESET -> 0
send 5 -> 5
clean-up at 5
close -> 0
"""
TRACE = ("-- a generator\n" + TALK + "-- through a delegation\n" + TALK + """-- an error that is not caught
next -> 0
clean-up at 0
throw FATAL -> ended
finish -> FATAL, by accumulate: boom
-- the value that a generator returns
next -> 0
send 7 -> 7
clean-up at 7
next -> -7
next -> ended
finish -> 0
""")


def example(name, *args, env=None):
    run = subprocess.run([os.path.join(EXAMPLES, name), *args], stdin=subprocess.DEVNULL, capture_output=True,
                         timeout=PATIENCE_S, check=False, env=dict(os.environ, **(env or {})))
    err = run.stderr.decode(errors="replace")
    look_for_reports(err)
    return e2e_support.Run(run.returncode, run.stdout, err)


class Examples(TestCase):
    def setUp(self):
        super().setUp()
        demo = Weir("demo", ":0", stdout=open(self.path("demo"), "wb"))
        self.addCleanup(demo.__exit__, None, None, None)
        found = wait_for(lambda: re.search(rb"http://127\.0\.0\.1:\d+", self.read("demo")), "the demo to listen")
        self.base = found.group().decode()

    def ask(self, *answers, certificates=None):
        """The run of `ask`, and what its peer was asked; a peer that has said all says goodbye."""
        asked = []

        def script(connection):
            lines = connection.socket.makefile("rb")
            for answer in answers:
                asked.append(lines.readline())
                connection.send(answer + "\n")
            asked.append(lines.read())
            connection.send("bye\n")
            if certificates:
                connection.socket = connection.socket.unwrap()

        peer = self.peer(Peer(script, http=False, certificates=certificates))
        env = {"SSL_CERT_FILE": certificates.ca} if certificates else None
        return example("ask", peer.address, "one", "two", env=env), asked

    def test_ask_reads_an_answer_for_each_request(self):
        run, asked = self.ask("ONE", "TWO")
        self.ends(run, 0)
        self.assertEqual(run.out, b"one -> ONE\ntwo -> TWO\nbye\n")
        self.assertEqual(asked, [b"one\n", b"two\n", b""])

    def test_ask_goes_on_reading_over_tls_behind_its_end(self):
        certificates = Certificates()
        self.addCleanup(certificates.close)
        run, asked = self.ask("ONE", "TWO", certificates=certificates)
        self.ends(run, 0)
        self.assertEqual(run.out, b"one -> ONE\ntwo -> TWO\nbye\n")
        self.assertEqual(asked, [b"one\n", b"two\n", b""])

    def test_ask_tells_that_nobody_answers(self):
        run = example("ask", "tcp://127.0.0.1:%d" % closed_port(self), "one")
        self.ends(run, 1, "refused")

    def test_accumulate_talks_to_its_generators(self):
        run = example("accumulate")
        self.ends(run, 0)
        self.assertEqual(run.out.decode(), TRACE)

    def test_the_readme_s_program_gives_three_long_lines(self):
        run = example("readme", self.base + "/feed.ndjson?rate=1000&bad=0")
        self.ends(run, 0)
        self.assertEqual(len(run.out.splitlines()), 3)
        self.assertGreater(min(len(line) for line in run.out.splitlines()), 120)

    def test_ship_sends_the_lines_that_hold_the_word(self):
        server, got = listener(), []
        self.addCleanup(server.close)

        def take():
            sock, _ = server.accept()
            with sock:
                got.append(b"".join(iter(lambda: sock.recv(65536), b"")))
        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        feed = self.base + "/lines?n=2000&size=60"
        run = example("ship", feed, "tcp://127.0.0.1:%d" % server.getsockname()[1], "99")
        thread.join(PATIENCE_S)
        lines = subprocess.run(["curl", "-sf", feed], capture_output=True, check=True).stdout.splitlines(True)
        wanted = [line for line in lines if b"99" in line]
        self.assertEqual(got[0], b"".join(wanted))
        self.ends(run, 0, "2000 in, %d delivered, %d filtered, 0 rejected" % (len(wanted), 2000 - len(wanted)))

    def test_ship_tells_that_nobody_listens(self):
        port = closed_port(self)
        run = example("ship", self.base + "/lines?n=5&size=60", "tcp://127.0.0.1:%d" % port, "")
        self.ends(run, 1, "ship: tcp://127.0.0.1:%d" % port, "refused")

    def test_fan_in_gives_every_line_of_every_feed(self):
        run = example("fan_in", "20", "nothing", *[self.base + "/lines?n=%d&size=30" % n for n in (300, 200, 100)])
        self.ends(run, 0)
        by_feed = {}
        for line in run.out.splitlines():
            feed, number = line.split()[:2]
            by_feed.setdefault(feed, []).append(int(number))
        self.assertEqual(sorted(by_feed.values(), key=len), [list(range(1, n + 1)) for n in (100, 200, 300)])

    def test_fan_in_ends_at_the_word(self):
        run = example("fan_in", "20", "{", self.base + "/slow", self.base + "/feed.ndjson?rate=50")
        self.ends(run, 0)
        self.assertIn(b"{", run.out.splitlines()[-1])
        self.assertEqual(run.err, "")

    def test_fan_in_ends_at_its_deadline(self):
        run = example("fan_in", "1", "nothing", self.base + "/feed.ndjson?rate=50")
        self.ends(run, 0, "the time is up")

    def test_fan_in_tells_which_feed_failed(self):
        run = example("fan_in", "20", "nothing", self.base + "/nowhere", self.base + "/feed.ndjson?rate=5")
        self.ends(run, 1, "/nowhere: 404")

    def test_large_shows_the_hosts_of_large_requests(self):
        with open(self.path("f"), "w", encoding="utf-8") as lines:
            lines.write('{"request":{"host":"a\\u0062","bytes":10,"sent":5}}\n{"request":{"host":"c","bytes":3}}\n'
                        '{"request":{"bytes":\n{"request":{"host":"d","bytes":7}}\n')
        run = example("large", self.path("f"), "7")
        self.ends(run, 0)
        self.assertEqual(run.out, b"ab 15\nd 7\n22 bytes\n")

    def test_large_tells_why_it_failed(self):
        self.ends(example("large", self.path("none"), "7"), 1, "large: ", "none")
        with open(self.path("f"), "w", encoding="utf-8") as lines:
            lines.write('{"request":{"host":"a","bytes":"many"}}\n')
        self.ends(example("large", self.path("f"), "7"), 1, "large: string", "cannot be added")

    def stream(self, *answers):
        """The URL of an event stream with these answers, and then 204."""
        left = list(answers)

        def script(connection):
            if left:
                connection.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + left.pop(0))
            else:
                connection.send("HTTP/1.1 204 No Content\r\n\r\n")

        self.server = self.peer(Peer(script))
        return self.server.url()

    def test_daily_has_each_event_in_the_file_of_its_day(self):
        url = self.stream('retry: 1\n\ndata: {"time_ms":1714521599000,"n":1}\n\ndata: {"time_ms":1714521600000,"n":2}\n\n',
                          'data: {"n":0}\n\ndata: {"time_ms":1714521599500,"n":3}\n\n')
        run = example("daily", url, self.path("d"))
        self.ends(run, 0, "an event without a time is left out")
        self.assertEqual(self.read("d-2024-04-30.ndjson"), b'{"time_ms":1714521599000,"n":1}\n{"time_ms":1714521599500,"n":3}\n')
        self.assertEqual(self.read("d-2024-05-01.ndjson"), b'{"time_ms":1714521600000,"n":2}\n')

    def test_tokens_prints_the_pieces_of_a_text(self):
        piece = 'data: {"choices":[{"delta":{"content":"%s"}}]}\n\n'
        url = self.stream('data: {"choices":[{"delta":{"role":"assistant"}}]}\n\n' + piece % "Hel" + piece % "lo,\\n\\u00e9"
                          + "data: [DONE]\n\n")
        run = example("tokens", url, env={"API_KEY": "s3cret"})
        self.ends(run, 0)
        self.assertEqual(run.out.decode(), "Hello,\n\u00e9\n")
        self.assertEqual(self.server.requests[0].headers["authorization"], "Bearer s3cret")
        run = example("tokens", self.stream(piece % "Hel"))
        self.ends(run, 1, "the text has no end")
        self.assertEqual(run.out, b"Hel\n")

    def test_errors_has_each_error_once_over_rotations_and_a_kill(self):
        log = self.path("log")

        def append(*lines):
            with open(log, "ab") as file:
                file.write(b"".join(b"%s\n" % line for line in lines))

        def begin():
            run = subprocess.Popen([os.path.join(EXAMPLES, "errors"), log, self.path("out"), self.path("state")],
                                   stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
            self.addCleanup(run.__exit__, None, None, None)
            return run

        def await_lines(count):
            wait_for(lambda: os.path.exists(self.path("out")) and self.read("out").count(b"\n") == count, "%d lines" % count)

        append(b"error 1", b"fine", b"error 2")
        run = begin()
        await_lines(2)
        append(b"error 3")
        os.rename(log, log + ".1")
        append(b"error 4", b"fine")
        await_lines(4)
        run.kill()
        run.wait()
        append(b"error 5")
        run = begin()
        await_lines(5)
        os.rename(log, log + ".1")
        append(b"error 6")
        await_lines(6)
        run.terminate()
        self.assertEqual(run.wait(PATIENCE_S), 0)
        look_for_reports(run.stderr.read().decode())
        self.assertEqual(sorted(self.read("out").splitlines()), [b"error %d" % n for n in range(1, 7)])

    def receiver(self, name, *args):
        """A program with a UDP socket on a free port: (run, what it says, send to it)."""
        run = subprocess.Popen([os.path.join(EXAMPLES, name), "udp://:0", *args], stdin=subprocess.DEVNULL,
                               stdout=open(self.path("out"), "wb"), stderr=open(self.path("err"), "wb"))
        self.addCleanup(run.__exit__, None, None, None)
        self.addCleanup(run.kill)
        found = wait_for(lambda: re.search(rb"receives datagrams at \S+:(\d+)", self.read("err")), "the program to receive")
        out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(out.close)
        return run, lambda data: out.sendto(data, ("127.0.0.1", int(found.group(1))))

    def stops(self, run, status, *says):
        run.terminate()
        self.assertEqual(run.wait(PATIENCE_S), status)
        err = self.read("err").decode()
        look_for_reports(err)
        for text in says:
            self.assertIn(text, err)

    def syslog(self, status="200 OK", *args):
        """The program `syslog`, with a server that answers so: (run, send to it, the requests' bodies)."""
        bodies = []

        def script(connection):
            bodies.append(connection.body())
            connection.reply(status)

        return (*self.receiver("syslog", self.path("f"), self.peer(Peer(script)).url(), *args), bodies)

    def lines_of(self, name, count):
        return wait_for(lambda: os.path.exists(self.path(name)) and self.read(name).count(b"\n") == count
                        and self.read(name).splitlines(True), "%d lines of %s" % (count, name))

    def test_syslog_has_each_message_in_both_places(self):
        run, send, bodies = self.syslog()
        for number in range(3):
            send(b"<13>1 2024-05-01T12:00:00Z host app - - - message %d" % number)
        lines = self.lines_of("f", 3)
        self.assertEqual([json.loads(line)["message"] for line in lines], ["message %d" % number for number in range(3)])
        wait_for(lambda: b"".join(bodies) == b"".join(lines), "the requests")
        send(b"<13>1 2024-05-01T12:00:00Z host app - - - last")
        self.stops(run, 0, "syslog: udp: receives datagrams")
        self.assertEqual(b"".join(bodies), b"".join(self.lines_of("f", 4)))

    def test_syslog_writes_its_file_while_the_server_is_away(self):
        port = closed_port(self)
        run, send = self.receiver("syslog", self.path("f"), "http://127.0.0.1:%d/" % port, "alone")
        send(b"<13>one")
        wait_for(lambda: b"refused" in self.read("err"), "the failure")
        send(b"<13>two")
        self.lines_of("f", 2)
        send(b"<13>three")
        self.lines_of("f", 3)
        self.stops(run, 1)

    def test_syslog_ends_when_the_server_refuses(self):
        run, send, _ = self.syslog("403 Forbidden")
        send(b"<13>one")
        wait_for(lambda: b"403" in self.read("err"), "the refusal")
        send(b"<13>two")
        self.assertEqual(run.wait(PATIENCE_S), 1)

    def test_flows_gives_those_of_one_host(self):
        def flow(source, target, port):
            return (socket.inet_aton(source) + socket.inet_aton(target) + b"\0" * 8 + struct.pack(">IIII", 3, 1500, 0, 0)
                    + struct.pack(">HHBBBBHHBBH", port, 443, 0, 0, 6, 0, 0, 0, 0, 0, 0))

        flows = [flow("192.0.2.1", "192.0.2.9", 1), flow("192.0.2.3", "192.0.2.4", 2), flow("192.0.2.5", "192.0.2.1", 3)]
        run, send = self.receiver("flows", "192.0.2.1")
        send(struct.pack(">HHIIIIBBH", 5, len(flows), 1000, 1714564800, 0, 0, 0, 0, 0) + b"".join(flows))
        rows = self.lines_of("out", 3)
        self.assertEqual(rows, [
            b"time,from,from_port,to,to_port,protocol,packets,bytes\n",
            b"2024-05-01T12:00:00Z,192.0.2.1,1,192.0.2.9,443,6,3,1500\n",
            b"2024-05-01T12:00:00Z,192.0.2.5,3,192.0.2.1,443,6,3,1500\n"])
        self.stops(run, 0)

    def test_crawl_reads_each_page_once_over_two_runs(self):
        site = {"/": '<a href="/b">b</a> <a href="/c">c</a><a href="/">here</a> <a href="mailto:x">', "/b": '<a href="%s/d">',
                "/c": '<a href="/gone">\n<a href="/b">', "/d": "nothing", "/e": ""}

        def script(connection):
            page = site.get(connection.request.target)
            head = "HTTP/1.1 %s\r\nConnection: close\r\n\r\n" % ("200 OK" if page is not None else "404 Not Found")
            connection.send(head + (page or "") + "\n")

        one, two = self.peer(Peer(script)), self.peer(Peer(script, host="127.0.0.2"))
        site["/b"] = site["/b"] % two.url("").rstrip("/")
        run = example("crawl", self.path("seen"), one.url("/"))
        self.ends(run, 0, "404")
        self.assertEqual(sorted(request.target for request in one.requests), ["/", "/b", "/c", "/gone"])
        self.assertEqual([request.target for request in two.requests], ["/d"])
        self.assertEqual(len(self.read("seen").splitlines()), 5)
        site["/"] += '<a href="/e">'
        self.ends(example("crawl", self.path("seen"), one.url("/")), 0)
        self.assertEqual([request.target for request in one.requests[4:]], ["/", "/e"])


if __name__ == "__main__":
    e2e_support.main()
