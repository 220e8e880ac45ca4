"""The examples of `weir help`: each is run as it is written, with small files and servers in the place of
those that it names, and its output is compared.

An example that begins with `gen` has its output in its descriptor, and the unit tests run it. A
component whose example is neither that nor in the tables below fails the test.
"""

import gzip
import http.server
import os
import re
import socket
import struct
import subprocess
import threading
import zlib

import e2e_support
from e2e_support import TestCase, weir

ACCESS = b"""10.0.0.1 - - [01/May/2024:10:00:00 +0000] "GET /index.html HTTP/1.1" 200 512 "-" "curl/8.5"
10.0.0.7 - ann [01/May/2024:10:00:01 +0000] "POST /login HTTP/1.1" 302 - "-" "Mozilla/5.0"
10.0.0.1 - - [01/May/2024:10:00:02 +0000] "GET /missing HTTP/1.1" 404 153 "-" "curl/8.5"
"""
GETS = b"".join(line for line in ACCESS.splitlines(True) if b"GET" in line)
APP = b'level=info msg="user \\"ann\\" logged in" cached\nlevel=error msg=slow ms=250\n'
METRICS = b"""# HELP http_requests_total Requests.
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027 1395066363000
up 1
"""


def ipfix(*flows):
    """A message of IPFIX: a template of source, destination, port and bytes, and its records."""
    fields = ((8, 4), (12, 4), (11, 2), (1, 4))
    template = struct.pack("!HH", 256, len(fields)) + b"".join(struct.pack("!HH", *field) for field in fields)
    records = b"".join(struct.pack("!4s4sHI", bytes([10, 0, 0, source]), bytes([10, 0, 0, 9]), port, octets)
                       for source, port, octets in flows)
    sets = b"".join(struct.pack("!HH", kind, 4 + len(data)) + data for kind, data in ((2, template), (256, records)))
    return struct.pack("!HHIII", 10, 16 + len(sets), 1714557600, 0, 7) + sets


FLOWS = ipfix((1, 443, 512), (2, 80, 99))
FLOWS_JSON = (
    b'{"type":"flow","version":10,"exportTime":"2024-05-01T10:00:00Z","observationDomainId":7,'
    b'"sourceIPv4Address":"10.0.0.1","destinationIPv4Address":"10.0.0.9","destinationTransportPort":443,'
    b'"octetDeltaCount":512}\n'
    b'{"type":"flow","version":10,"exportTime":"2024-05-01T10:00:00Z","observationDomainId":7,'
    b'"sourceIPv4Address":"10.0.0.2","destinationIPv4Address":"10.0.0.9","destinationTransportPort":80,'
    b'"octetDeltaCount":99}\n')


def recording(data):
    """What `weir record` makes of a stream of these bytes (lib/codec/codec_recording.h)."""

    def record(kind, content):
        head = kind + struct.pack("<I", len(content))[:3] + bytes(8)
        return head + struct.pack("<I", zlib.crc32(head + content)) + content

    return (b"weirrec1" + record(b"W", b"source stream\n") + record(b"D", data) + record(b"E", b"\1")
            + record(b"Z", bytes(9)))


def packed(program, data):
    return subprocess.run([program, "-c"], input=data, capture_output=True, check=True).stdout


# The files that the examples read, in the folder of the run and on the server.
FILES = {
    "access.log": ACCESS,
    "access.log.gz": gzip.compress(ACCESS),
    "access.log.zst": lambda: packed("zstd", ACCESS),
    "access.log.br": lambda: packed("brotli", ACCESS),
    "access.log.lz4": lambda: packed("lz4", ACCESS),
    "app.log": APP,
    "events.cbor": b'\xa1\x61n\x01\xa1\x61n\x02',
    "events.msgpack": b'\x81\xa1n\x01\x81\xa1n\x02',
    "events.ndjson": b'{"n":1}\n{"n":2}\n',
    "event.schema.json": b'{"properties":{"n":{"type":"integer","maximum":2}}}',
    "feed.ndjson": b'{"n":1}\n{"n":2}\n{"n":3}\n{"n":4}\n',
    "feed.wrec": recording(b'data: {"n":1}\n\ndata: {"n":2}\n\n'),
    "feed.sse": b"id: 1\ndata: login ann\n\nid: 2\ndata: logout ann\n\nid: 3\ndata: login bob\n\n",
    "flows.ipfix": FLOWS,
    "image.png": bytes(range(256)) * 4,
    "messages.pb": b"\x03one\x03two\x05three\x04four",
    "metrics": METRICS,
    "metrics.statsd": b"page.views:1|c\nload:0.5|g|#host:a\n",
    "metrics.txt": b"load=0.5 users=12\nload=0.7 users=13\n",
    "names.nul": b"a.log\0b.txt\0c d.log\0",
    "names.txt": b"ann\nb\xffob\neve\n",
    "packets.len32": struct.pack("!I", len(FLOWS)) + FLOWS,
    "points.txt": b"weather,city=Oslo temp=21.5,wind=3i 1465839830100400200\n",
    "rows.json": b'{"data":{"rows":[{"a":1},{"a":2}]}}',
    "samples.bin": b"".join(b"sample %09d" % n for n in range(1, 5)),
    "settings.txt": b"host: one, port: 80\n",
    "syslog.log": b"<34>1 2003-10-11T22:14:15.003Z host su - ID47 - failed\n<13>Oct 11 22:14:15 host cron[7]: run\n",
    "users.csv": b'id,name\n1,"Lee, Ann"\n2,Bob\n',
    "users.tsv": b"id\tname\n1\tAnn Lee\n2\tBob\n",
}

# What the examples print, or what is in the file that they write.
PRINTS = {
    'exec "seq 2"': b"1\n2\n",
    './access.log | clf': ACCESS,
    './access.log | clf | ndjson':
        b'{"remote":"10.0.0.1","time":"2024-05-01T10:00:00Z","method":"GET","path":"/index.html",'
        b'"protocol":"HTTP/1.1","status":200,"bytes":512,"agent":"curl/8.5"}\n'
        b'{"remote":"10.0.0.7","user":"ann","time":"2024-05-01T10:00:01Z","method":"POST","path":"/login",'
        b'"protocol":"HTTP/1.1","status":302,"agent":"Mozilla/5.0"}\n'
        b'{"remote":"10.0.0.1","time":"2024-05-01T10:00:02Z","method":"GET","path":"/missing",'
        b'"protocol":"HTTP/1.1","status":404,"bytes":153,"agent":"curl/8.5"}\n',
    './access.log | grep "GET"': GETS,
    './access.log | regex `" (?<status>\\d{3}) (?<bytes>\\d+)`': GETS,
    './app.log | logfmt | where .level == "error"': b"level=error msg=slow ms=250\n",
    './events.cbor | cbor': FILES["events.ndjson"],
    './events.msgpack | msgpack': FILES["events.ndjson"],
    './feed.ndjson | schema ./event.schema.json': b'{"n":1}\n{"n":2}\n',
    './flows.ipfix | netflow | ndjson': FLOWS_JSON,
    './packets.len32 | len32 | netflow | where .destinationTransportPort == 443 | ndjson':
        FLOWS_JSON.splitlines(True)[0],
    './metrics.statsd | statsd': FILES["metrics.statsd"],
    './metrics.txt | kv': FILES["metrics.txt"],
    './names.nul | nul | grep ".log"': b"a.log\nc d.log\n",
    './names.txt | utf8 reject': b"ann\neve\n",
    './points.txt | influx': FILES["points.txt"],
    './samples.bin | fixed 16 | head 3': b"sample 000000001\nsample 000000002\nsample 000000003\n",
    './settings.txt | kv delim="," sep=":"': FILES["settings.txt"],
    './syslog.log | syslog': FILES["syslog.log"],
    'replay feed.wrec speed=max | sse | json': b'{"n":1}\n{"n":2}\n',
    './users.csv | csv header | csv delim=";" quote=all': b'"1";"Lee, Ann"\n"2";"Bob"\n',
    './users.csv | auto': b'{"id":"1","name":"Lee, Ann"}\n{"id":"2","name":"Bob"}\n',
    './users.csv | csv header': b'1,"Lee, Ann"\n2,Bob\n',
    './users.csv | csv header numbers | where .id > 1 | ndjson': b'{"id":2,"name":"Bob"}\n',
    './app.log | logfmt numbers | where .ms > 100': b'level=error msg=slow ms=250\n',
    './users.tsv | tsv header': b"1\tAnn Lee\n2\tBob\n",
    './messages.pb | varint | head 3': b"one\ntwo\nthree\n",
    'http://localhost:9100/metrics | prom': METRICS.splitlines(True)[2] + b"up 1\n",
    'https://example.org/access.log.gz | gunzip | grep "GET"': GETS,
    'https://example.org/access.log.zst | unzstd | grep "GET"': GETS,
    'https://example.org/access.log.br | unbrotli | grep "GET"': GETS,
    'https://example.org/access.log.lz4 | unlz4 | grep "GET"': GETS,
    'https://example.org/feed.ndjson | head 3': b'{"n":1}\n{"n":2}\n{"n":3}\n',
    'https://example.org/feed.sse | sse | grep "login"': b"login ann\nlogin bob\n",
    'https://example.org/users.csv | auto': b'{"id":"1","name":"Lee, Ann"}\n{"id":"2","name":"Bob"}\n',
    'https://example.org/rows.json | json items .data.rows': b'{"a":1}\n{"a":2}\n',
    'stdin | head 3': b"1\n2\n3\n",
    'tail ./access.log last=10 | grep "GET" | head 2': GETS,
}
WRITES = {
    './access.log | grep "GET" | gzip | file ./get.log.gz': ("get.log.gz", gzip.decompress, GETS),
    './access.log | grep "GET" | zstd level=9 | file ./get.log.zst':
        ("get.log.zst", lambda data: packed("unzstd", data), GETS),
    './events.ndjson | json | cbor | file ./events.cbor': ("events.cbor", bytes, FILES["events.cbor"]),
    './events.ndjson | json | msgpack | file ./events.msgpack': ("events.msgpack", bytes, FILES["events.msgpack"]),
    'https://example.org/image.png | raw | file ./image.png': ("image.png", bytes, FILES["image.png"]),
}
# What a peer sends that the examples connect to, and what comes of it.
SENDS = {
    'tcp://127.0.0.1:9000 | head 3': (b"one\ntwo\nthree\nfour\n", b"one\ntwo\nthree\n"),
    'tcp://127.0.0.1:9000 | len32 max=16MiB': (b"\0\0\0\3one\0\0\0\3two", b"one\ntwo\n"),
    'tcp://127.0.0.1:5514 | syslog | ndjson': (b"<34>1 - host su - - - failed\n", b'{"facility":4,"severity":2,"host":"host","app":"su","message":"failed"}\n'),
    'unix:/run/feed.sock | head 3': (b"one\ntwo\nthree\nfour\n", b"one\ntwo\nthree\n"),
}
# These need certificates, another protocol, somebody who connects, or do not end: e2e_tls_sockets.py,
# e2e_ws.py, e2e_udp.py, e2e_listen.py, e2e_syslog.py, e2e_journal.py, e2e_poll.py and e2e_tail.py run what they show.
ELSEWHERE = {
    'http://localhost:8080/feed.ndjson | count by .type every 5s',
    'journal unit=sshd since=yesterday | where .PRIORITY <= 4 | ndjson',
    'poll https://example.org/status.json every 30s | json',
    "tail './logs/*.log' from=start | json | set .file = $meta.path | ndjson",
    'tail ./app.log | multiline `^\\d{4}-` | grep "ERROR"',
    'tcp-listen :9000 | head 3',
    'tcp-listen :5514 | syslog | set .peer = $meta.peer | ndjson | file ./all.ndjson',
    'syslog-listen :5514 | where .severity <= 3 | ndjson',
    'syslog-listen 0.0.0.0:514 | set .from = $meta.host | ndjson | file ./all.ndjson',
    'tls-listen :6514 cert=./server.pem key=./server.key | head 3',
    'unix-listen ./log.sock | head 3',
    'tls://logs.example.com:6514 | head 3',
    'udp://:5514 | syslog | where .severity <= 3 | ndjson',
    'udp://0.0.0.0:2055 | netflow | ndjson',
    'udp://:5000 group=239.1.2.3 interface=eth0 | where $meta.host == `10.0.0.7`',
    'wss://example.org/feed send=`{"subscribe":"ticks"}` | head 3',
}


class Server:
    """Serves the files; a stream of events once, and then 204, which ends it."""

    TYPES = {".sse": "text/event-stream", ".json": "application/json", ".ndjson": "application/x-ndjson", ".csv": "text/csv"}

    def __init__(self, files):
        ended = set()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                name = self.path[1:]
                self.send_response(204 if name in ended else 200)
                if name.endswith(".sse"):
                    ended.add(name)
                self.send_header("Content-Type",
                                 Server.TYPES.get(os.path.splitext(name)[1], "application/octet-stream"))
                self.send_header("Content-Length", str(len(files[name])))
                self.end_headers()
                self.wfile.write(files[name])

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = "http://127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def examples():
    """All examples: of components and of their more_examples."""
    found = []
    names = re.findall(r"^(?:source|stage|sink) +(\S+)", weir("list").out.decode(), re.M)
    names = {"file" if name == "PATH" else re.sub(r":.*", "", name) for name in names}
    for name in sorted(names):
        run = weir("help", name)
        assert run.status == 0, (name, run)
        found += re.findall(r"^  (?:example| {7})  weir '(.*)'$", run.out.decode(), re.M)
    return found


class Examples(TestCase):
    def setUp(self):
        super().setUp()
        self.files = {name: data() if callable(data) else data for name, data in FILES.items()}
        for name, data in self.files.items():
            self.write(name, data)

    def run_here(self, text, **how):
        run = weir(text, cwd=self.folder, **how)
        self.ends(run, 0)
        return run

    def sent(self, text, data, wanted):
        """Run an example whose address is that of a peer, which sends the data and ends."""
        local = text.startswith("unix:")
        server = socket.socket(socket.AF_UNIX if local else socket.AF_INET)
        self.addCleanup(server.close)
        server.bind(self.path("sock") if local else ("127.0.0.1", 0))
        server.listen()
        address = "unix:" + self.path("sock") if local else "tcp://127.0.0.1:%d" % server.getsockname()[1]

        def serve():
            connection, _ = server.accept()
            with connection:
                connection.sendall(data)
        threading.Thread(target=serve, daemon=True).start()
        run = self.run_here(re.sub(r"^\S+", address, text))
        self.assertEqual(run.out, wanted, text)
        if local:
            os.unlink(self.path("sock"))

    def test_each_prints_what_it_is_said_to_print(self):
        server = Server(self.files)
        self.addCleanup(server.close)
        seen = set()
        for text in examples():
            here = re.sub(r"^https?://(example\.org|localhost:9100)", server.base, text)
            with self.subTest(example=text):
                seen.add(text)
                if text in PRINTS:
                    data = b"1\n2\n3\n4\n" if text.startswith("stdin") else None
                    self.assertEqual(self.run_here(here, stdin=data).out, PRINTS[text], text)
                elif text in WRITES:
                    name, read, wanted = WRITES[text]
                    if os.path.exists(self.path(name)):
                        os.unlink(self.path(name))
                    self.run_here(here)
                    self.assertEqual(read(self.read(name)), wanted)
                elif text in SENDS:
                    self.sent(text, *SENDS[text])
                elif not text.startswith("gen ") and text not in ELSEWHERE:
                    self.fail("add this example and its output to the tables of e2e_help.py: " + text)
        stale = (set(PRINTS) | set(WRITES) | set(SENDS) | ELSEWHERE) - seen
        self.assertEqual(stale, set(), "they are in a table of e2e_help.py, and are no examples any more")


if __name__ == "__main__":
    e2e_support.main()
