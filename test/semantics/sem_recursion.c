/*
 * Generators that make generators of their own kind: trees, permutations, puzzles, a parser.
 *
 * Each level is a generator that delegates with weir_yield_from; what a level keeps on its frame
 * (an index, a partly filled array) is untouched while the levels below give their items. Closing
 * in the middle of a recursion unwinds all its levels; some programs here stop early on purpose.
 */
#include "sem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct tree {
    long value;
    const struct tree *left, *right;
};
struct subtree {
    weir_scope *scope;
    const struct tree *tree;
};
WEIR_SOURCE(in_order, struct subtree)
{
    const weir_item *result;
    const struct tree *tree = args->tree;
    if (tree == NULL) {
        return 0;
    }
    struct subtree left = {args->scope, tree->left}, right = {args->scope, tree->right};
    if (!weir_yield_from(self, in_order(args->scope, left), &result) ||
        !sem_give(self, tree->value) ||
        !weir_yield_from(self, in_order(args->scope, right), &result)) {
        printf("leaving %ld\n", tree->value);
        return 0;
    }
    return 0;
}

static const struct tree leaf1 = {1, NULL, NULL}, leaf3 = {3, NULL, NULL}, leaf6 = {6, NULL, NULL};
static const struct tree node2 = {2, &leaf1, &leaf3}, node5 = {5, NULL, &leaf6};
static const struct tree root4 = {4, &node2, &node5};
/* The same values in another shape. */
static const struct tree slope6 = {6, NULL, NULL}, slope5 = {5, NULL, &slope6};
static const struct tree slope4 = {4, NULL, &slope5}, slope3 = {3, NULL, &slope4};
static const struct tree slope2 = {2, NULL, &slope3}, slope1 = {1, NULL, &slope2};

static void a_tree_in_order(weir_scope *scope)
{
    sem_do_all(in_order(scope, (struct subtree){scope, &root4}));
    weir_gen *gen = in_order(scope, (struct subtree){scope, &root4});
    sem_do_first(gen, 3);
    sem_do_finish(gen);
}

static void compare_fringes(weir_scope *scope, const struct tree *a, const struct tree *b)
{
    weir_gen *left = in_order(scope, (struct subtree){scope, a});
    weir_gen *right = in_order(scope, (struct subtree){scope, b});
    long l = 0, r = 0, same = 0;
    for (;;) {
        bool more_left = sem_take(left, &l);
        bool more_right = sem_take(right, &r);
        if (!more_left || !more_right || l != r) {
            const char *why = more_left || more_right ? "different" : "the end";
            printf("%ld the same, then %s\n", same, why);
            break;
        }
        same++;
    }
    sem_do_finish(left);
    sem_do_finish(right);
}

static void two_trees_with_the_same_fringe(weir_scope *scope)
{
    compare_fringes(scope, &root4, &slope1);
    compare_fringes(scope, &root4, &node2);
    compare_fringes(scope, &slope3, &node2);
}

struct text {
    weir_scope *scope;
    const char **at;
};
/* Flattens "1(2(3 4)5)": digits at any depth. The position is shared by all levels. */
WEIR_SOURCE(flatten, struct text)
{
    const weir_item *result;
    while (**args->at != '\0' && **args->at != ')') {
        char c = *(*args->at)++;
        if (c == '(') {
            if (!weir_yield_from(self, flatten(args->scope, *args), &result)) {
                return 0;
            }
            (*args->at)++;
        } else if (isdigit((unsigned char)c) && !sem_give(self, c - '0')) {
            printf("left at %s\n", *args->at);
            return 0;
        }
    }
    return 0;
}

static void a_nested_list_is_flattened(weir_scope *scope)
{
    static const char *const lists[] = {"1(2(3 4)5)6", "((((7))))", "()(()())", ""};
    for (size_t i = 0; i < LEN(lists); i++) {
        const char *at = lists[i];
        sem_do_all(flatten(scope, (struct text){scope, &at}));
    }
    const char *at = "1(2(3 4)5)6";
    weir_gen *gen = flatten(scope, (struct text){scope, &at});
    sem_do_first(gen, 3);
    sem_do_finish(gen);
}

struct word {
    weir_scope *scope;
    char *letters; /* permuted in place */
    size_t fixed;
};
static void swap(char *a, char *b)
{
    char kept = *a;
    *a = *b;
    *b = kept;
}

WEIR_SOURCE(permutations, struct word)
{
    const weir_item *result;
    char *letters = args->letters;
    if (letters[args->fixed] == '\0') {
        return sem_last_text(self, letters);
    }
    for (size_t i = args->fixed; letters[i] != '\0'; i++) {
        swap(&letters[args->fixed], &letters[i]);
        struct word rest = {args->scope, letters, args->fixed + 1};
        bool more = weir_yield_from(self, permutations(args->scope, rest), &result);
        swap(&letters[args->fixed], &letters[i]);
        if (!more) {
            return 0;
        }
    }
    return 0;
}

static void permutations_of_letters(weir_scope *scope)
{
    char letters[] = "abcd";
    sem_do_all(permutations(scope, (struct word){scope, letters, 0}));
    weir_gen *gen = permutations(scope, (struct word){scope, letters, 0});
    sem_do_first(gen, 10);
    sem_do_finish(gen);
    printf("put back: %s\n", letters);
}

struct discs {
    weir_scope *scope;
    int count;
    char from, to, over;
};
WEIR_SOURCE(hanoi, struct discs)
{
    const weir_item *result;
    char move[8];
    if (args->count == 0) {
        return 0;
    }
    struct discs away = {args->scope, args->count - 1, args->from, args->over, args->to};
    struct discs back = {args->scope, args->count - 1, args->over, args->to, args->from};
    snprintf(move, sizeof move, "%d%c%c", args->count, args->from, args->to);
    if (!weir_yield_from(self, hanoi(args->scope, away), &result) || !sem_give_text(self, move) ||
        !weir_yield_from(self, hanoi(args->scope, back), &result)) {
        return 0; /* closed in the middle */
    }
    return 0;
}

static void the_towers_of_hanoi(weir_scope *scope)
{
    sem_do_all(hanoi(scope, (struct discs){scope, 4, 'a', 'c', 'b'}));
    sem_do_all(hanoi(scope, (struct discs){scope, 0, 'a', 'c', 'b'}));
}

enum { BOARD = 6 };
struct board {
    weir_scope *scope;
    int row;
    int *columns; /* one per row that is set */
};
static bool is_free(const int *columns, int row, int column)
{
    for (int i = 0; i < row; i++) {
        if (columns[i] == column || abs(columns[i] - column) == row - i) {
            return false;
        }
    }
    return true;
}

WEIR_SOURCE(queens, struct board)
{
    const weir_item *result;
    if (args->row == BOARD) {
        char text[BOARD + 1] = "";
        for (int i = 0; i < BOARD; i++) {
            text[i] = (char)('0' + args->columns[i]);
        }
        return sem_last_text(self, text);
    }
    for (int column = 0; column < BOARD; column++) {
        if (is_free(args->columns, args->row, column)) {
            args->columns[args->row] = column;
            struct board rest = {args->scope, args->row + 1, args->columns};
            if (!weir_yield_from(self, queens(args->scope, rest), &result)) {
                return 0;
            }
        }
    }
    return 0;
}

static void six_queens(weir_scope *scope)
{
    int columns[BOARD];
    sem_do_all(queens(scope, (struct board){scope, 0, columns}));
}

struct parens {
    weir_scope *scope;
    int open, close; /* still to be placed */
    char text[16];
};
WEIR_SOURCE(parens, struct parens)
{
    const weir_item *result;
    if (args->open == 0 && args->close == 0) {
        return sem_last_text(self, args->text);
    }
    size_t len = strlen(args->text);
    if (args->open > 0) {
        struct parens next = *args;
        next.open--;
        next.text[len] = '(';
        if (!weir_yield_from(self, parens(args->scope, next), &result)) {
            return 0;
        }
    }
    if (args->close > args->open) {
        struct parens next = *args;
        next.close--;
        next.text[len] = ')';
        if (!weir_yield_from(self, parens(args->scope, next), &result)) {
            return 0;
        }
    }
    return 0;
}

static void balanced_parentheses(weir_scope *scope)
{
    sem_do_all(parens(scope, (struct parens){scope, 3, 3, ""}));
    weir_gen *gen = parens(scope, (struct parens){scope, 4, 4, ""});
    sem_do_first(gen, 6);
    sem_do_finish(gen);
}

/* Gray codes of n bits: the first half, then the mirrored second half with the bit set. */
struct gray {
    weir_scope *scope;
    int bits;
    bool mirrored;
};
WEIR_SOURCE(gray, struct gray)
{
    long value;
    if (args->bits == 0) {
        return sem_last(self, 0);
    }
    for (int half = 0; half < 2; half++) {
        bool set = args->mirrored ? half == 0 : half == 1;
        struct gray below = {args->scope, args->bits - 1, half == 1};
        weir_gen *rest = gray(args->scope, below);
        weir_adopt(self, rest);
        while (sem_take(rest, &value)) {
            if (!sem_give(self, value + (set ? 1L << (args->bits - 1) : 0))) {
                return 0;
            }
        }
        sem_do_finish(rest);
    }
    return 0;
}

static void gray_codes(weir_scope *scope)
{
    sem_do_all(gray(scope, (struct gray){scope, 3, false}));
}

/* sum := term ('+' term)*, term := digit | '(' sum ')': gives the digits as it reads them, returns
 * the value. */
WEIR_SOURCE(sum, struct text)
{
    const weir_item *result;
    long total = 0;
    for (;;) {
        char c = *(*args->at)++;
        if (c == '(') {
            if (!weir_yield_from(self, sum(args->scope, *args), &result)) {
                return 0;
            }
            total += *num_of(result);
            if (*(*args->at)++ != ')') {
                return weir_fail(self, WEIR_EPARSE, "a bracket is open");
            }
        } else if (isdigit((unsigned char)c)) {
            if (!sem_give(self, c - '0')) {
                return 0;
            }
            total += c - '0';
        } else {
            return weir_fail(self, WEIR_EPARSE, "a digit was expected");
        }
        if (**args->at != '+') {
            break;
        }
        (*args->at)++;
    }
    weir_item out = num_item(&total);
    return weir_return(self, &out);
}

static void a_parser_by_recursive_descent(weir_scope *scope)
{
    static const char *const texts[] = {"1+2", "(1+(2+3))+4", "((8))", "1+(2+", "(1+2"};
    for (size_t i = 0; i < LEN(texts); i++) {
        char text[24];
        snprintf(text, sizeof text, "%s.", texts[i]);
        const char *at = text;
        weir_gen *gen = sum(scope, (struct text){scope, &at});
        sem_do_rest(gen);
        sem_do_result(gen);
        sem_do_finish(gen);
    }
}

/* Two kinds that call each other: even levels give letters, odd ones digits. */
struct level {
    weir_scope *scope;
    int left;
};
static weir_gen *odd_new(weir_scope *scope, struct level level);

WEIR_SOURCE(even, struct level)
{
    const weir_item *result;
    if (!sem_give_text(self, "e") || args->left == 0) {
        return 0;
    }
    struct level below = {args->scope, args->left - 1};
    if (!weir_yield_from(self, odd_new(args->scope, below), &result)) {
        printf("even %d is cut\n", args->left);
        return 0;
    }
    return sem_last_text(self, "E");
}

WEIR_SOURCE(odd, struct level)
{
    const weir_item *result;
    if (!sem_give(self, args->left) || args->left == 0) {
        return 0;
    }
    struct level below = {args->scope, args->left - 1};
    if (!weir_yield_from(self, even(args->scope, below), &result)) {
        printf("odd %d is cut\n", args->left);
        return 0;
    }
    return sem_last(self, -args->left);
}

static weir_gen *odd_new(weir_scope *scope, struct level level)
{
    return odd(scope, level);
}

static void two_kinds_by_turns(weir_scope *scope)
{
    sem_do_all(even(scope, (struct level){scope, 4}));
    weir_gen *gen = even(scope, (struct level){scope, 4});
    sem_do_first(gen, 4);
    sem_do_finish(gen);
}

const struct sem_program sem_recursion[] = {
    SEM_PROGRAM(a_tree_in_order),
    SEM_PROGRAM(two_trees_with_the_same_fringe),
    SEM_PROGRAM(a_nested_list_is_flattened),
    SEM_PROGRAM(permutations_of_letters),
    SEM_PROGRAM(the_towers_of_hanoi),
    SEM_PROGRAM(six_queens),
    SEM_PROGRAM(balanced_parentheses),
    SEM_PROGRAM(gray_codes),
    SEM_PROGRAM(a_parser_by_recursive_descent),
    SEM_PROGRAM(two_kinds_by_turns),
    SEM_END,
};
