/*
 * weir_yield_from: next, send, throw and close go to the innermost generator, its result comes
 * back.
 *
 * A delegating body stands at its yield-from while the reader talks to the delegate; it runs again
 * when the delegate has ended (true), when it was itself closed, or when the delegate failed
 * (false, and weir_catch tells). A close cleans up the innermost first. A delegate without a body
 * cannot be thrown into: it is closed and the failure is pending at the yield-from. The deep
 * programs delegate 10,000 levels and print counts.
 */
#include "sem.h"

struct place {
    weir_scope *scope;
};

struct part {
    const char *name;
    long first, last;
};
/* Gives first..last and returns their sum; Reset begins again; says when and why it ends. */
WEIR_SOURCE(part, struct part)
{
    long sum = 0;
    for (long i = args->first; i <= args->last; i++) {
        if (sem_give(self, i)) {
            sum += i + sem_received(self, 0);
        } else if (weir_catch(self, RESET, NULL)) {
            printf("%s resets\n", args->name);
            sum = 0;
            i = args->first - 1;
        } else {
            printf("%s stops: %s\n", args->name, sem_pending(self));
            return 0;
        }
    }
    printf("%s ends\n", args->name);
    weir_item out = num_item(&sum);
    return weir_return(self, &out);
}

WEIR_SOURCE(whole, struct place)
{
    const weir_item *result;
    long total = 0;
    static const struct part parts[] = {{"left", 1, 3}, {"right", 10, 12}};
    for (size_t i = 0; i < LEN(parts); i++) {
        if (!weir_yield_from(self, part(args->scope, parts[i]), &result)) {
            printf("whole stops: %s\n", sem_pending(self));
            return 0;
        }
        printf("%s returned %ld\n", parts[i].name, *num_of(result));
        total += *num_of(result);
    }
    if (!sem_give(self, total)) {
        return 0;
    }
    weir_item out = num_item(&total);
    return weir_return(self, &out);
}

static void results_come_back(weir_scope *scope)
{
    weir_gen *gen = whole(scope, (struct place){scope});
    sem_do_rest(gen);
    sem_do_result(gen);
    sem_do_finish(gen);
}

static void sends_and_throws_pass_through(weir_scope *scope)
{
    weir_gen *gen = whole(scope, (struct place){scope});
    sem_do_next(gen);
    sem_do_send(gen, 100);
    sem_do_throw(gen, RESET, "again");
    sem_do_send(gen, 5);
    sem_do_next(gen);
    sem_do_next(gen);
    sem_do_throw(gen, RESET, "the second too");
    sem_do_throw(gen, FATAL, "nobody takes it");
    sem_do_next(gen);
    sem_do_finish(gen);
}

static void a_close_passes_through(weir_scope *scope)
{
    for (int items = 0; items <= 7; items += 2) {
        weir_gen *gen = whole(scope, (struct place){scope});
        sem_do_first(gen, items);
        sem_do_finish(gen);
    }
}

WEIR_SOURCE(silent, struct none)
{
    (void)self;
    (void)args;
    printf("silent runs\n");
    return 0;
}

WEIR_SOURCE(around_nothing, struct place)
{
    const weir_item *result;
    for (int i = 0; i < 2; i++) {
        if (!weir_yield_from(self, silent(args->scope, NONE), &result)) {
            return 0;
        }
        printf("result %s\n", result == NULL ? "none" : "some");
    }
    if (!sem_give(self, 1)) {
        return 0;
    }
    return 0;
}

static void a_delegate_that_gives_nothing(weir_scope *scope)
{
    sem_do_all(around_nothing(scope, (struct place){scope}));
}

struct broken {
    long after;
};
WEIR_SOURCE(broken, struct broken)
{
    for (long i = 1; i <= args->after; i++) {
        if (!sem_give(self, i)) {
            return 0;
        }
    }
    return weir_fail(self, WEIR_EPARSE, "broken after %ld", args->after);
}

struct patient {
    weir_scope *scope;
    int code;
};
/* Delegates to three that break one after the other, and catches what has its code. */
WEIR_SOURCE(patient, struct patient)
{
    weir_error error;
    const weir_item *result;
    for (long i = 0; i < 3; i++) {
        if (weir_yield_from(self, broken(args->scope, (struct broken){i}), &result)) {
            printf("it was whole\n");
            continue;
        }
        if (!weir_catch(self, args->code, &error)) {
            printf("cannot bear %s\n", sem_name(error.code));
            return 0;
        }
        printf("bears: %s\n", error.message);
        if (!sem_give(self, 100 + i)) {
            return 0;
        }
    }
    return 0;
}

static void the_failure_of_a_delegate_can_be_caught(weir_scope *scope)
{
    sem_do_all(patient(scope, (struct patient){scope, WEIR_EPARSE}));
    sem_do_all(patient(scope, (struct patient){scope, WEIR_ANY}));
}

static void the_failure_of_a_delegate_carries_on(weir_scope *scope)
{
    weir_gen *gen = patient(scope, (struct patient){scope, RETRY});
    sem_do_rest(gen);
    sem_do_next(gen);
    sem_do_finish(gen);
}

struct catcher {
    weir_scope *scope;
    int code;
};
WEIR_SOURCE(catcher, struct catcher)
{
    weir_error error;
    const weir_item *result;
    if (weir_yield_from(self, part(args->scope, (struct part){"inner", 1, 5}), &result)) {
        printf("not reached\n");
        return 0;
    }
    if (weir_catch(self, args->code, &error)) {
        printf("catcher took %s: %s\n", sem_name(error.code), error.message);
        if (!sem_give(self, -1)) {
            printf("closed at -1\n");
        }
        return 0;
    }
    printf("catcher lets %s go\n", sem_name(error.code));
    return 0;
}

static void what_the_delegate_lets_go_the_delegator_catches(weir_scope *scope)
{
    weir_gen *gen = catcher(scope, (struct catcher){scope, FATAL});
    sem_do_first(gen, 2);
    sem_do_throw(gen, FATAL, "passed by inner");
    sem_do_next(gen);
    sem_do_finish(gen);
    gen = catcher(scope, (struct catcher){scope, WEIR_ANY});
    sem_do_first(gen, 2);
    sem_do_throw(gen, RETRY, "any will do");
    sem_do_finish(gen);
    gen = catcher(scope, (struct catcher){scope, FATAL});
    sem_do_first(gen, 1);
    sem_do_throw(gen, SKIP, "none of ours");
    sem_do_finish(gen);
}

/* Turns a Retry into its result, a Skip into a Fatal. */
WEIR_SOURCE(turning, struct none)
{
    (void)args;
    weir_error error;
    for (long i = 1; sem_give(self, i); i++) {}
    if (weir_catch(self, RETRY, NULL)) {
        long result = 77;
        weir_item out = num_item(&result);
        return weir_return(self, &out);
    }
    if (weir_catch(self, SKIP, &error)) {
        return weir_fail(self, FATAL, "was Skip: %s", error.message);
    }
    return 0;
}

WEIR_SOURCE(around_turning, struct place)
{
    weir_error error;
    const weir_item *result;
    if (weir_yield_from(self, turning(args->scope, NONE), &result)) {
        printf("returned %ld\n", *num_of(result));
    } else if (weir_catch(self, FATAL, &error)) {
        printf("took %s\n", error.message);
    } else {
        printf("leaves by %s\n", sem_name(error.code));
        return 0;
    }
    if (!sem_give(self, 1000)) {
        return 0;
    }
    return 0;
}

static void a_delegate_turns_a_throw_into_something_else(weir_scope *scope)
{
    static const int thrown[] = {RETRY, SKIP, RESET, FATAL};
    for (size_t i = 0; i < LEN(thrown); i++) {
        weir_gen *gen = around_turning(scope, (struct place){scope});
        sem_do_first(gen, 2);
        sem_do_throw(gen, thrown[i], "hey");
        sem_do_next(gen);
        sem_do_finish(gen);
    }
}

WEIR_SOURCE(over_count, struct catcher)
{
    weir_error error;
    const weir_item *result;
    if (weir_yield_from(self, weir_count(args->scope, 1, 4), &result)) {
        printf("counted, result %s\n", result == NULL ? "none" : "some");
    } else if (weir_catch(self, args->code, &error)) {
        printf("pending at the yield-from: %s\n", error.message);
    } else {
        printf("over_count ends by %s\n", sem_name(error.code));
        return 0;
    }
    if (!sem_give_text(self, "after")) {
        return 0;
    }
    return 0;
}

static void a_throw_over_a_delegate_without_a_body(weir_scope *scope)
{
    sem_do_all(over_count(scope, (struct catcher){scope, RESET}));
    weir_gen *gen = over_count(scope, (struct catcher){scope, RESET});
    sem_do_first(gen, 2);
    sem_do_throw(gen, RESET, "caught");
    sem_do_next(gen);
    sem_do_finish(gen);
    gen = over_count(scope, (struct catcher){scope, RESET});
    sem_do_first(gen, 3);
    sem_do_throw(gen, FATAL, "not caught");
    sem_do_next(gen);
    sem_do_finish(gen);
    gen = over_count(scope, (struct catcher){scope, RESET});
    sem_do_first(gen, 1);
    sem_do_finish(gen);
}

struct heir {
    weir_gen *begun;
};
WEIR_SOURCE(heir, struct heir)
{
    const weir_item *result;
    if (!sem_give(self, 0)) {
        weir_discard(args->begun);
        return 0;
    }
    if (!weir_yield_from(self, args->begun, &result)) {
        return 0;
    }
    printf("inherited %ld\n", *num_of(result));
    return 0;
}

static void a_delegate_that_has_begun_elsewhere(weir_scope *scope)
{
    weir_gen *begun = part(scope, (struct part){"begun", 1, 5});
    sem_do_first(begun, 2);
    weir_gen *gen = heir(scope, (struct heir){begun});
    sem_do_all(gen);

    begun = part(scope, (struct part){"begun", 1, 5});
    sem_do_first(begun, 2);
    gen = heir(scope, (struct heir){begun});
    sem_do_first(gen, 2);
    sem_do_finish(gen);
}

WEIR_STAGE(doubled, struct none)
{
    (void)args;
    long value;
    while (sem_take(up, &value) && sem_give(self, 2 * value)) {}
    printf("doubled ends\n");
    return 0;
}

WEIR_SOURCE(over_chain, struct place)
{
    const weir_item *result;
    weir_gen *inner = doubled(part(args->scope, (struct part){"source", 1, 4}), NONE);
    if (!weir_yield_from(self, inner, &result)) {
        printf("over_chain stops: %s\n", sem_pending(self));
        return 0;
    }
    printf("result %s\n", result == NULL ? "none" : "some");
    return 0;
}

static void a_delegate_that_is_a_chain(weir_scope *scope)
{
    sem_do_all(over_chain(scope, (struct place){scope}));
    weir_gen *gen = over_chain(scope, (struct place){scope});
    sem_do_first(gen, 2);
    sem_do_finish(gen);
    gen = over_chain(scope, (struct place){scope});
    sem_do_first(gen, 3);
    sem_do_throw(gen, RETRY, "into the stage, not its source");
    sem_do_finish(gen);
}

WEIR_SOURCE(deaf, struct none)
{
    (void)args;
    if (sem_give(self, 1)) {
        return 0;
    }
    if (sem_give(self, 2)) {
        return 0;
    }
    printf("deaf ends\n");
    return 0;
}

WEIR_SOURCE(over_deaf, struct place)
{
    const weir_item *result;
    if (!weir_yield_from(self, deaf(args->scope, NONE), &result)) {
        printf("over_deaf ends\n");
        return 0;
    }
    printf("not reached\n");
    return 0;
}

static void a_delegate_that_ignores_the_close(weir_scope *scope)
{
    weir_gen *gen = over_deaf(scope, (struct place){scope});
    sem_do_next(gen);
    sem_do_finish(gen);
}

struct depth {
    weir_scope *scope;
    const char *name;
    long left;
};
WEIR_SOURCE(tower, struct depth)
{
    const weir_item *result;
    bool more;
    if (args->left == 0) {
        more = sem_give(self, 1) && sem_give(self, 2);
    } else {
        struct depth below = {args->scope, args->name, args->left - 1};
        more = weir_yield_from(self, tower(args->scope, below), &result);
    }
    printf("%s %ld: %s\n", args->name, args->left, more ? "done" : sem_pending(self));
    return 0;
}

static void a_close_cleans_up_the_innermost_first(weir_scope *scope)
{
    weir_gen *gen = tower(scope, (struct depth){scope, "end", 3});
    sem_do_all(gen);
    gen = tower(scope, (struct depth){scope, "close", 3});
    sem_do_next(gen);
    sem_do_finish(gen);
    gen = tower(scope, (struct depth){scope, "throw", 3});
    sem_do_next(gen);
    sem_do_throw(gen, FATAL, "down to the ground");
    sem_do_finish(gen);
    printf("never started\n");
    sem_do_finish(tower(scope, (struct depth){scope, "nothing", 3}));
}

enum { DEEP = 10000 };

struct deep {
    weir_scope *scope;
    long left;
    long catches_at; /* the level that catches a Retry */
};
static long cleaned, out_of_order;

WEIR_SOURCE(deep, struct deep)
{
    const weir_item *result;
    long sum = 0;
    bool more;
    if (args->left == 0) {
        more = true;
        for (long i = 1; more && i <= 3; i++) {
            more = sem_give(self, i);
            sum += more ? i * sem_received(self, 1) : 0;
        }
    } else {
        struct deep below = {args->scope, args->left - 1, args->catches_at};
        more = weir_yield_from(self, deep(args->scope, below), &result);
        sum = more && result != NULL ? *num_of(result) + 1 : 0;
    }
    out_of_order += cleaned != args->left;
    cleaned++;
    if (!more && args->left == args->catches_at && weir_catch(self, RETRY, NULL)) {
        printf("caught at level %ld\n", args->left);
    }
    weir_item out = num_item(&sum);
    return weir_return(self, &out);
}

static weir_gen *deep_new(weir_scope *scope)
{
    cleaned = out_of_order = 0;
    return deep(scope, (struct deep){scope, DEEP, DEEP / 2});
}

static void ten_thousand_deep(weir_scope *scope)
{
    weir_gen *gen = deep_new(scope);
    sem_do_rest(gen);
    sem_do_result(gen);
    sem_do_finish(gen);
    printf("%ld ended, %ld out of order\n", cleaned, out_of_order);
}

static void a_close_ten_thousand_deep(weir_scope *scope)
{
    weir_gen *gen = deep_new(scope);
    sem_do_first(gen, 2);
    sem_do_finish(gen);
    printf("%ld ended, %ld out of order\n", cleaned, out_of_order);
}

static void a_send_and_a_throw_ten_thousand_deep(weir_scope *scope)
{
    weir_gen *gen = deep_new(scope);
    sem_do_next(gen);
    sem_do_send(gen, 50);
    sem_do_throw(gen, RETRY, "half the way up");
    sem_do_result(gen);
    sem_do_finish(gen);
    printf("%ld ended, %ld out of order\n", cleaned, out_of_order);

    gen = deep_new(scope);
    sem_do_next(gen);
    sem_do_throw(gen, FATAL, "all the way up");
    sem_do_finish(gen);
    printf("%ld ended, %ld out of order\n", cleaned, out_of_order);
}

WEIR_SOURCE(leaves_a_mess, struct none)
{
    (void)args;
    if (sem_give(self, 1)) {
        return 0;
    }
    printf("the delegate fails in its clean-up\n");
    return weir_fail(self, FATAL, "the disk is full");
}

struct copes {
    weir_scope *scope;
    int how;
};
WEIR_SOURCE(copes, struct copes)
{
    if (weir_yield_from(self, leaves_a_mess(args->scope, NONE), NULL)) {
        return 0;
    }
    printf("the delegator sees %s\n", sem_pending(self));
    if (args->how == 0 || !weir_catch(self, FATAL, NULL)) {
        return 0;
    }
    printf("caught\n");
    if (args->how == 2) {
        return weir_fail(self, RESET, "instead");
    }
    if (args->how == 3 && sem_give(self, 2)) {
        printf("went on\n");
    }
    return 0;
}

static void a_clean_up_failure_of_a_delegate_can_be_caught(weir_scope *scope)
{
    for (int how = 0; how < 4; how++) {
        weir_gen *gen = copes(scope, (struct copes){scope, how});
        sem_do_next(gen);
        sem_do_finish(gen);
    }
}

const struct sem_program sem_delegate[] = {
    SEM_PROGRAM(results_come_back),
    SEM_PROGRAM(sends_and_throws_pass_through),
    SEM_PROGRAM(a_close_passes_through),
    SEM_PROGRAM(a_delegate_that_gives_nothing),
    SEM_PROGRAM(the_failure_of_a_delegate_can_be_caught),
    SEM_PROGRAM(the_failure_of_a_delegate_carries_on),
    SEM_PROGRAM(what_the_delegate_lets_go_the_delegator_catches),
    SEM_PROGRAM(a_delegate_turns_a_throw_into_something_else),
    SEM_PROGRAM(a_throw_over_a_delegate_without_a_body),
    SEM_PROGRAM(a_delegate_that_has_begun_elsewhere),
    SEM_PROGRAM(a_delegate_that_is_a_chain),
    SEM_PROGRAM(a_delegate_that_ignores_the_close),
    SEM_PROGRAM(a_close_cleans_up_the_innermost_first),
    SEM_PROGRAM(a_clean_up_failure_of_a_delegate_can_be_caught),
    SEM_PROGRAM(ten_thousand_deep),
    SEM_PROGRAM(a_close_ten_thousand_deep),
    SEM_PROGRAM(a_send_and_a_throw_ten_thousand_deep),
    SEM_END,
};
