"""Tasks that people do with jq, Miller and awk, done by weir and by the other tool side by side:
both must print the same. Each task is one entry of a table: what is wanted, the pipeline, the command of
the other tool. Both run in a folder with the same small files.

Outputs are compared byte for byte. Miller writes JSON with other white space and so its JSON is compared
as values, with the order of names in an object. A tool that is not installed is named loudly, and its
tasks are skipped; with CI=true they fail.
"""

import gzip
import json
import os
import shutil
import subprocess
import sys
import unittest

import e2e_support
from e2e_support import PATIENCE_S, TestCase, weir

# ---- the files

STAFF = """[
  {
    "id": 1, "name": "Ann Lee", "age": 34, "email": "ann@example.org",
    "address": {"city": "Oslo", "zip": "0150"}, "tags": ["ops", "lead"], "since": 1614852000, "pay": 5200.5
  },
  {
    "id": 2, "name": "Bob Ray", "age": 27, "email": "bob@example.com",
    "address": {"city": "Bergen", "zip": "5003"}, "tags": ["dev"], "since": 1669796130, "pay": 4100
  },
  {
    "id": 3, "name": "Chlo\u00e9 Day", "age": 41, "email": "chloe@example.org",
    "address": {"city": "Oslo", "zip": "0151"}, "tags": [], "since": 1561939200, "pay": null
  },
  {
    "id": 4, "name": "Di \\"D\\" Doe", "age": 19, "email": null,
    "address": {"city": "Troms\u00f8"}, "tags": ["dev", "ops", "new"], "since": 1673827199, "pay": 3900.25
  }
]
"""

EVENTS = """{"t":"2024-05-01T10:00:00Z","type":"login","user":{"name":"ann","ip":"10.0.0.1"},"ms":12,"msg":"ok"}
{"t":"2024-05-01T10:00:01Z","type":"view","user":{"name":"bob","ip":"10.0.0.7"},"ms":250,"msg":"GET /a?x=1&y=2"}
{"t":"2024-05-01T10:00:02Z","type":"login","user":{"name":"eve"},"ms":3,"msg":"failed: bad password"}
{"t":"2024-05-01T10:00:03Z","type":"view","user":null,"ms":1200,"msg":"GET /b"}
{"t":"2024-05-01T10:00:04Z","type":"error","user":{"name":"ann","ip":"10.0.0.1"},"ms":5000,"msg":"timeout","detail":"{\\"retry\\":true}"}
"""

PEOPLE = """id,name,age,city,joined,tags
1,Ann Lee,34,Oslo,1614852000,lead;ops
2,"Ray, Bob",27,Bergen,1669796130,dev
3,Chlo\u00e9 Day,41,Oslo,1561939200,
4,"Di ""D"" Doe",19,Troms\u00f8,1673827199,dev;new;ops
"""

PASSWD = """root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
ann:x:1000:1000:Ann Lee:/home/ann:/bin/zsh
bob:x:1001:1001::/home/bob:/bin/bash
"""

ACCESS = """10.0.0.1 - - [01/May/2024:10:00:00 +0000] "GET /index.html HTTP/1.1" 200 512 "-" "curl/8.5"
10.0.0.7 - ann [01/May/2024:10:00:01 +0000] "POST /login HTTP/1.1" 302 0 "-" "Mozilla/5.0"
10.0.0.1 - - [01/May/2024:10:00:02 +0000] "GET /missing HTTP/1.1" 404 153 "-" "curl/8.5"
10.0.0.9 - - [01/May/2024:10:00:03 +0000] "GET /report HTTP/1.1" 500 90210 "-" "Mozilla/5.0"
"""

PAIRS = """host=a,load=0.5,up=yes
host=b,load=12,up=no
host=c,load=3.25,up=yes
"""

APP = """level=info msg="all is well" took=5ms id=1
level=error msg="db \\"x\\" is slow" took=120ms id=2
level=error msg=fast took=50ms id=3
level=error msg="very slow" took=1.5s id=4
"""

NOTES = """id,full name,note,price,qty
1,Ann,"two
lines",2.5,4
2,Bob,"say ""hi\""",10,3
"""

TAGGED = b"""{"id":1,"items":[{"sku":"x","n":1},{"sku":"y","n":2}]}
{"id":2,"items":[]}
{"id":3}
{"id":4,"items":[{"sku":"z","n":7}]}
"""

FILES = {
    "app.log": APP,
    "notes.csv": NOTES,
    "tagged.ndjson.gz": gzip.compress(TAGGED),
    "staff.json": STAFF,
    "events.ndjson": EVENTS,
    "people.csv": PEOPLE,
    "passwd": PASSWD,
    "access.log": ACCESS,
    "pairs.txt": PAIRS,
}

# ---- the tasks: name, weir's words, the other tool's words

def pasted(what, program, file):
    """A program of jq that weir reads as it is."""
    return what, ["json | " + program, file], ["jq", "-c", program, file]


JQ = (
    ("each value on a line", ["json", "staff.json"], ["jq", "-c", ".", "staff.json"]),
    pasted("the elements of an array", ".[]", "staff.json"),
    pasted("one field of each element", ".[] | .name", "staff.json"),
    pasted("the first and the last", ".[0], .[-1]", "staff.json"),
    pasted("a slice", ".[1:3] | map(.id)", "staff.json"),
    pasted("how many elements", "length", "staff.json"),
    pasted("select by a number", ".[] | select(.age >= 30) | {id, age}", "staff.json"),
    pasted("select by the end of a text", '.[] | select(.email // "" | endswith("@example.org")) | .id', "staff.json"),
    pasted("select those with a tag", '.[] | select(any(.tags[]; . == "ops")) | .name', "staff.json"),
    pasted("build objects", ".[] | {who: .name, city: .address.city, n: (.tags | length)}", "staff.json"),
    pasted("a default for what is missing", '.[] | .address.zip // "none"', "staff.json"),
    pasted("the names of an object", ".[0] | keys[]", "staff.json"),
    pasted("name and value of each field", '.[1] | to_entries[] | select(.value | type == "number") | [.key, .value]',
           "staff.json"),
    pasted("sort by a field", "sort_by(.age) | map(.name)", "staff.json"),
    pasted("count by a field", "group_by(.address.city) | map({city: .[0].address.city, n: length})", "staff.json"),
    pasted("sum and mean", "map(.age) | {sum: add, mean: (add / length)}", "staff.json"),
    pasted("who has the most", "max_by(.pay) | .name", "staff.json"),
    pasted("the different values", "map(.tags[]) | unique", "staff.json"),
    ("leave fields out", ["json | .[] | del .address, .email, .pay", "staff.json"],
     ["jq", "-c", ".[] | del(.address, .email, .pay)", "staff.json"]),
    ("change fields in place",
     ["json | .[] | set .age += 1 | set .address.city |= ascii_upcase | del .email, .pay, .tags", "staff.json"],
     ["jq", "-c", ".[] | .age += 1 | .address.city |= ascii_upcase | del(.email, .pay, .tags)", "staff.json"]),
    pasted("texts with values in them", r'.[] | "\(.name) <\(.email // "?")>"', "staff.json"),
    pasted("split and join", '.[] | .name | split(" ") | reverse | join(", ")', "staff.json"),
    pasted("a time from seconds", ".[] | .since | todate", "staff.json"),
    pasted("seconds from a time", ".t | fromdate", "events.ndjson"),
    pasted("each number however deep", '.. | select(type == "number")', "events.ndjson"),
    pasted("the paths of the leaves", "[leaf_paths | join(\".\")]", "events.ndjson"),
    pasted("what may be missing", "select(.user.ip?) | .user.ip", "events.ndjson"),
    pasted("JSON inside a text", "select(.detail) | .detail | fromjson | .retry", "events.ndjson"),
    pasted("a word for a range of numbers",
           '{type, speed: (if .ms < 100 then "fast" elif .ms < 1000 then "slow" else "stuck" end)}', "events.ndjson"),
    pasted("the groups of a pattern", '.msg | capture("(?<verb>[A-Z]+) (?<path>[^?]*)")', "events.ndjson"),
    pasted("replace by a pattern", '.msg | gsub("[0-9]+"; "#")', "events.ndjson"),
    ("names without quotes", ["-r", "json | .[] | .name", "staff.json"], ["jq", "-r", ".[] | .name", "staff.json"]),
    ("tab-separated values", ["-r", "json | .[] | [.id, .name] | @tsv", "staff.json"],
     ["jq", "-r", ".[] | [.id, .name] | @tsv", "staff.json"]),
    ("a value on many lines", ["--pretty", "json | .[0]", "staff.json"], ["jq", ".[0]", "staff.json"]),
    ("a value of the command line", ["--arg", "city", "Oslo", "json | .[] | select(.address.city == $city) | .id", "staff.json"],
     ["jq", "--arg", "city", "Oslo", ".[] | select(.address.city == $city) | .id", "staff.json"]),
    ("rows for a spreadsheet", [r'json | .[] | text "\([.id, .name, .age] | @csv)"', "staff.json"],
     ["jq", "-r", ".[] | [.id, .name, .age] | @csv", "staff.json"]),
    ("texts without quotes", [r'json | .[] | text "\(.name) is \(.age)"', "staff.json"],
     ["jq", "-r", r'.[] | "\(.name) is \(.age)"', "staff.json"]),
    pasted("a condition as a stage", '.[] | .age | if . < 30 then "young" else "old" end', "staff.json"),
    ("a program as it is, on a file", ["-r", ".[] | select(.age > 30) | .name", "staff.json"],
     ["jq", "-r", ".[] | select(.age > 30) | .name", "staff.json"]),
    ("one of several values", ['select(.type | IN("login", "error")) | .msg', "events.ndjson"],
     ["jq", 'select(.type | IN("login", "error")) | .msg', "events.ndjson"]),
    ("rows with a header", ['select(.type == "login") | [.user.name, .user.ip // "unknown"] | '
                            'csv header columns="user,ip" quote=all', "events.ndjson"],
     ["jq", "-rn", '["user", "ip"], (inputs | select(.type == "login") | [.user.name, .user.ip // "unknown"]) | @csv',
      "events.ndjson"]),
    ("a sum by reduce", ["jq `reduce (.ms, 1) as $n (0; . + $n)`", "events.ndjson"],
     ["jq", "reduce (.ms, 1) as $n (0; . + $n)", "events.ndjson"]),
    ("a function of one's own", ["jq `def twice(f): f | f; .ms | twice(. * 2)`", "events.ndjson"],
     ["jq", "def twice(f): f | f; .ms | twice(. * 2)", "events.ndjson"]),
    pasted("texts, times and patterns",
           '{d: (.msg | @base64 | @base64d), t: (.t | strptime("%Y-%m-%dT%H:%M:%SZ") | mktime), '
           'l: (.type | test("^LOG"; "i")), n: (to_entries | group_by(.value | type) | map(length))}', "events.ndjson"),
    ("lines as strings", ['encode json | split(" ") | .[6]', "access.log"],
     ["jq", "-R", 'split(" ") | .[6]', "access.log"]),
    ("a shell's value that looks like a program", ["--arg", "v", 'x" or true or "', '.[] | select(.name == $v or .id == 1) | .id',
                                                   "staff.json"],
     ["jq", "--arg", "v", 'x" or true or "', '.[] | select(.name == $v or .id == 1) | .id', "staff.json"]),
    ("an item for each element, of a compressed file", ["{id} + .items[]?", "tagged.ndjson.gz"],
     ["bash", "-c", "gzip -dc tagged.ndjson.gz | jq -c '{id} + .items[]?'"]),
    pasted("encode for a URL", "@uri \"/q?m=\\(.msg)\"", "events.ndjson"),
)

MILLER = (
    ("numbers as numbers", ["csv header numbers | where .age > 30 | fields .id, .name, .age", "people.csv"],
     ["mlr", "--icsv", "--ojsonl", "filter", "$age > 30", "then", "cut", "-f", "id,name,age", "people.csv"]),
    ("quoted line ends, a new name, one column less and one more",
     ['csv header numbers | rename .name = ."full name" | del .note | set .total = .price * .qty | '
      'fields .id, .name, .price, .qty, .total', "notes.csv"],
     ["mlr", "--icsv", "--ojsonl", "rename", "full name,name", "then", "cut", "-x", "-f", "note", "then", "put",
      "$total = $price * $qty", "then", "cut", "-o", "-f", "id,name,price,qty,total", "notes.csv"]),
    ("CSV to JSON", ["csv header | ndjson", "people.csv"], ["mlr", "-S", "--icsv", "--ojsonl", "cat", "people.csv"]),
    ("some columns as CSV", ["csv header | fields .name, .age | csv header", "people.csv"],
     ["mlr", "--csv", "cut", "-f", "name,age", "people.csv"]),
    ("CSV to TSV", ["csv header | fields .id, .city | tsv header", "people.csv"],
     ["mlr", "--icsv", "--otsv", "cut", "-f", "id,city", "people.csv"]),
    ("CSV to pairs", ['csv header | fields .id, .city | kv delim=","', "people.csv"],
     ["mlr", "--icsv", "--odkvp", "cut", "-f", "id,city", "people.csv"]),
    ("JSON to CSV", ["json | .[] | {id, name, age, city: .address.city} | csv header", "staff.json"],
     ["mlr", "--ijson", "--ocsv", "put", "-q", 'emit1 {"id": $id, "name": $name, "age": $age, "city": $address.city}',
      "staff.json"]),
    ("some columns", ["csv header | fields .name, .city", "people.csv"],
     ["mlr", "-S", "--icsv", "--ojsonl", "cut", "-f", "name,city", "people.csv"]),
    ("all columns but some", ["csv header | del .joined, .tags", "people.csv"],
     ["mlr", "-S", "--icsv", "--ojsonl", "cut", "-x", "-f", "joined,tags", "people.csv"]),
    ("rows by a number", ["csv header | where (.age | tonumber) > 30 | fields .id", "people.csv"],
     ["mlr", "-S", "--icsv", "--ojsonl", "filter", "int($age) > 30", "then", "cut", "-f", "id", "people.csv"]),
    ("rows by a text", ['csv header | where .city == "Oslo" | ndjson', "people.csv"],
     ["mlr", "-S", "--icsv", "--ojsonl", "filter", '$city == "Oslo"', "people.csv"]),
    ("rows by a pattern", ["csv header | where .name =~ `^[AC]` | fields .name", "people.csv"],
     ["mlr", "-S", "--icsv", "--ojsonl", "filter", '$name =~ "^[AC]"', "then", "cut", "-f", "name", "people.csv"]),
    ("a new column", ['csv header | set .key = .city + "-" + .id | fields .id, .key', "people.csv"],
     ["mlr", "-S", "--icsv", "--ojsonl", "put", '$key = $city . "-" . $id', "then", "cut", "-f", "id,key", "people.csv"]),
    ("another name for a column", ["csv header | rename .town = .city | fields .id, .town", "people.csv"],
     ["mlr", "-S", "--icsv", "--ojsonl", "rename", "city,town", "then", "cut", "-f", "id,town", "people.csv"]),
    ("the first rows", ["csv header | head 2 | fields .id", "people.csv"],
     ["mlr", "-S", "--icsv", "--ojsonl", "head", "-n", "2", "then", "cut", "-f", "id", "people.csv"]),
    ("names of columns that the file does not have", ['csv delim=":" | fields ."1", ."7"', "passwd"],
     ["mlr", "-S", "--icsv", "--ojsonl", "--ifs", ":", "--implicit-csv-header", "cut", "-f", "1,7", "passwd"]),
    ("count by a column", ["csv header | count by .city", "people.csv"],
     ["mlr", "--icsv", "--ojsonl", "count", "-g", "city", "people.csv"]),
    ("mean by a column", ["csv header | avg .age by .city | rename .age_mean = .avg", "people.csv"],
     ["mlr", "--icsv", "--ojsonl", "stats1", "-a", "mean", "-f", "age", "-g", "city", "people.csv"]),
    ("the oldest", ["csv header | max .age | rename .age_max = .max", "people.csv"],
     ["mlr", "--icsv", "--ojsonl", "stats1", "-a", "max", "-f", "age", "people.csv"]),
    ("the youngest of each city", ["csv header | min .age by .city | rename .age_min = .min", "people.csv"],
     ["mlr", "--icsv", "--ojsonl", "stats1", "-a", "min", "-f", "age", "-g", "city", "people.csv"]),
    ("the sum of prices", ["csv header | sum .price | rename .price_sum = .sum", "notes.csv"],
     ["mlr", "--icsv", "--ojsonl", "stats1", "-a", "sum", "-f", "price", "notes.csv"]),
    ("pairs to JSON", ['kv delim="," | ndjson', "pairs.txt"], ["mlr", "-S", "--idkvp", "--ojsonl", "cat", "pairs.txt"]),
    ("a row for each part of a value",
     ['csv header | where .tags != "" | (.id as $id | .tags / ";" | .[] | {id: $id, tag: .})', "people.csv"],
     ["mlr", "-S", "--icsv", "--ojsonl", "nest", "--explode", "--values", "--across-records", "-f", "tags",
      "--nested-fs", ";", "then", "filter", '$tags != ""', "then", "cut", "-f", "id,tags", "then", "rename",
      "tags,tag", "people.csv"]),
    ("a row for each part, by verbs", ['csv header | where .tags != "" | set .tags /= ";" | explode .tags | fields .id, .tags',
                                      "people.csv"],
     ["mlr", "-S", "--icsv", "--ojsonl", "filter", '$tags != ""', "then", "nest", "--explode", "--values",
      "--across-records", "-f", "tags", "--nested-fs", ";", "then", "cut", "-f", "id,tags", "people.csv"]),
    ("objects in objects as one", ["json | .[] | fields .id, .address | flatten", "staff.json"],
     ["mlr", "--ijson", "--ojsonl", "cut", "-f", "id,address", "then", "flatten", "staff.json"]),
    ("objects in objects with another name", ['json | .[] | fields .id, .address | flatten sep=":"', "staff.json"],
     ["mlr", "--ijson", "--ojsonl", "cut", "-f", "id,address", "then", "flatten", "-s", ":", "staff.json"]),
    ("a date from seconds", ["csv header | set .joined |= (tonumber | todate) | fields .id, .joined", "people.csv"],
     ["mlr", "-S", "--icsv", "--ojsonl", "put", "$joined = sec2gmt(int($joined))", "then", "cut", "-f", "id,joined",
      "people.csv"]),
)

AWK = (
    ("lines with a word in any case", ['grep -i "Get"', "access.log"],
     ["gawk", "BEGIN { IGNORECASE = 1 } /Get/", "access.log"]),
    ("lines without it", ['grep -vi "CURL"', "access.log"],
     ["gawk", "BEGIN { IGNORECASE = 1 } !/CURL/", "access.log"]),
    ("path, status and bytes of failures", ["clf | where .status >= 400 | [.path, .status, .bytes] | tsv", "access.log"],
     ["gawk", 'BEGIN { OFS = "\t" } $9 >= 400 { print $7, $9, $10 }', "access.log"]),
    ("the same by a pattern",
     [r'regex `"\w+ (?<path>\S+) [^"]*" (?<status>\d+) (?<bytes>\d+)` numbers | where .status >= 400 | tsv', "access.log"],
     ["gawk", 'BEGIN { OFS = "\t" } $9 >= 400 { print $7, $9, $10 }', "access.log"]),
    ("slow errors of an application",
     [r'logfmt | where .level == "error" and (.took | seconds) > 0.1 | text "\(.level) \(.id)"', "app.log"],
     ["gawk", "match($0, /took=[0-9.]+/) { t = substr($0, RSTART + 5, RLENGTH - 5); if ($0 ~ /took=[0-9.]+ms/) t /= 1000; "
      'if (/^level=error/ && t > 0.1) { sub(/.* id=/, ""); print "error " $0 } }', "app.log"]),
    ("lines with a word", ['grep "GET"', "access.log"], ["gawk", "/GET/", "access.log"]),
    ("lines without a word", ['grep -v "curl"', "access.log"], ["gawk", "!/curl/", "access.log"]),
    ("the first lines", ["head 2", "access.log"], ["gawk", "NR <= 2", "access.log"]),
    ("all but the first line", ["skip 1", "people.csv"], ["gawk", "NR > 1", "people.csv"]),
    ("two columns", [r'csv delim=":" | text "\(."1") \(."3")"', "passwd"], ["gawk", "-F:", "{ print $1, $3 }", "passwd"]),
    ("columns in another order", [r'csv delim=":" | text "\(."7"):\(."1")"', "passwd"],
     ["gawk", "-F:", 'BEGIN { OFS = ":" } { print $7, $1 }', "passwd"]),
    ("long lines", ["grep -E `.{90}`", "access.log"], ["gawk", "length >= 90", "access.log"]),
    ("lines that match a pattern", ["grep -E `^bo|sbin.*nologin$`", "passwd"], ["gawk", "/^bo|sbin.*nologin$/", "passwd"]),
    ("lines that do not match it", ["grep -v -E `^bo|sbin.*nologin$`", "passwd"],
     ["gawk", "!/^bo|sbin.*nologin$/", "passwd"]),
    ("a row as a line of another form", ['csv delim=":" | where ."5" != "" | ."5" + " lives in " + ."6"', "passwd"],
     ["gawk", "-F:", '$5 != "" { print "\\"" $5 " lives in " $6 "\\"" }', "passwd"]),
    ("lines by a number in a column", ['csv delim=":" | where (."3" | tonumber) >= 1000', "passwd"],
     ["gawk", "-F:", "$3 >= 1000", "passwd"]),
    ("lines by the text of a column", ['csv delim=":" | where ."7" =~ `/bash$`', "passwd"],
     ["gawk", "-F:", "$7 ~ /\\/bash$/", "passwd"]),
    ("requests of each status", ['clf | count by .status | text "\(.status) \(.count)"', "access.log"],
     ["gawk", "{ if (!($9 in n)) order[++k] = $9; n[$9]++ } END { for (i = 1; i <= k; i++) print order[i], n[order[i]] }",
      "access.log"]),
    ("bytes sent to each client", ['clf | sum .bytes by .remote | text "\(.remote) \(.sum)"', "access.log"],
     ["gawk", "{ if (!($1 in n)) order[++k] = $1; n[$1] += $10 } END { for (i = 1; i <= k; i++) print order[i], n[order[i]] }",
      "access.log"]),
    ("how many lines", ["count | .count", "access.log"], ["gawk", "END { print NR }", "access.log"]),
    ("the sum of a column", [r'csv delim=":" | sum ."3" | .sum', "passwd"],
     ["gawk", "-F:", "{ s += $3 } END { print s }", "passwd"]),
    ("how many different shells", [r'csv delim=":" | distinct ."7" | .distinct', "passwd"],
     ["gawk", "-F:", "!seen[$7]++ { n++ } END { print n }", "passwd"]),
    ("failures of a server", ["clf | where (.status | tonumber) >= 500", "access.log"], ["gawk", "$9 >= 500", "access.log"]),
    ("requests by method and size", ['clf | where .method == "GET" and (.bytes | tonumber) > 400', "access.log"],
     ["gawk", '$6 == "\\"GET" && $10 > 400', "access.log"]),
)


def values(out):
    """JSON texts, one on each line, with objects as lists of pairs, so that their order counts."""
    return [json.loads(line, object_pairs_hook=lambda pairs: ("object", pairs)) for line in out.splitlines()]


class Tasks(TestCase):
    """One test for each task; made below."""

    def setUp(self):
        super().setUp()
        for name, text in FILES.items():
            self.write(name, text)

    def side_by_side(self, words, other):
        if shutil.which(other[0]) is None:
            if os.environ.get("CI") == "true":
                self.fail(other[0] + " is not installed; in CI nothing is skipped")
            print("**** SKIPPED: %s is not installed ****" % other[0])
            self.skipTest(other[0] + " is not installed")
        wanted = subprocess.run(other, cwd=self.folder, capture_output=True, timeout=PATIENCE_S, check=False)
        self.assertEqual((wanted.returncode, wanted.stderr), (0, b""), other)
        self.assertNotEqual(wanted.stdout, b"", other)
        run = weir(*words, cwd=self.folder)
        self.ends(run, 0)
        self.assertEqual(run.err, "")
        if other[0] == "mlr" and "--ojsonl" in other:
            self.assertEqual(values(run.out), values(wanted.stdout), words)
        else:
            self.assertEqual(run.out.decode(), wanted.stdout.decode(), words)


class Differences(TestCase):
    """What a user of jq or curl does not expect."""

    def run_on(self, text, data, *flags):
        return weir(*flags, text, self.write("in.ndjson", data))

    def refused(self, args, *texts):
        self.ends(weir(*args), 2, *texts)

    def test_a_bar_ends_the_expression_of_where(self):
        self.refused(['f.ndjson | where .m | test("x")'], "where ends at the |", 'write: where (.m | test("x"))')

    def test_an_assignment_is_no_comparison(self):
        self.refused(['f.ndjson | where .t = "x"'], "'=' assigns in jq; to compare write '=='")

    def test_numbers_keep_their_digits(self):
        data = '{"n":10000000000000000001}\n{"n":1.10}\n{"n":1E400}\n'
        self.assertEqual(self.run_on(".n", data).out, b"10000000000000000001\n1.10\n1E400\n")

    def test_a_bad_line_is_skipped_and_told_and_strict_stops(self):
        data = '{"n":1}\n{"n":\n{"n":3}\n'
        run = self.run_on(".n", data)
        self.ends(run, 0, "rejected")
        self.assertEqual(run.out, b"1\n3\n")
        run = self.run_on(".n", data, "--strict")
        self.ends(run, 1)
        self.assertEqual(run.out, b"1\n")

    def test_a_stream_that_is_no_json_says_what_to_write(self):
        self.ends(weir(".[0].n", stdin=b'[\n {"n":1}\n]\n'), 0, "^ values of several lines: write json first")
        self.ends(weir(".n", stdin=b"GET /a\nGET /b\n"), 0, "each line is read as JSON: write csv header, logfmt, clf")
        self.assertNotIn("write json", self.run_on(".n", '{"n":1}\n{"n":\n').err)

    def test_the_last_of_duplicate_keys_counts(self):
        self.assertEqual(self.run_on(".a", '{"a":1,"b":2,"a":3}\n').out, b"3\n")

    def test_what_is_not_changed_comes_as_it_was(self):
        data = b'{ "a" : 1.0, "b":"\\u0041" }\r\n{"a":2 }'
        self.assertEqual(self.run_on("where .a > 0", data).out, data)

    def test_a_field_of_what_is_no_object_rejects_the_item(self):
        data = '{"a":1}\n{"a":{"b":2}}\n'
        run = self.run_on(".a.b", data)
        self.ends(run, 0, 'Cannot index number with "b"')
        self.assertEqual(run.out, b"2\n")
        run = self.run_on(".a.b?", data)
        self.assertEqual((run.out, run.err), (b"2\n", ""))

    def test_a_bar_or_a_quote_in_a_url_is_not_part_of_it(self):
        self.refused(["http://h/f?q=a|b | head 3"], "unknown stage 'b'")
        self.refused(["http://h/it's | head 3"], "' is not closed", 'quote the whole address: "http://h/it\'s"')

    def test_c_is_a_count_s_is_refused_and_there_is_no_n(self):
        self.assertEqual(self.run_on(".a", '{"a":1}\n{"a":2}\n', "-c", "1").out, b"1\n")
        self.refused(["-s", ".a"], "jq -s 'PROGRAM'")
        self.refused(["-n", ".a"], "-n")


def add(tool, tasks):
    for what, words, other in tasks:
        name = "test_%s_%s" % (tool, "".join(c if c.isalnum() else "_" for c in what))
        assert not hasattr(Tasks, name), name
        setattr(Tasks, name, lambda self, words=words, other=other: self.side_by_side(words, other))


add("jq", JQ)
add("miller", MILLER)
add("awk", AWK)

if __name__ == "__main__":
    e2e_support.main()
