"""Measures weir beside its neighbours; called by run.sh, which builds everything.

    bench_run.py BUILD_DIR PEERS_DIR RESULT_FILE quick|full [ROW...]

A row is one job done by several programs in turn, round after round, so that all of them meet the
same machine. What is judged is CPU time (user and system, of the program and its children) where
the job is a stream, and what the program says of itself elsewhere. The goals are ratios to a
neighbour measured in the same run, or absolute where there is none. The report is a table on stdout
and the same as JSON, with every single measurement. The exit status tells whether everything could
be measured, not whether the goals were met: the machine may be shared.
"""
import base64
import contextlib
import hashlib
import json
import os
import pathlib
import platform
import re
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time

LINE_BYTES = 174
FULL_LINES = 5_017_241
QUICK_LINES = 574_713
HERE = pathlib.Path(__file__).resolve().parent
PYTHON = '/usr/bin/python3' if os.path.exists('/usr/bin/python3') else sys.executable

# WEIR_BENCH_PIN=1: servers on the first processor, the readers of streams on the others.
SERVER_PIN, CLIENT_PIN = [], []
if os.environ.get('WEIR_BENCH_PIN') == '1' and os.cpu_count() > 1:
    SERVER_PIN = ['taskset', '-c', '0']
    CLIENT_PIN = ['taskset', '-c', f'1-{os.cpu_count() - 1}']


class Failed(Exception):
    """A program could not be run, or gave something else than it must."""


def spread(values):
    return {'median': statistics.median(values), 'min': min(values), 'max': max(values),
            'all': values}


def run(command, stdout=subprocess.PIPE):
    """Run to the end: (its output, CPU seconds, wall seconds)."""
    began = time.monotonic()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = subprocess.Popen(command, stdout=out if stdout == subprocess.PIPE else stdout,
                                 stderr=err, stdin=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        wall = time.monotonic() - began
        out.seek(0)
        err.seek(0)
        text = out.read().decode()
        if child.returncode != 0:
            raise Failed(f'{" ".join(command)}: exit {child.returncode}: '
                         f'{err.read().decode().strip()[-300:]}')
    return text, usage.ru_utime + usage.ru_stime, wall


def run_json(command):
    """The JSON objects that a program prints, one a line."""
    text, _, _ = run(command)
    return [json.loads(line) for line in text.splitlines() if line.startswith('{')]


class Bench:
    def __init__(self, build, peers, quick):
        self.bin = build / 'bin' / 'bench'
        self.weir = build / 'bin' / 'weir'
        self.peers = peers
        self.rounds = 3 if quick else 5
        self.lines = QUICK_LINES if quick else FULL_LINES
        self.quick = quick
        self.cleanup = contextlib.ExitStack()
        self.results = []
        self.failures = []

    # Preparation: the data and who serves it.

    def make_folder(self):
        """For the data, in memory if it fits there twice."""
        shm = pathlib.Path('/dev/shm')
        in_memory = shm.is_dir() and shutil.disk_usage(shm).free > 2 * self.lines * LINE_BYTES
        folder = tempfile.mkdtemp(prefix='weir_bench_', dir=shm if in_memory else None)
        self.cleanup.callback(shutil.rmtree, folder)
        self.folder = pathlib.Path(folder)
        os.chmod(folder, 0o755)

    def make_data(self):
        size = self.lines * LINE_BYTES
        self.data = self.folder / 'feed.ndjson'
        lines = []
        for i in range(10_000):
            kind = 'user_login' if i % 5 == 0 else 'page_view'
            head = (f'{{"seq":{100_000 + i * 7919 % 10_000},"type":"{kind}",'
                    f'"user":{{"name":"user-{i % 89:02d}","id":{i % 89}}},'
                    f'"host":"node-{i % 97:02d}.example","ms":{i * 31 % 1000},"text":"')
            lines.append(head + 'abcdefgh ' * 20)
        # Cut to the length, with the end of the text put back.
        block = ''.join(line[:LINE_BYTES - 3] + '"}\n' for line in lines).encode()
        whole, rest = divmod(self.lines, len(lines))
        with open(self.data, 'wb') as file:
            for _ in range(whole):
                file.write(block)
            file.write(block[:rest * LINE_BYTES])
        if self.data.stat().st_size != size:
            raise Failed(f'{self.data} has {self.data.stat().st_size} bytes, not {size}')

    def start_nginx(self):
        """nginx on two free loopback ports, plain and TLS with a certificate of its own."""
        self.cert = self.folder / 'cert.pem'
        key = self.folder / 'key.pem'
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2',
                        '-subj', '/CN=localhost',
                        '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1',
                        '-keyout', key, '-out', self.cert], check=True, capture_output=True)
        with socket.socket() as a, socket.socket() as b:
            a.bind(('127.0.0.1', 0))
            b.bind(('127.0.0.1', 0))
            plain, tls = a.getsockname()[1], b.getsockname()[1]
        config = self.folder / 'nginx.conf'
        user = 'user root;' if os.geteuid() == 0 else ''
        config.write_text(f'''daemon off; worker_processes 1; {user}
pid {self.folder}/nginx.pid; error_log {self.folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off; sendfile on; default_type application/x-ndjson; send_timeout 600s;
    client_body_temp_path {self.folder}/t1; proxy_temp_path {self.folder}/t2;
    fastcgi_temp_path {self.folder}/t3; uwsgi_temp_path {self.folder}/t4;
    scgi_temp_path {self.folder}/t5;
    ssl_certificate {self.cert}; ssl_certificate_key {key};
    server {{ listen 127.0.0.1:{plain}; listen 127.0.0.1:{tls} ssl; root {self.folder}; }}
}}
''')
        self.start(['nginx', '-c', str(config), '-e', f'{self.folder}/error.log'])
        self.url = f'http://127.0.0.1:{plain}/feed.ndjson'
        self.tls_url = f'https://127.0.0.1:{tls}/feed.ndjson'
        for port in (plain, tls):
            self.wait_for(port)

    @staticmethod
    def wait_for(port):
        until = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(('127.0.0.1', port), 1).close()
                return
            except OSError:
                if time.monotonic() > until:
                    raise Failed(f'nobody listens on port {port}') from None
                time.sleep(0.02)

    def start(self, command, **options):
        child = subprocess.Popen(SERVER_PIN + command, **options)

        def end():
            child.terminate()
            child.wait()

        self.cleanup.callback(end)
        return child

    def server(self, *arguments):
        """A peer_server; its port."""
        child = self.start([str(self.peers / 'peer_server'), *arguments], stdout=subprocess.PIPE,
                           text=True)
        return int(child.stdout.readline())

    # Measuring.

    def alternate(self, programs, rounds=None):
        """programs: name -> function that gives a number. All of them in turn, round by round."""
        values = {name: [] for name in programs}
        for _ in range(rounds or self.rounds):
            for name, measure in programs.items():
                values[name].append(measure())
        return {name: spread(found) for name, found in values.items()}

    def streams(self, row, commands, goals, base, slow=(), stdout=subprocess.PIPE):
        """CPU seconds of several commands that read the same stream. Those with output on a pipe tell
        how many lines they have read. The slow ones run once a
        round, the others three times: the kernel's copy costs twice as much while client and server
        share a processor, and the scheduler of a busy machine changes its mind from run to run."""
        walls = {name: [] for name in commands}
        times = {name: [] for name in commands}
        for turn in range(3 * self.rounds):
            for name, command in commands.items():
                if name in slow and turn % 3 != 0:
                    continue
                text, cpu, wall = run(CLIENT_PIN + command, stdout)
                told = [json.loads(line) for line in text.splitlines() if line.startswith('{')]
                if told and told[-1]['lines'] != self.lines:
                    raise Failed(f'{name}: {told[-1]["lines"]} lines, not {self.lines}')
                walls[name].append(wall)
                times[name].append(cpu)
        found = {name: spread(values) for name, values in times.items()}
        for name, value in found.items():
            value['wall'] = statistics.median(walls[name])
            entry = {'row': row, 'what': name, 'unit': 's CPU', **value}
            if name == base:
                entry['ratios'] = [judge(value, peer, found[peer], factor)
                                   for peer, factor in goals.items()]
            self.results.append(entry)

    def numbers(self, row, what, unit, value, limit=None, ratios=()):
        """ratios: what judge() gave."""
        entry = {'row': row, 'what': what, 'unit': unit, **value}
        if ratios:
            entry['ratios'] = list(ratios)
        if limit is not None:
            entry['limit'] = limit
            entry['met'] = value['median'] <= limit
        self.results.append(entry)


def judge(value, peer_name, peer, factor):
    """factor > 0: at most so many times the peer; < 0: at least so many times faster than it."""
    mine, its = max(value['median'], 1e-9), max(peer['median'], 1e-9)
    ratio = mine / its if factor > 0 else its / mine
    return {'to': peer_name, 'ratio': ratio, 'goal': factor,
            'met': ratio <= factor if factor > 0 else ratio >= -factor}


# The rows. A positive goal: at most so many times the peer; a negative one: at least so many times
# faster than it.

def row_http(bench):
    peer = bench.peers
    stream = str(bench.bin / 'bench_stream')
    bench.streams('1 HTTP lines', {
        'weir': [stream, bench.url],
        'weir, no queue': [stream, bench.url, 'direct'],
        'curl -o /dev/null': ['curl', '-s', '-o', '/dev/null', bench.url],
        'Go Scanner': [str(peer / 'peer_scanner'), bench.url],
        'Go Scanner + channel': [str(peer / 'peer_scanner'), bench.url, 'channel'],
        'Node readline': ['node', str(HERE / 'peers' / 'peer_readline.mjs'), bench.url],
        'aiohttp': [PYTHON, str(HERE / 'peers' / 'peer_aiohttp.py'), bench.url],
    }, {'curl -o /dev/null': 1.3, 'Go Scanner + channel': -3.5, 'Node readline': -7,
        'aiohttp': -20}, 'weir', slow=('Node readline', 'aiohttp', 'Go Scanner + channel'))


def row_tcp(bench):
    port = bench.server('file', str(bench.data))
    stream = str(bench.bin / 'bench_stream')
    bench.streams('2 TCP lines', {
        'weir': [stream, f'tcp://127.0.0.1:{port}'],
        'weir, no queue': [stream, f'tcp://127.0.0.1:{port}', 'direct'],
        'recv loop': [str(bench.peers / 'peer_recv'), str(port)],
    }, {'recv loop': 1.25}, 'weir')


def micro(command):
    """A microbenchmark on one processor of its own, as far as there is one."""
    pin = ['taskset', '-c', str(max(os.sched_getaffinity(0)))] if shutil.which('taskset') else []
    return run_json(pin + [str(part) for part in command])


def collect(bench, programs):
    """Run all in turn; key of a number -> its spread."""
    values = {}
    for _ in range(bench.rounds):
        for command in programs:
            for told in micro(command):
                name = told['bench'] + (f'_{told["batch"]}' if 'batch' in told else '') + \
                       (f'_{told["len"]}' if 'len' in told else '') + \
                       (f'_{told["row"]}' if 'row' in told else '')
                for key, value in told.items():
                    if key == 'ns' or key.endswith('_ns'):
                        values.setdefault((name, key), []).append(value)
    return {key: spread(found) for key, found in values.items()}


def row_step(bench):
    found = collect(bench, [[bench.bin / 'bench_switch'], [bench.bin / 'bench_step', 'step'],
                            [PYTHON, HERE / 'peers' / 'peer_step.py']])
    row = '3 generator step'
    pair = found['switch_pair', 'ns']
    bench.numbers(row, 'weir', 'ns', found['generator_step', 'ns'],
                  ratios=[judge(found['generator_step', 'ns'], 'bare pair', pair, 2.3)])
    bench.numbers(row, 'bare pair of switches', 'ns', pair)
    bench.numbers(row, 'CPython', 'ns', found['cpython_generator_step', 'ns'])


def row_queue(bench):
    found = collect(bench, [[bench.bin / 'bench_switch'], [bench.bin / 'bench_step', 'queue'],
                            [bench.peers / 'peer_channel']])
    row = '4 queue hop'
    pair, channel = found['switch_pair', 'ns'], found['go_channel_hop', 'one_ns']
    one, loose = found['queue_hop_1', 'ns'], found['queue_hop_loose_1', 'ns']
    bench.numbers(row, 'weir, batches of 64', 'ns', found['queue_hop_64', 'ns'],
                  ratios=[judge(found['queue_hop_64', 'ns'], 'bare pair', pair, 1)])
    bench.numbers(row, 'weir, one by one', 'ns', one,
                  ratios=[judge(one, 'bare pair', pair, 3),
                          judge(one, 'Go channel', channel, 1)])
    bench.numbers(row, 'weir, one by one, copied', 'ns', loose,
                  ratios=[judge(loose, 'bare pair', pair, 5)])
    bench.numbers(row, 'bare pair of switches', 'ns', pair)
    bench.numbers(row, 'Go channel, one thread', 'ns', found['go_channel_hop', 'one_ns'])


def row_stage(bench):
    found = collect(bench, [[bench.bin / 'bench_stage']])
    value = {name: found[f'stage_{name}', 'ns']
             for name in ('source', 'all', 'half', 'single', 'batch', 'queue', 'level', 'call')}
    row = '12 a stage, per item of its source, into a null sink'
    bench.numbers(row, 'no stage', 'ns', value['source'])
    bench.numbers(row, 'keeps all', 'ns', value['all'])
    bench.numbers(row, 'drops every second', 'ns', value['half'],
                  ratios=[judge(value['half'], 'keeps all', value['all'], 3)])
    bench.numbers(row, 'asks for one at a time', 'ns', value['single'],
                  ratios=[judge(value['single'], 'no stage', value['source'], 12)])
    bench.numbers(row, 'batch 1000', 'ns', value['batch'],
                  ratios=[judge(value['batch'], 'no stage', value['source'], 3)])
    bench.numbers(row, 'queue 1024', 'ns', value['queue'],
                  ratios=[judge(value['queue'], 'no stage', value['source'], 4)])
    row = '13 one more built-in stage, pulled one by one'
    bench.numbers(row, 'weir', 'ns', value['level'],
                  ratios=[judge(value['level'], 'calls', value['call'], 3)])
    bench.numbers(row, 'a call through a pointer', 'ns', value['call'])


def row_split(bench):
    found = collect(bench, [[bench.bin / 'bench_lines']])
    row = '5 splitting lines'
    bench.numbers(row, 'weir, 174 bytes', 'ns', found['lines_split_174', 'weir_ns'], 4)
    bench.numbers(row, 'memchr loop, 174 bytes', 'ns', found['lines_split_174', 'memchr_ns'])
    for length in (20, 80, 1000, 10000):
        bench.numbers(row, f'weir, {length} bytes', 'ns', found[f'lines_split_{length}', 'weir_ns'])
        bench.numbers(row, f'memchr loop, {length} bytes', 'ns',
                      found[f'lines_split_{length}', 'memchr_ns'])


def row_json(bench):
    found = collect(bench, [[bench.bin / 'bench_json']])
    value = {name: found['json_look', f'{name}_ns'] for name in
             ('weir_find', 'weir_index', 'ondemand_one', 'ondemand_all', 'dom')}
    row = '14 a look into a line of JSON, 174 bytes'
    bench.numbers(row, 'weir, all validated, one key found', 'ns', value['weir_find'],
                  ratios=[judge(value['weir_find'], 'all members', value['ondemand_all'], 1)])
    bench.numbers(row, 'weir, all validated', 'ns', value['weir_index'])
    bench.numbers(row, 'simdjson ondemand, one field', 'ns', value['ondemand_one'])
    bench.numbers(row, 'simdjson ondemand, all members', 'ns', value['ondemand_all'])
    bench.numbers(row, 'simdjson DOM, all validated', 'ns', value['dom'])


def row_expressions(bench):
    weir, data, null = str(bench.weir), str(bench.data), subprocess.DEVNULL
    chosen = 'where .type == "user_login"'
    picked = 'fields .user.name, .host'
    bench.streams('15 a file of JSON lines, those with one value of a field', {
        'weir where': [weir, f'{data} | {chosen}'],
        'jq select': ['jq', '-c', 'select(.type == "user_login")', data],
    }, {'jq select': -40}, 'weir where', slow=('jq select',), stdout=null)
    bench.streams('16 the same, two fields of each', {
        'weir where | fields': [weir, f'{data} | {chosen} | {picked}'],
        'weir where': [weir, f'{data} | {chosen}'],
        'jq': ['jq', '-c', 'select(.type == "user_login") | {user: {name: .user.name}, host}', data],
    }, {'weir where': 2, 'jq': -20}, 'weir where | fields', slow=('jq',), stdout=null)
    bench.streams('17 three stages that run as one, none leaves out an item', {
        'where | where | fields': [weir, f'{data} | where .type | where .ms >= 0 | {picked}'],
        'fields': [weir, f'{data} | {picked}'],
    }, {'fields': 1.2}, 'where | where | fields', stdout=null)
    bench.streams('21 JSON lines behind json, which cuts and validates values', {
        'weir json | where': [weir, f'{data} | json | {chosen}'],
        'weir where': [weir, f'{data} | {chosen}'],
        'jq select': ['jq', '-c', 'select(.type == "user_login")', data],
    }, {'weir where': 1.4, 'jq select': -30}, 'weir json | where', slow=('jq select',), stdout=null)
    several = '.type == "a" or .host == "b" or .user.name == "c" or .user.id == 88'
    bench.streams('22 JSON lines by four fields of each', {
        'weir where, four': [weir, f'{data} | where {several}'],
        'weir where, one': [weir, f'{data} | {chosen}'],
        'jq select': ['jq', '-c', f'select({several})', data],
    }, {'weir where, one': 1.7, 'jq select': -30}, 'weir where, four', slow=('jq select',),
        stdout=null)
    bench.streams('24 JSON lines counted by a field of each', {
        'weir count by': [weir, f'{data} | count by .host'],
        'weir where': [weir, f'{data} | {chosen}'],
        'mlr count': ['mlr', '--ijson', '--ojson', 'count', '-g', 'host', data],
    }, {'weir where': 2.3, 'mlr count': -10}, 'weir count by', slow=('mlr count',), stdout=null)
    program = '{user: (.user | with_entries(.key |= ascii_upcase)), host}'
    bench.streams('23 a program of jq for each JSON line, by libjq on a thread of its own', {
        'weir jq': [weir, f'{data} | jq `{program}`'],
        'jq': ['jq', '-c', program, data],
    }, {'jq': 1.5}, 'weir jq', slow=('weir jq', 'jq'), stdout=null)
    bench.streams('18 a file of lines, those with a word', {
        'weir grep': [weir, f'{data} | grep user_login | null'],
        'grep -c': ['grep', '-c', 'user_login', data],  # into /dev/null it would stop at the first
    }, {'grep -c': 1.5}, 'weir grep')
    packed = bench.folder / 'feed.ndjson.gz'
    with open(packed, 'wb') as file:
        subprocess.run(['gzip', '-1', '-c', data], stdout=file, check=True)
    bench.streams('19 a file in gzip', {
        'weir gunzip': [weir, f'{packed} | gunzip | null'],
        'zcat': ['zcat', str(packed)],
    }, {'zcat': 1.1}, 'weir gunzip', stdout=null)


def scaled(bench, row, commands, data):
    """CPU seconds for 400 MB; weir, the first one, is to do that in one."""
    times = {name: [] for name in commands}
    for _ in range(bench.rounds):
        for name, command in commands.items():
            times[name].append(run(command, stdout=subprocess.DEVNULL)[1] * 400e6 / data.stat().st_size)
    for i, (name, values) in enumerate(times.items()):
        bench.numbers(row, name, 's CPU', spread(values), limit=1 if i == 0 else None)


def row_regex(bench):
    """Four groups of each line of an access log, of 180 bytes, from the page cache."""
    rows = 200_000 if bench.quick else 1_000_000
    data = bench.folder / 'access.log'
    with open(data, 'w', encoding='ascii') as file:
        for i in range(rows):
            file.write(f'10.{i % 256}.{i % 7}.{i % 250} - - [01/May/2024:12:{i % 60:02d}:{i % 59:02d} +0000] '
                       f'"GET /api/v1/items/{i * 7 % 100003}?page={i % 13} HTTP/1.1" {200 if i % 9 else 404} '
                       f'{i * 37 % 65536} "-" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Firefox/125.0"\n')
    commands = {'weir regex': [str(bench.weir), f'{data} | regex `^(?<peer>\\S+) .*?"(?<method>[A-Z]+) '
                               r'(?<path>\S+) [^"]*" (?<status>\d{3})` | null']}
    if shutil.which('gawk'):
        commands['gawk'] = ['gawk', r'match($0, /^(\S+) [^"]*"([A-Z]+) (\S+) [^"]*" ([0-9]{3})/, m) { n++ } '
                            'END { print n }', data]
    scaled(bench, '21 four groups of a regular expression, access log, 400 MB', commands, data)


def netflow_packets(bench):
    """A file of packets of NetFlow v9 with 24 records of 10 fields each, the template in every 64th
    one; and how many records a packet has."""
    packets, records = (20_000, 24) if bench.quick else (80_000, 24)
    fields = [(8, 4), (12, 4), (7, 2), (11, 2), (4, 1), (5, 1), (2, 4), (1, 4), (22, 4), (21, 4)]
    template = struct.pack('>HHHH', 0, 8 + 4 * len(fields), 256, len(fields)) + b''.join(
        struct.pack('>HH', *field) for field in fields)
    record = b''.join(bytes([10 + number] * length) for number, length in fields)
    flows = record * records
    flows += bytes(-len(flows) % 4)
    data = bench.folder / 'packets.len32'
    with open(data, 'wb') as file:
        for i in range(packets):
            sets = (template if i % 64 == 0 else b'') + struct.pack('>HH', 256, 4 + len(flows)) + flows
            count = records + (i % 64 == 0)
            packet = struct.pack('>HHIIII', 9, count, i, 1_714_564_800 + i // 1000, i, 1) + sets
            file.write(struct.pack('>I', len(packet)) + packet)
    return data, records


def row_netflow(bench):
    data, records = netflow_packets(bench)
    total = (20_000 if bench.quick else 80_000) * records
    last = run([str(bench.weir), f'{data} | len32 | netflow | skip {total - 1} | ndjson'])[0]
    if last.count('\n') != 1:
        raise Failed(f'netflow: there are not {total} records: {last[:300]}')
    times = [run([str(bench.weir), f'{data} | len32 | netflow | null'])[1] * 1e6 / total for _ in range(bench.rounds)]
    bench.numbers('22 NetFlow v9, 10 fields a record', 'weir netflow, a million records', 's CPU', spread(times), limit=1 / 3)


def receive(command, send, ends=False):
    """Run a receiver, which says its port, while send(port) runs; then end it, unless it ends by itself.
    (CPU seconds, what it has said at last)"""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as child:
        said = ''
        while not (found := re.search(r'(?:(?:receives datagrams at|listening on) \S+:|^)(\d+)\n', said, re.M)):
            line = child.stdout.readline()
            if not line:
                raise Failed(f'{" ".join(command)}: {said}')
            said += line
        send(found.group(1))
        if not ends:
            time.sleep(0.3)
            child.send_signal(signal.SIGTERM)
        said = child.stdout.read()
        _, _, usage = os.wait4(child.pid, 0)
        child.returncode = 0
    return usage.ru_utime + usage.ru_stime, said


def row_listen(bench):
    """Lines that a peer sends to a port of weir."""
    weir = str(bench.weir)
    commands = {'weir tcp-listen': [weir, '-v', f'tcp-listen 127.0.0.1:0 | head {bench.lines} | null'],
                'recv loop': [str(bench.peers / 'peer_recv'), '0']}
    times = {name: [] for name in commands}
    for _ in range(bench.rounds):
        for name, command in commands.items():
            cpu, said = receive(SERVER_PIN + command, lambda port: run(
                CLIENT_PIN + [weir, f'{bench.data} | tcp 127.0.0.1:{port}']), ends=True)
            size = bench.data.stat().st_size
            if not (said.strip() == str(size) or f'{bench.lines:,}'.replace(',', ' ') + ' in' in said):
                raise Failed(f'listen: {name}: {said}')
            times[name].append(cpu)
    row, bare = '29 TCP lines that a peer sends to a port', spread(times['recv loop'])
    mine = spread(times['weir tcp-listen'])
    bench.numbers(row, 'weir tcp-listen', 's CPU', mine, ratios=[judge(mine, 'recv loop', bare, 1.25)])
    bench.numbers(row, 'recv loop', 's CPU', bare)


def udp_counts(said):
    """(received, dropped), by a run of weir or by the bare receiver."""
    if said.startswith('{'):
        told = json.loads(said)
        return told['datagrams'], told['dropped']
    ledger = re.search(r'weir: ([\d ]+) in = .* ([\d ]+) dropped', said)
    taken, dropped = (int(text.replace(' ', '')) for text in ledger.groups())
    return taken - dropped, dropped


def row_udp(bench):
    """Syslog messages of 200 bytes, 400,000 a second, from a sender on another processor; then packets
    of NetFlow v9 with 24 records of 10 fields."""
    count = 400_000 if bench.quick else 2_000_000
    peer, weir = str(bench.peers / 'peer_udp'), [str(bench.weir), '-v']
    commands = {'weir syslog': weir + ['udp://127.0.0.1:0 | syslog | null'],
                'weir': weir + ['udp://127.0.0.1:0 | null'], 'recvmmsg loop': [peer, 'recv']}
    times, drops = {name: [] for name in commands}, {name: [] for name in commands}
    for _ in range(bench.rounds):
        for name, command in commands.items():
            cpu, said = receive(SERVER_PIN + command, lambda port: run(
                CLIENT_PIN + [peer, 'send', port, str(count), '400000']))
            received, dropped = udp_counts(said)
            if received + dropped != count:
                raise Failed(f'udp: {name}: {received} received, {dropped} dropped of {count}')
            times[name].append(cpu * 1e9 / received)
            drops[name].append(dropped)
    row, bare = '25 UDP, a datagram of 200 bytes', spread(times['recvmmsg loop'])
    mine = spread(times['weir syslog'])
    bench.numbers(row, 'weir syslog', 'ns CPU', mine, limit=1e9 / 700_000)
    mine = spread(times['weir'])
    bench.numbers(row, 'weir', 'ns CPU', mine, ratios=[judge(mine, 'recvmmsg loop', bare, 1.25)])
    bench.numbers(row, 'recvmmsg loop', 'ns CPU', bare)
    for name in ('weir syslog', 'recvmmsg loop'):
        bench.numbers('26 the same, dropped at 400,000 a second', name, '', spread(drops[name]),
                      limit=0 if name == 'weir syslog' else None)
    data, records = netflow_packets(bench)
    times = []
    for _ in range(bench.rounds):
        cpu, said = receive(SERVER_PIN + weir + ['udp://127.0.0.1:0 | netflow | null'], lambda port: run(
            CLIENT_PIN + [str(bench.weir), f'{data} | len32 | udp 127.0.0.1:{port}']))
        times.append(cpu * 1e6 / (udp_counts(said)[0] * records))
    bench.numbers('27 NetFlow v9 over UDP', 'weir netflow, a million records', 's CPU', spread(times), limit=1 / 3)


WEBSOCKETS = """
import asyncio, sys, websockets
async def main():
    n = 0
    async with websockets.connect(sys.argv[1], compression=None, ping_interval=None) as ws:
        async for message in ws:
            n += 1
    print(n)
asyncio.run(main())
"""


def serve_frames(counts):
    """A WebSocket server on a thread; the connection to /NAME gets counts[NAME] text frames. Its port."""
    listener = socket.create_server(('127.0.0.1', 0))
    frames = 4096 * (b'\x81\x7e' + struct.pack('>H', LINE_BYTES) + b'{"n":1,"pad":"' + (LINE_BYTES - 16) * b'x' + b'"}')
    size = len(frames) // 4096

    def serve(connection):
        head = b''
        while b'\r\n\r\n' not in head:
            head += connection.recv(4096)
        key = re.search(rb'(?i)\r\nsec-websocket-key: (\S+)', head).group(1)
        accept = base64.b64encode(hashlib.sha1(key + b'258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest())
        connection.sendall(b'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
                           b'Sec-WebSocket-Accept: ' + accept + b'\r\n\r\n')
        left = counts[head.split()[1][1:].decode()]
        while left > 0:
            connection.sendall(frames[:min(left, 4096) * size])
            left -= 4096
        connection.sendall(b'\x88\x02\x03\xe8')
        connection.recv(4096)
        connection.close()

    def accept_all():
        while True:
            threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept_all, daemon=True).start()
    return listener.getsockname()[1]


def row_ws(bench):
    """Text frames of 174 bytes, from memory and without compression. Node has no `ws` of its own."""
    many, few = (500_000, 20_000) if bench.quick else (4_000_000, 200_000)
    url = f'ws://127.0.0.1:{serve_frames({"many": many, "few": few})}'
    weir = [str(bench.weir), '-q']

    def measure(command, count):
        return lambda: run(CLIENT_PIN + command)[1] * 1e9 / count

    found = bench.alternate({
        'weir': measure(weir + [f'{url}/many plain | null'], many),
        'weir where': measure(weir + [f'{url}/many plain | where .n == 1 | null'], many),
        'python3-websockets': measure([PYTHON, '-c', WEBSOCKETS, f'{url}/few'], few),
    })
    row, peer = '28 WebSocket, a text frame of 174 bytes', found['python3-websockets']
    for name, value in found.items():
        mine = name == 'weir'
        bench.numbers(row, name, 'ns CPU', value, limit=500 if mine else None,
                      ratios=[judge(value, 'python3-websockets', peer, -5)] if mine else ())


def row_csv(bench):
    """A table of 9 columns, 147 bytes a row, from the page cache, as JSON lines to /dev/null."""
    rows = 100_000 if bench.quick else 400_000
    data = bench.folder / 'rows.csv'
    with open(data, 'w', encoding='ascii') as file:
        file.write('id,time,host,level,user,path,status,bytes,agent\n')
        for i in range(rows):
            file.write(f'{i},2024-05-01T12:{i % 60:02d}:{i % 59:02d}.{i % 1000:03d}Z,web-{i % 40:02d}.example.com,'
                       f'info,user{i % 977},/api/v1/items/{i * 7 % 100003}?page={i % 13},'
                       f'{200 if i % 9 else 404},{i * 37 % 65536},'
                       '"Mozilla/5.0 (X11; Linux x86_64), like Gecko"\n')
    commands = {'weir': [str(bench.weir), f'{data} | csv header | ndjson']}
    if shutil.which('mlr'):
        commands['Miller'] = ['mlr', '--icsv', '--ojsonl', 'cat', str(data)]
    scaled(bench, '20 CSV with a header to JSON lines, 400 MB', commands, data)


def row_latency(bench):
    url = f'http://127.0.0.1:{bench.server("ticks", "200" if bench.quick else "500", "10")}/'
    stamp = str(bench.peers / 'peer_stamp')
    p50 = {'weir': [], 'curl -N': []}

    def measure(name, command):
        told = run_json([stamp, *command])[-1]
        p50[name].append(told['p50_us'])
        return told['p99_us']

    found = bench.alternate({
        'weir': lambda: measure('weir', [str(bench.weir), '-q', url]),
        'curl -N': lambda: measure('curl -N', ['curl', '-sN', url])})
    row = '6 one line'
    limit = found['curl -N']['median'] + 200
    bench.numbers(row, 'weir URL, p99', 'us', found['weir'], limit)
    bench.numbers(row, 'curl -N, p99', 'us', found['curl -N'])
    bench.numbers(row, 'weir URL, p50', 'us', spread(p50['weir']))
    bench.numbers(row, 'curl -N, p50', 'us', spread(p50['curl -N']))


def row_https(bench):
    stream = str(bench.bin / 'bench_stream')
    bench.streams('9 HTTPS lines', {
        'weir': [stream, bench.tls_url, f'ca={bench.cert}'],
        'curl -o /dev/null': ['curl', '-s', '--cacert', str(bench.cert), '-o', '/dev/null',
                              bench.tls_url],
    }, {'curl -o /dev/null': 1.2}, 'weir')


def row_idle(bench):
    idle = str(bench.bin / 'bench_idle')
    tcp, http = bench.server('idle'), bench.server('idle-http')
    count = '1000'
    url = f'http://127.0.0.1:{http}/'

    def measure(*command):
        return lambda: run_json(command)[-1]['bytes_each']

    found = bench.alternate({
        'tcp': measure(idle, 'streams', f'tcp://127.0.0.1:{tcp}', count),
        'http': measure(idle, 'http', url, count),
        'curl': measure(str(bench.peers / 'peer_curl_idle'), url, count),
    }, rounds=3)
    row = '10 idle streams'
    bench.numbers(row, 'weir, a TCP stream', 'bytes', found['tcp'], 10 * 1024)
    bench.numbers(row, 'weir, an HTTP stream', 'bytes', found['http'],
                  found['curl']['median'] + 12 * 1024)
    bench.numbers(row, 'libcurl alone, an HTTP stream', 'bytes', found['curl'])


def stalled_command(command, seconds):
    """A command whose stdout nobody reads: (peak RSS in KiB, per cent of CPU once stalled)."""
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        time.sleep(1)

        def cpu_ticks():
            fields = pathlib.Path(f'/proc/{child.pid}/stat').read_text().rpartition(')')[2].split()
            return int(fields[11]) + int(fields[12])

        before = cpu_ticks()
        time.sleep(seconds)
        percent = 100 * (cpu_ticks() - before) / os.sysconf('SC_CLK_TCK') / seconds
        if child.poll() is not None:
            raise Failed(f'{" ".join(command)}: ended with {child.returncode}')
        status = pathlib.Path(f'/proc/{child.pid}/status').read_text()
        peak = int(status.partition('VmHWM:')[2].split()[0])
        return peak, percent
    finally:
        child.kill()
        child.stdout.close()
        child.wait()


def tail_latency(bench, rounds):
    """Milliseconds from the append of a line until it is out, sorted."""
    log = bench.folder / 'appended.log'
    log.write_bytes(b'')
    took = []
    with subprocess.Popen([str(bench.weir), '-q', f'tail {log} from=start'], stdout=subprocess.PIPE) as child:
        with open(log, 'ab', buffering=0) as file:
            for i in range(rounds + 10):  # the first ones wait until it has begun
                began = time.monotonic()
                file.write(b'%d\n' % i)
                if child.stdout.readline() != b'%d\n' % i:
                    raise Failed('tail gives another line')
                took.append((time.monotonic() - began) * 1e3)
                time.sleep(0.002)
        child.terminate()
    return sorted(took[10:])


def tail_idle(bench, files, seconds):
    """CPU of a tail over files that nobody writes to, in percent."""
    folder = bench.folder / 'idle'
    folder.mkdir()
    for i in range(files):
        (folder / f'{i}.log').write_bytes(b'line\n')
    with subprocess.Popen([str(bench.weir), '-q', f'tail {folder}/*.log'], stdout=subprocess.DEVNULL) as child:

        def cpu_ns():
            return int(pathlib.Path(f'/proc/{child.pid}/schedstat').read_text().split()[0])

        time.sleep(2)
        began = cpu_ns()
        time.sleep(seconds)
        used = cpu_ns() - began
        child.terminate()
    return used / 1e9 / seconds * 100


def row_tail(bench):
    row = '23 tail'
    data = bench.folder / 'long.log'
    lines = 1_000_000 if bench.quick else 5_000_000
    block = b''.join(b'%07d %s\n' % (i, b'x' * (LINE_BYTES - 9)) for i in range(10_000))
    with open(data, 'wb') as file:
        for _ in range(lines // 10_000):
            file.write(block)
    text = f'tail {data} from=start | head {lines} | null'
    times = [run([str(bench.weir), text])[1] * 1e9 / data.stat().st_size for _ in range(bench.rounds)]
    bench.numbers(row, 'catching up, 1 GB', 's CPU', spread(times), limit=1)
    took = tail_latency(bench, 200 if bench.quick else 1000)
    bench.numbers(row, 'one line appended, p99', 'ms', spread([took[len(took) * 99 // 100]]), limit=5)
    bench.numbers(row, '1,000 files, idle', '% CPU', spread([tail_idle(bench, 1000, 5 if bench.quick else 20)]),
                  limit=0.1)


def row_stalled(bench):
    seconds = 3 if bench.quick else 10
    url = f'http://127.0.0.1:{bench.server("flood", str(1 << 30))}/'
    row = 'a stalled reader, 1 GiB waiting'
    told = run_json([str(bench.bin / 'bench_idle'), 'stalled', url, str(seconds)])[-1]
    bench.numbers(row, 'library: peak RSS', 'KiB', spread([told['rss_kib']]), 24 * 1024)
    bench.numbers(row, 'library: CPU', '%', spread([told['cpu_percent']]), 1)
    for name, text in (('weir URL', url), ("weir 'URL | queue'", f'{url} | queue')):
        peak, percent = stalled_command([str(bench.weir), '-q', text], seconds)
        bench.numbers(row, f'{name}: peak RSS', 'KiB', spread([peak]), 24 * 1024)
        bench.numbers(row, f'{name}: CPU', '%', spread([percent]), 1)


def row_generators(bench):
    told = run_json([str(bench.bin / 'bench_idle'), 'generators'])[-1]
    bench.numbers('1,000,000 generators', 'growth of RSS', 'bytes',
                  spread([told['rss_growth_bytes']]), 1 << 20)


def row_hostile(bench):
    """How long a good client of `weir demo` waits for its answer beside others, and what each of
    those costs."""
    row = '11 hostile clients'
    requests = '300' if bench.quick else '2000'
    for mode, count, limits in (('none', 0, {}), ('silent', 1100, {'p99': 10000}),
                                ('headers', 1100, {'p99': 10000}), ('body', 1100, {'p99': 10000}),
                                ('range', 1100, {'p99': 10000}), ('read', 1100, {'p99': 10000}),
                                ('stuck', 1100, {'p99': 10000}), ('fast', 50, {'p50': 10000}),
                                ('fast', 200, {})):
        child = bench.start([str(bench.weir), 'demo', ':0'], stdout=subprocess.PIPE, text=True)
        port = next(line for line in child.stdout if 'http://' in line)
        port = port.partition('http://127.0.0.1:')[2].partition('/')[0]
        told = run_json(CLIENT_PIN + [str(bench.peers / 'peer_hostile'), port, mode, str(count),
                                      requests, '/lines?n=100000000', str(child.pid)])[-1]
        if told['failed'] > 0:
            raise Failed(f'{mode}: {told["failed"]} requests were not answered')
        for key in ('p50', 'p99'):
            bench.numbers(row, f'{count} {mode}: good client, {key}', 'us',
                          spread([told[f'{key}_us']]), limits.get(key))
        if mode == 'stuck':
            bench.numbers(row, f'{count} {mode}: RSS of each', 'bytes',
                          spread([told['growth_bytes']]), 24 * 1024)
        child.terminate()


ROWS = {'http': row_http, 'tcp': row_tcp, 'udp': row_udp, 'listen': row_listen, 'ws': row_ws, 'step': row_step, 'queue': row_queue, 'stage': row_stage,
        'split': row_split, 'json': row_json, 'expressions': row_expressions, 'csv': row_csv,
        'regex': row_regex, 'netflow': row_netflow,
        'latency': row_latency, 'tail': row_tail, 'https': row_https, 'idle': row_idle,
        'stalled': row_stalled, 'generators': row_generators, 'hostile': row_hostile}


# The report.

def number(value):
    return f'{value:.3f}' if value < 10 else f'{value:.1f}' if value < 1000 else f'{value:,.0f}'


def goal_text(entry):
    if 'ratios' in entry:
        words = []
        for ratio in entry['ratios']:
            sign = '<=' if ratio['goal'] > 0 else '>='
            words.append(f'{ratio["ratio"]:.2f}x {ratio["to"]} ({sign} {abs(ratio["goal"])}) '
                         f'{"met" if ratio["met"] else "MISSED"}')
        return words
    if 'limit' in entry:
        return [f'<= {number(entry["limit"])} {"met" if entry["met"] else "MISSED"}']
    return ['']


def print_table(results):
    row = None
    for entry in results:
        if entry['row'] != row:
            row = entry['row']
            print(f'\n{row}')
        wall = f'wall {entry["wall"]:.3f}' if 'wall' in entry else ''
        range_text = f'{number(entry["min"])}-{number(entry["max"])}'
        first, *rest = goal_text(entry)
        print(f'  {entry["what"]:32}{number(entry["median"]):>10} {entry["unit"]:6} '
              f'{range_text:>17} {wall:11} {first}'.rstrip())
        for words in rest:
            print(' ' * 82 + words)
    print()


def version(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return (done.stdout or done.stderr).splitlines()[0].partition(' libcurl/')[0]
    except (OSError, IndexError):
        return 'not installed'


def about_machine():
    info = pathlib.Path('/proc/cpuinfo').read_text()
    cpu = info.partition('model name\t: ')[2].partition('\n')[0]
    return {'cpu': cpu, 'processors': os.cpu_count(), 'kernel': platform.release(),
            'load': os.getloadavg()[0], 'curl': version('curl', '--version'),
            'go': version(os.environ.get('GO', 'go'), 'version'),
            'node': version('node', '--version'),
            'python': version(PYTHON, '--version'),
            'aiohttp': version(PYTHON, '-c', 'import aiohttp; print(aiohttp.__version__)'),
            'nginx': version('nginx', '-v')}


def main():
    build, peers, result_file = (pathlib.Path(path).resolve() for path in sys.argv[1:4])
    quick = sys.argv[4] == 'quick'
    wanted = sys.argv[5:] or list(ROWS)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # servers and data go all the same
    bench = Bench(build, peers, quick)
    machine = about_machine()
    print('; '.join(f'{key} {value}' for key, value in machine.items()))
    with bench.cleanup:
        bench.make_folder()
        if {'http', 'tcp', 'https', 'expressions'} & set(wanted):
            bench.make_data()
        if {'http', 'tcp', 'https'} & set(wanted):
            bench.start_nginx()
        for name in wanted:
            print(f'measuring: {name}', file=sys.stderr, flush=True)
            try:
                ROWS[name](bench)
            except (Failed, OSError, KeyError, IndexError, ValueError) as error:
                bench.failures.append(f'{name}: {type(error).__name__}: {error}')
    print_table(bench.results)
    for text in bench.failures:
        print(f'NOT MEASURED: {text}')
    result_file.write_text(json.dumps({'machine': machine, 'mode': 'quick' if quick else 'full',
                                       'lines': bench.lines, 'results': bench.results,
                                       'failures': bench.failures}, indent=1) + '\n')
    print(f'written: {result_file}')
    return 1 if bench.failures else 0


if __name__ == '__main__':
    sys.exit(main())
