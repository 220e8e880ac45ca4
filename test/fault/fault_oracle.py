"""What must hold of a stream whose reader was killed again and again.

The lines are `seq,crc32,payload`, or any others of which the whole list is known. With `lines`, what
has arrived so far, in its order, and the number of kills:

    I1  no line is lost: each is there at least once, when a run has ended with status 0
    I2  there are at most kills * W more, W being the lines of 100 ms, of the time of a save and of one
        batch; none where the run says exactly-once-effect
    I3  the first copies are in order, and what is repeated begins at a line that follows one that
        had arrived
    I4  each copy is the line byte for byte
    I5  what a state says is safe has arrived (looked at after each kill)
    I6  the last run ends, and a line that is written then passes, in time
    I7  what breaks I1 has not ended with status 0 (I1 is asked after each such end)
"""

import zlib


class Violation(AssertionError):
    pass


def numbered_lines(first, count, random):
    """Lines `seq,crc32,payload`, without line ends."""
    lines = []
    for number in range(first, first + count):
        payload = "".join(random.choices("abcdefghijklmnopqrstuvwxyz \u00e9\u20ac,", k=random.randrange(0, 90)))
        payload = payload.encode()
        lines.append(b"%d,%08x,%s" % (number, zlib.crc32(payload), payload))
    return lines


def is_whole(line):
    """Whether a line is its own proof."""
    number, _, rest = line.partition(b",")
    crc, _, payload = rest.partition(b",")
    return number.isdigit() and crc == b"%08x" % zlib.crc32(payload)


class Ledger:
    """What has arrived of the lines of one stream."""

    def __init__(self, expected):
        self.expected = expected
        self.place = {line: at for at, line in enumerate(expected)}
        if len(self.place) != len(expected):
            raise AssertionError("void: two lines are the same")

    def look(self, lines):
        """(how many of the first lines are there without a gap, how many are there twice)."""
        highest, seen, twice = -1, set(), 0
        for line in lines:
            at = self.place.get(line)
            if at is None:
                raise Violation("I4: torn, merged or changed: %r" % line[:200])
            if at > highest + 1:
                raise Violation("I3: line %d follows line %d" % (at + 1, highest + 1))
            highest = max(highest, at)
            twice += at in seen
            seen.add(at)
        return highest + 1, twice

    def ended(self, lines, kills, window, exactly_once):
        """After a run that ended with status 0. Returns the number of duplicates."""
        there, twice = self.look(lines)
        if there != len(self.expected):
            raise Violation("I1, I7: %d of %d lines are there, and the status is 0" % (there, len(self.expected)))
        if exactly_once and twice:
            raise Violation("I2: %d duplicates where it says exactly-once-effect" % twice)
        if twice > kills * window:
            raise Violation("I2: %d duplicates after %d kills, the bound is %d" % (twice, kills, kills * window))
        return twice
