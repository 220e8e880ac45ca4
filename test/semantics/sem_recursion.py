from contextlib import closing
from itertools import zip_longest

from sem_common import Parse, Reader


def in_order(tree):
    if tree is None:
        return
    value, left, right = tree
    try:
        yield from in_order(left)
        yield value
        yield from in_order(right)
    except GeneratorExit:
        print(f"leaving {value}")
        raise


NODE2 = (2, (1, None, None), (3, None, None))
ROOT4 = (4, NODE2, (5, None, (6, None, None)))
SLOPE3 = (3, None, (4, None, (5, None, (6, None, None))))
SLOPE1 = (1, None, (2, None, SLOPE3))


def a_tree_in_order():
    Reader(in_order(ROOT4)).all()
    gen = Reader(in_order(ROOT4))
    gen.first(3)
    gen.finish()


def compare_fringes(a, b):
    left, right = in_order(a), in_order(b)
    same = 0
    for x, y in zip_longest(left, right):
        if x != y:
            print(f"{same} the same, then different")
            break
        same += 1
    else:
        print(f"{same} the same, then the end")
    Reader(left).finish()
    Reader(right).finish()


def two_trees_with_the_same_fringe():
    compare_fringes(ROOT4, SLOPE1)
    compare_fringes(ROOT4, NODE2)
    compare_fringes(SLOPE3, NODE2)


def flatten(text):
    while text and text[0] != ")":
        c = text.pop(0)
        if c == "(":
            yield from flatten(text)
            text.pop(0)
        elif c.isdigit():
            try:
                yield int(c)
            except GeneratorExit:
                print("left at", "".join(text))
                raise


def a_nested_list_is_flattened():
    for text in ("1(2(3 4)5)6", "((((7))))", "()(()())", ""):
        Reader(flatten(list(text))).all()
    gen = Reader(flatten(list("1(2(3 4)5)6")))
    gen.first(3)
    gen.finish()


def permutations(letters, fixed):
    if fixed == len(letters):
        yield "".join(letters)
        return
    for i in range(fixed, len(letters)):
        letters[fixed], letters[i] = letters[i], letters[fixed]
        try:
            yield from permutations(letters, fixed + 1)
        finally:
            letters[fixed], letters[i] = letters[i], letters[fixed]


def permutations_of_letters():
    letters = list("abcd")
    Reader(permutations(letters, 0)).all()
    gen = Reader(permutations(letters, 0))
    gen.first(10)
    gen.finish()
    print("put back:", "".join(letters))


def hanoi(count, start, to, over):
    if count > 0:
        yield from hanoi(count - 1, start, over, to)
        yield f"{count}{start}{to}"
        yield from hanoi(count - 1, over, to, start)


def the_towers_of_hanoi():
    Reader(hanoi(4, "a", "c", "b")).all()
    Reader(hanoi(0, "a", "c", "b")).all()


def queens(columns):
    row = len(columns)
    if row == 6:
        yield "".join(map(str, columns))
        return
    for column in range(6):
        if all(c != column and abs(c - column) != row - i for i, c in enumerate(columns)):
            yield from queens(columns + [column])


def six_queens():
    Reader(queens([])).all()


def parens(opening, closing_left, text):
    if opening == 0 and closing_left == 0:
        yield text
        return
    if opening > 0:
        yield from parens(opening - 1, closing_left, text + "(")
    if closing_left > opening:
        yield from parens(opening, closing_left - 1, text + ")")


def balanced_parentheses():
    Reader(parens(3, 3, "")).all()
    gen = Reader(parens(4, 4, ""))
    gen.first(6)
    gen.finish()


def gray(bits, mirrored):
    if bits == 0:
        yield 0
        return
    for half in (0, 1):
        bit = 1 << (bits - 1) if (half == 0) == mirrored else 0
        with closing(gray(bits - 1, half == 1)) as rest:
            for value in rest:
                yield value + bit
            Reader(rest).finish()


def gray_codes():
    Reader(gray(3, False)).all()


def total_of(text):
    total = 0
    while True:
        c = text.pop(0)
        if c == "(":
            total += yield from total_of(text)
            if text.pop(0) != ")":
                raise Parse("a bracket is open")
        elif c.isdigit():
            yield int(c)
            total += int(c)
        else:
            raise Parse("a digit was expected")
        if text[0] != "+":
            return total
        text.pop(0)


def a_parser_by_recursive_descent():
    for text in ("1+2", "(1+(2+3))+4", "((8))", "1+(2+", "(1+2"):
        gen = Reader(total_of(list(text + ".")))
        gen.rest()
        gen.result()
        gen.finish()


def even(left):
    yield "e"
    if left == 0:
        return
    try:
        yield from odd(left - 1)
    except GeneratorExit:
        print(f"even {left} is cut")
        raise
    yield "E"


def odd(left):
    yield left
    if left == 0:
        return
    try:
        yield from even(left - 1)
    except GeneratorExit:
        print(f"odd {left} is cut")
        raise
    yield -left


def two_kinds_by_turns():
    Reader(even(4)).all()
    gen = Reader(even(4))
    gen.first(4)
    gen.finish()


PROGRAMS = [
    a_tree_in_order, two_trees_with_the_same_fringe, a_nested_list_is_flattened,
    permutations_of_letters, the_towers_of_hanoi, six_queens, balanced_parentheses, gray_codes,
    a_parser_by_recursive_descent, two_kinds_by_turns,
]
