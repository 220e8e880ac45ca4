from contextlib import ExitStack, closing
from itertools import count, islice

from sem_common import Reader, numbers


def noisy(last):
    i = 1
    try:
        while i <= last:
            print("make", i)
            yield i
            i += 1
    finally:
        print("source ends at", i)


def evens(up):
    with closing(up):
        for value in up:
            print("look at", value)
            if value % 2 == 0:
                yield value


def squares(up):
    with closing(up):
        for value in up:
            yield value * value


def a_chain_runs_on_demand():
    gen = Reader(squares(evens(noisy(9))))
    print("built")
    gen.next()
    gen.next()
    gen.finish()
    Reader(squares(evens(noisy(3)))).all()


def chunks(up, width):
    with closing(up):
        part = []
        for value in up:
            part.append(str(value))
            if len(part) == width:
                yield ",".join(part)
                part = []
        if part:
            yield ",".join(part)


def chunks_with_a_rest():
    Reader(chunks(numbers(1, 7), 3)).all()
    Reader(chunks(numbers(1, 6), 3)).all()
    Reader(chunks(numbers(1, 0), 3)).all()
    gen = Reader(chunks(noisy(9), 2))
    gen.first(2)
    gen.finish()


def sums(up, width):
    with closing(up):
        window = []
        for value in up:
            window = window[-width + 1:] + [value]
            if len(window) == width:
                yield sum(window)


def sums_over_a_sliding_window():
    Reader(sums(numbers(1, 8), 3)).all()
    Reader(sums(numbers(1, 2), 3)).all()
    Reader(sums(squares(numbers(1, 5)), 2)).all()


def runs(up):
    with closing(up):
        last, seen = None, 0
        for value in up:
            if seen and value != last:
                yield f"{seen}x{last}"
                seen = 0
            last = value
            seen += 1
        if seen:
            yield f"{seen}x{last}"


def values(items):
    yield from items


REPEATED = (4, 4, 7, 7, 7, 4, 9, 9)


def runs_of_equal_values():
    Reader(runs(values(REPEATED))).all()
    Reader(runs(numbers(5, 5))).all()
    Reader(runs(numbers(5, 4))).all()


def dedupe(up):
    with closing(up):
        seen = set()
        for value in up:
            if value not in seen:
                seen.add(value)
                yield value


def each_value_once():
    Reader(dedupe(values(REPEATED))).all()
    Reader(runs(dedupe(values(REPEATED)))).all()


def take_while(up, below):
    with closing(up):
        try:
            for value in up:
                if value >= below:
                    break
                yield value
        finally:
            print("take_while ends")


def drop_while(up, below):
    with closing(up):
        dropping = True
        for value in up:
            dropping = dropping and value < below
            if not dropping:
                yield value


def take_while_and_drop_while():
    Reader(take_while(noisy(9), 3)).all()
    Reader(drop_while(numbers(1, 6), 4)).all()
    Reader(take_while(drop_while(noisy(9), 3), 5)).all()
    Reader(drop_while(values(REPEATED), 5)).all()


def limited(up, most):
    with closing(up):
        for i, value in enumerate(up, 1):
            if i == most:
                up.close()
                yield value
                return
            yield value


def the_limit_closes_early():
    gen = Reader(limited(noisy(100), 2))
    gen.next()
    gen.next()
    gen.next()
    gen.finish()
    Reader(limited(noisy(1), 2)).all()


def zipped(up, second):
    with closing(up), closing(second):
        for a, b in zip(up, second):
            yield f"{a}:{b}"


def zipped_to_the_shorter():
    Reader(zipped(noisy(4), numbers(11, 12))).all()
    Reader(zipped(numbers(1, 2), noisy(4))).all()


def zipped_long(up, second):
    with closing(up), closing(second):
        while True:
            a, b = next(up, None), next(second, None)
            if a is None and b is None:
                return
            yield f"{'-' if a is None else a}:{'-' if b is None else b}"


def zipped_to_the_longer():
    Reader(zipped_long(numbers(1, 3), numbers(7, 11))).all()
    Reader(zipped_long(numbers(1, 2), numbers(9, 9))).all()


def round_robin(*gens):
    with ExitStack() as stack:
        turn = [stack.enter_context(closing(gen)) for gen in gens]
        at = 0
        while turn:
            at %= len(turn)
            try:
                value = next(turn[at])
            except StopIteration:
                turn.pop(at)
                print(f"one is over, {len(turn)} left")
                continue
            yield value
            at += 1


def several_by_turns():
    Reader(round_robin(numbers(1, 3), numbers(10, 10), numbers(20, 23))).all()
    gen = Reader(round_robin(noisy(5), noisy(5)))
    gen.first(3)
    gen.finish()


def merged(up, second):
    with closing(up), closing(second):
        a, b = next(up, None), next(second, None)
        while a is not None or b is not None:
            if a is not None and (b is None or a <= b):
                yield a
                a = next(up, None)
            else:
                yield b
                b = next(second, None)


def two_ascending_ones_are_merged():
    odd, other = (1, 4, 4, 9), (2, 4, 5, 20, 21)
    Reader(merged(values(odd), values(other))).all()
    Reader(merged(numbers(1, 0), values(odd))).all()
    hamming = Reader(merged(squares(numbers(1, 9)), numbers(10, 40)))
    hamming.first(8)
    hamming.finish()


def without_multiples(up, prime):
    with closing(up):
        try:
            for value in up:
                if value % prime != 0:
                    yield value
        finally:
            print(f"filter of {prime} ends")


def primes():
    rest = numbers(2, 1000000)
    try:
        while True:
            prime = next(rest)
            yield prime
            rest = without_multiples(rest, prime)
    finally:
        Reader(rest).finish()


def a_sieve_that_grows():
    gen = Reader(primes())
    gen.first(10)
    gen.finish()


def fibonacci():
    a, b = 0, 1
    try:
        while True:
            yield a
            a, b = b, a + b
    finally:
        print("fibonacci is closed at", a)


def sliced(up, start, stop, step):
    with closing(up):
        yield from islice(up, start, stop, step)


def slices_of_fibonacci():
    Reader(sliced(fibonacci(), 0, 10, 1)).all()
    Reader(sliced(fibonacci(), 5, 20, 4)).all()
    Reader(sliced(sliced(fibonacci(), 0, 50, 2), 0, 5, 2)).all()


def words(up):
    with closing(up):
        for line in up:
            yield from line.split()


def poem():
    try:
        yield "so much depends"
        yield ""
        yield "  upon"
        yield "a red wheel barrow "
    except GeneratorExit:
        print("the poem is cut")
        raise
    print("the poem is over")


def lines_to_words():
    Reader(words(poem())).all()
    gen = Reader(words(poem()))
    gen.first(4)
    gen.finish()


def product(up, most):
    with closing(up):
        for a in up:
            with closing(numbers(1, most)) as inner:
                for b in inner:
                    yield f"{a}x{b}"


def every_pair_of_two():
    Reader(product(numbers(5, 7), 3)).all()
    gen = Reader(product(noisy(3), 2))
    gen.first(3)
    gen.finish()


def counted(up):
    seen = 0
    with closing(up):
        for value in up:
            seen += 1
            sent = yield value
            while sent is not None:
                sent = yield -seen
    return seen


def a_stage_that_listens():
    gen = Reader(counted(noisy(3)))
    gen.send(1)
    gen.next()
    gen.next()
    gen.send(1)
    gen.send(1)
    gen.next()
    gen.next()
    gen.result()
    gen.finish()


def head(up, most):
    with closing(up):
        if most == 0:
            return
        for i, value in enumerate(up, 1):
            if i == most:
                up.close()
            yield value
            if i == most:
                return


def ready_made_stages():
    Reader(x for x in islice(count(5), 4)).all()
    Reader(x for x in range(1, 10) if x % 2 != 0).all()
    Reader(x for x in islice(range(1, 7), 4, None)).all()
    Reader(x for x in range(1, 41) if "3" in str(x)).all()
    Reader(head(noisy(9), 2)).all()
    Reader(head(noisy(9), 0)).all()
    Reader(squares(sliced(head(noisy(9), 4), 2, None, 1))).all()


PROGRAMS = [
    a_chain_runs_on_demand, chunks_with_a_rest, sums_over_a_sliding_window, runs_of_equal_values,
    each_value_once, take_while_and_drop_while, the_limit_closes_early, zipped_to_the_shorter,
    zipped_to_the_longer, several_by_turns, two_ascending_ones_are_merged, a_sieve_that_grows,
    slices_of_fibonacci, lines_to_words, every_pair_of_two, a_stage_that_listens, ready_made_stages,
]
