from contextlib import closing

from sem_common import Fatal, Parse, Reader, Retry, Skip, name


def flaky(good, failure):
    try:
        yield from range(1, good + 1)
    except BaseException as error:
        print("flaky is stopped by", name(error))
        raise
    if failure is not None:
        raise failure(f"no item {good + 1}")
    print("flaky ends")


def passing(up, what):
    with closing(up):
        try:
            for value in up:
                yield value * 10
        finally:
            print(f"{what} is cleaned up")


def three(gen):
    return passing(passing(passing(gen, "first"), "second"), "third")


def a_failure_travels_through_three_stages():
    gen = Reader(three(flaky(2, Parse)))
    gen.next()
    gen.next()
    gen.next()
    gen.next()
    gen.finish()
    Reader(three(flaky(0, Fatal))).all()
    Reader(three(flaky(1, None))).all()


def forgive(up, code):
    with closing(up):
        try:
            for value in up:
                yield value
        except code as error:
            print(f"forgave {name(error)}: {error}")
        except Exception as error:
            print("there was", name(error))
            raise
        else:
            print("there was nothing to forgive")
            return
        yield -1


def a_forgiving_stage_in_the_middle():
    for failure in (Parse, Fatal, None):
        Reader(passing(forgive(passing(flaky(2, failure), "before"), Parse), "after")).all()
    gen = Reader(forgive(flaky(1, Retry), Exception))
    gen.first(2)
    gen.finish()


def fallback(up):
    with closing(up):
        try:
            for value in up:
                yield value
            return
        except Exception as error:
            print("falls back after:", error)
        with closing(flaky(3, Fatal)) as other:
            for value in other:
                yield value + 100


def a_second_source_when_the_first_breaks():
    Reader(fallback(flaky(2, Parse))).all()
    gen = Reader(fallback(flaky(2, Parse)))
    gen.first(4)
    gen.finish()
    Reader(fallback(flaky(2, None))).all()


def retrying(heal_at):
    for attempt in (1, 2, 3):
        with closing(flaky(attempt, None if attempt == heal_at else Retry)) as gen:
            try:
                for value in gen:
                    yield attempt * 10 + value
                return
            except Retry as error:
                print(f"attempt {attempt}: {error}")
    raise Fatal("three attempts")


def a_source_is_tried_again():
    Reader(retrying(1)).all()
    Reader(retrying(3)).all()
    Reader(retrying(4)).all()


def pairs(up):
    with closing(up):
        first = None
        failure = None
        try:
            for value in up:
                if first is None:
                    first = value
                else:
                    yield f"{first}+{value}"
                    first = None
        except Parse as error:
            failure = error
        if first is not None:
            yield str(first)
        if failure is not None:
            raise failure


def the_part_chunk_comes_before_the_failure():
    gen = Reader(pairs(flaky(3, Parse)))
    gen.next()
    gen.next()
    gen.next()
    gen.finish()
    Reader(pairs(flaky(4, Parse))).all()
    Reader(pairs(flaky(3, None))).all()


def check(up, below):
    with closing(up):
        for value in up:
            if value >= below:
                raise Parse(f"{value} is too large")
            yield value


def a_failing_stage_closes_what_it_reads():
    Reader(check(three(flaky(9, None)), 3000)).all()
    Reader(three(check(flaky(9, Fatal), 2))).all()
    Reader(check(flaky(1, Fatal), 2)).all()


def alternate(up, second):
    with closing(up), closing(second):
        try:
            while True:
                for gen, more in ((up, 0), (second, 100)):
                    try:
                        value = next(gen)
                    except StopIteration:
                        return
                    yield value + more
        finally:
            print("alternate ends")


def one_of_two_fails():
    Reader(alternate(flaky(2, Retry), flaky(9, None))).all()
    Reader(alternate(flaky(9, None), flaky(2, Retry))).all()
    Reader(alternate(flaky(9, None), forgive(flaky(2, Retry), Retry))).all()


def a_throw_reaches_the_last_stage_only():
    gen = Reader(three(flaky(9, None)))
    gen.next()
    gen.throw(Fatal("at the end of the chain"))
    gen.next()
    gen.finish()


def translate(up):
    with closing(up):
        try:
            for value in up:
                yield value
        except Parse as error:
            raise Fatal(f"translated: {error}") from error


def a_failure_is_translated():
    Reader(translate(flaky(2, Parse))).all()
    Reader(translate(flaky(2, Retry))).all()
    Reader(forgive(translate(flaky(1, Parse)), Parse)).all()
    Reader(forgive(translate(flaky(1, Parse)), Fatal)).all()


def leaky():
    i = 1
    try:
        while True:
            yield i
            i += 1
    finally:
        print("leaky cleans up")
        raise Fatal("the clean-up failed")


def two_of(up):
    with closing(up):
        try:
            for _ in range(2):
                yield next(up)
        finally:
            print("two_of ends")


def a_failing_clean_up_upstream_is_told():
    Reader(two_of(leaky())).all()
    gen = Reader(two_of(leaky()))
    gen.next()
    gen.finish()
    gen = Reader(two_of(leaky()))
    gen.finish()


def preface(up):
    with closing(up):
        try:
            yield from flaky(1, Skip)
        except Skip:
            pass
        except BaseException as error:
            print("preface ends by", name(error))
            raise
        try:
            for value in up:
                yield value + 50
        finally:
            print("preface ends")


def a_stage_that_delegates_and_reads():
    Reader(preface(flaky(2, Retry))).all()
    for items in (1, 2):
        gen = Reader(preface(flaky(2, Retry)))
        gen.first(items)
        gen.throw(Fatal("thrown"))
        gen.finish()


PROGRAMS = [
    a_failure_travels_through_three_stages, a_forgiving_stage_in_the_middle,
    a_second_source_when_the_first_breaks, a_source_is_tried_again,
    the_part_chunk_comes_before_the_failure, a_failing_stage_closes_what_it_reads, one_of_two_fails,
    a_throw_reaches_the_last_stage_only, a_failure_is_translated,
    a_failing_clean_up_upstream_is_told, a_stage_that_delegates_and_reads,
]
