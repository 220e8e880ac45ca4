/*
 * weir_throw and weir_fail: failures that come in from the reader, and failures of a body's own.
 *
 * A thrown failure makes the pending yield return false. weir_catch(self, CODE) is "except CODE":
 * once it has taken the failure the body goes on as if nothing had happened, and its next yield
 * answers the throw. What is not caught carries on whatever the body does, so bodies here may
 * return 0 without hiding anything. Raising a caught failure again is catching it and failing with
 * what was told.
 */
#include "sem.h"

WEIR_SOURCE(counting, struct none)
{
    (void)args;
    long i = 0;
    while (sem_give(self, i)) {
        i++;
    }
    printf("stopped at %ld by %s\n", i, sem_pending(self));
    return 0;
}

static void an_uncaught_throw_ends_the_body(weir_scope *scope)
{
    weir_gen *gen = counting(scope, NONE);
    sem_do_first(gen, 3);
    sem_do_throw(gen, FATAL, "boom");
    sem_do_next(gen);
    sem_do_next(gen);
    sem_do_finish(gen);
}

static void a_throw_before_the_start_runs_nothing(weir_scope *scope)
{
    weir_gen *gen = counting(scope, NONE);
    sem_do_throw(gen, RESET, "not even begun");
    sem_do_next(gen);
    sem_do_finish(gen);
}

/* Counts up; Reset begins again, Skip leaves one out. */
WEIR_SOURCE(resettable, struct none)
{
    (void)args;
    long i = 1;
    for (;;) {
        if (sem_give(self, i)) {
            i++;
        } else if (weir_catch(self, RESET, NULL)) {
            printf("reset at %ld\n", i);
            i = 1;
        } else if (weir_catch(self, SKIP, NULL)) {
            printf("skip after %ld\n", i);
            i += 2;
        } else {
            break;
        }
    }
    printf("left at %ld\n", i);
    return 0;
}

static void a_caught_throw_goes_on(weir_scope *scope)
{
    weir_gen *gen = resettable(scope, NONE);
    sem_do_first(gen, 3);
    sem_do_throw(gen, SKIP, "");
    sem_do_next(gen);
    sem_do_throw(gen, RESET, "");
    sem_do_next(gen);
    sem_do_finish(gen);
}

static void thrown_again_and_again(weir_scope *scope)
{
    weir_gen *gen = resettable(scope, NONE);
    sem_do_next(gen);
    sem_do_throw(gen, SKIP, "");
    sem_do_throw(gen, SKIP, "");
    sem_do_throw(gen, RESET, "");
    sem_do_throw(gen, RESET, "");
    sem_do_throw(gen, RETRY, "nobody knows this one");
    sem_do_finish(gen);
}

WEIR_SOURCE(collect, struct none)
{
    (void)args;
    long sum = 0;
    weir_error error;
    while (sem_give(self, sum)) {
        sum += sem_received(self, 0);
    }
    if (!weir_catch(self, SKIP, &error)) {
        return 0;
    }
    printf("told to stop: %s\n", error.message);
    weir_item total = num_item(&sum);
    return weir_return(self, &total);
}

static void caught_and_returned(weir_scope *scope)
{
    weir_gen *gen = collect(scope, NONE);
    sem_do_next(gen);
    sem_do_send(gen, 30);
    sem_do_send(gen, 12);
    sem_do_throw(gen, SKIP, "that is enough");
    sem_do_result(gen);
    sem_do_next(gen);
    sem_do_finish(gen);
}

WEIR_SOURCE(witness, struct none)
{
    (void)args;
    weir_error error;
    if (sem_give(self, 1)) {
        return 0;
    }
    if (weir_catch(self, FATAL, &error)) {
        printf("saw %s\n", error.message);
        return weir_fail(self, error.code, "%s", error.message);
    }
    return 0;
}

static void caught_and_raised_again(weir_scope *scope)
{
    weir_gen *gen = witness(scope, NONE);
    sem_do_next(gen);
    sem_do_throw(gen, FATAL, "the ship");
    sem_do_next(gen);
    sem_do_finish(gen);
}

WEIR_SOURCE(translator, struct none)
{
    (void)args;
    weir_error error;
    for (long i = 1;; i++) {
        if (sem_give(self, i)) {
            continue;
        }
        if (weir_catch(self, RETRY, &error)) {
            return weir_fail(self, FATAL, "item %ld: %s", i, error.message);
        }
        return 0;
    }
}

static void caught_and_another_raised(weir_scope *scope)
{
    weir_gen *gen = translator(scope, NONE);
    sem_do_first(gen, 2);
    sem_do_throw(gen, RETRY, "too slow");
    sem_do_finish(gen);
    gen = translator(scope, NONE);
    sem_do_first(gen, 2);
    sem_do_throw(gen, SKIP, "not translated");
    sem_do_finish(gen);
}

WEIR_SOURCE(picky, struct none)
{
    (void)args;
    weir_error error;
    if (sem_give(self, 1)) {
        return 0;
    }
    static const int wanted[] = {RESET, RETRY};
    for (size_t i = 0; i < LEN(wanted); i++) {
        if (weir_catch(self, wanted[i], &error)) {
            printf("took %s\n", sem_name(error.code));
            return 0;
        }
        printf("not %s but %s: %s\n", sem_name(wanted[i]), sem_name(error.code), error.message);
    }
    return 0;
}

static void the_wrong_code_stays_pending(weir_scope *scope)
{
    static const int thrown[] = {RESET, RETRY, FATAL};
    for (size_t i = 0; i < LEN(thrown); i++) {
        weir_gen *gen = picky(scope, NONE);
        sem_do_next(gen);
        sem_do_throw(gen, thrown[i], "hm");
        sem_do_finish(gen);
    }
}

WEIR_SOURCE(stoic, struct none)
{
    (void)args;
    weir_error error;
    for (long i = 0;;) {
        if (sem_give(self, i)) {
            i++;
        } else if (weir_catch(self, WEIR_ANY, &error)) {
            printf("bears %s: %s\n", sem_name(error.code), error.message);
        } else {
            printf("ends by %s\n", sem_name(error.code));
            return 0;
        }
    }
}

static void any_takes_whatever_is_thrown(weir_scope *scope)
{
    weir_gen *gen = stoic(scope, NONE);
    sem_do_first(gen, 2);
    sem_do_throw(gen, RESET, "one");
    sem_do_throw(gen, FATAL, "two");
    sem_do_throw(gen, WEIR_EPARSE, "three");
    sem_do_next(gen);
    sem_do_finish(gen);
}

static bool careful(weir_gen *self, long value)
{
    if (sem_give(self, value)) {
        return true;
    }
    if (weir_catch(self, RESET, NULL)) {
        printf("the helper took it at %ld\n", value);
        return true;
    }
    printf("the helper passes on %s\n", sem_pending(self));
    return false;
}

WEIR_SOURCE(layered, struct none)
{
    (void)args;
    for (long i = 1; i <= 5; i++) {
        if (careful(self, i)) {
            continue;
        }
        if (!weir_catch(self, RETRY, NULL)) {
            break;
        }
        printf("the body took it at %ld\n", i);
    }
    printf("layered ends\n");
    return 0;
}

static void the_innermost_call_is_asked_first(weir_scope *scope)
{
    weir_gen *gen = layered(scope, NONE);
    sem_do_next(gen);
    sem_do_throw(gen, RESET, "");
    sem_do_throw(gen, RETRY, "");
    sem_do_next(gen);
    sem_do_throw(gen, SKIP, "neither of them");
    sem_do_finish(gen);
}

/* In C an ignored false is a habit to survive: the yields after it give nothing and the failure
 * carries on. */
WEIR_SOURCE(careless, struct none)
{
    (void)args;
    int refused = 0;
    for (long i = 1; i <= 4; i++) {
        refused += sem_give(self, i) ? 0 : 1;
    }
    return refused > 0 ? 0 : weir_fail(self, RETRY, "nothing was thrown");
}

static void an_ignored_throw_carries_on(weir_scope *scope)
{
    for (int items = 1; items <= 3; items++) {
        weir_gen *gen = careless(scope, NONE);
        sem_do_first(gen, items);
        sem_do_throw(gen, FATAL, "not to be hidden");
        sem_do_next(gen);
        sem_do_finish(gen);
    }
}

struct failing {
    long after;
};
WEIR_SOURCE(failing, struct failing)
{
    for (long i = 0; i < args->after; i++) {
        if (!sem_give(self, i)) {
            return 0;
        }
    }
    return weir_fail(self, WEIR_EPARSE, "after %ld items", args->after);
}

static void a_failure_of_its_own_comes_after_the_items(weir_scope *scope)
{
    for (long after = 0; after < 3; after++) {
        weir_gen *gen = failing(scope, (struct failing){after});
        sem_do_rest(gen);
        sem_do_next(gen);
        sem_do_finish(gen);
    }
    weir_gen *gen = failing(scope, (struct failing){2});
    sem_do_first(gen, 2);
    sem_do_finish(gen);
}

WEIR_SOURCE(attempts, struct none)
{
    (void)args;
    weir_error error = {0};
    for (long attempt = 1; attempt <= 3; attempt++) {
        printf("attempt %ld\n", attempt);
        if (sem_give(self, attempt)) {
            printf("attempt %ld is good\n", attempt);
            return 0;
        }
        if (!weir_catch(self, RETRY, &error)) {
            return 0;
        }
    }
    return weir_fail(self, FATAL, "given up after: %s", error.message);
}

static void a_budget_of_attempts(weir_scope *scope)
{
    weir_gen *gen = attempts(scope, NONE);
    sem_do_next(gen);
    sem_do_throw(gen, RETRY, "busy");
    sem_do_next(gen);
    sem_do_finish(gen);

    gen = attempts(scope, NONE);
    sem_do_next(gen);
    sem_do_throw(gen, RETRY, "busy");
    sem_do_throw(gen, RETRY, "still busy");
    sem_do_throw(gen, RETRY, "gone");
    sem_do_finish(gen);
}

/* A circuit breaker: two failures open it, one success or a Reset closes it. */
WEIR_SOURCE(breaker, struct none)
{
    (void)args;
    int failures = 0;
    for (;;) {
        if (sem_give_text(self, failures >= 2 ? "open" : failures == 1 ? "shaky" : "closed")) {
            if (failures < 2) {
                failures = 0;
            }
        } else if (weir_catch(self, RETRY, NULL)) {
            failures++;
        } else if (weir_catch(self, RESET, NULL)) {
            failures = 0;
        } else {
            return 0;
        }
    }
}

static void a_circuit_breaker(weir_scope *scope)
{
    weir_gen *gen = breaker(scope, NONE);
    sem_do_next(gen);
    sem_do_throw(gen, RETRY, "");
    sem_do_next(gen);
    sem_do_throw(gen, RETRY, "");
    sem_do_throw(gen, RETRY, "");
    sem_do_next(gen);
    sem_do_throw(gen, RESET, "");
    sem_do_next(gen);
    sem_do_finish(gen);
}

WEIR_SOURCE(fragile, struct none)
{
    (void)args;
    if (sem_give_text(self, "work")) {
        return 0;
    }
    if (!weir_catch(self, RESET, NULL)) {
        return 0;
    }
    if (!sem_give_text(self, "handling")) {
        printf("hit while handling by %s\n", sem_pending(self));
        return 0;
    }
    if (!sem_give_text(self, "handled")) {
        return 0;
    }
    return 0;
}

static void thrown_at_while_handling(weir_scope *scope)
{
    weir_gen *gen = fragile(scope, NONE);
    sem_do_next(gen);
    sem_do_throw(gen, RESET, "first");
    sem_do_throw(gen, FATAL, "second");
    sem_do_finish(gen);
    gen = fragile(scope, NONE);
    sem_do_next(gen);
    sem_do_throw(gen, RESET, "first");
    sem_do_throw(gen, RESET, "the same again");
    sem_do_finish(gen);
    gen = fragile(scope, NONE);
    sem_do_next(gen);
    sem_do_throw(gen, RESET, "only");
    sem_do_all(gen);
}

/* Sums what is sent; Skip commits the sum, Reset rolls back to the last commit. */
WEIR_SOURCE(transaction, struct none)
{
    (void)args;
    long committed = 0, pending = 0;
    for (;;) {
        if (sem_give(self, committed + pending)) {
            pending += sem_received(self, 0);
        } else if (weir_catch(self, SKIP, NULL)) {
            committed += pending;
            pending = 0;
            printf("commit %ld\n", committed);
        } else if (weir_catch(self, RESET, NULL)) {
            printf("rollback %ld\n", pending);
            pending = 0;
        } else {
            break;
        }
    }
    printf("lost %ld, kept %ld\n", pending, committed);
    return 0;
}

static void sends_and_throws_by_turns(weir_scope *scope)
{
    weir_gen *gen = transaction(scope, NONE);
    sem_do_next(gen);
    sem_do_send(gen, 5);
    sem_do_send(gen, 6);
    sem_do_throw(gen, SKIP, "");
    sem_do_send(gen, 100);
    sem_do_throw(gen, RESET, "");
    sem_do_send(gen, 7);
    sem_do_throw(gen, FATAL, "power cut");
    sem_do_finish(gen);
}

static void a_throw_after_the_end_is_told(weir_scope *scope)
{
    weir_gen *gen = sem_numbers(scope, 1, 2);
    sem_do_rest(gen);
    sem_do_throw(gen, RESET, "too late");
    sem_do_throw(gen, FATAL, "later still");
    sem_do_next(gen);
    sem_do_finish(gen);
    gen = fragile(scope, NONE);
    sem_do_next(gen);
    sem_do_throw(gen, FATAL, "the first");
    sem_do_throw(gen, RESET, "too late");
    sem_do_finish(gen);
}

WEIR_SOURCE(takes_all, struct none)
{
    (void)args;
    for (long i = 1;; i++) {
        if (sem_give(self, i)) {
            continue;
        }
        if (weir_catch(self, WEIR_ANY, NULL)) {
            printf("any takes it\n");
        } else if (weir_catch(self, WEIR_ECLOSED, NULL)) {
            printf("taken as a close\n");
        } else if (weir_catch(self, WEIR_ECANCELED, NULL)) {
            printf("taken as a cancel\n");
        } else {
            printf("not taken\n");
            return 0;
        }
    }
}

WEIR_SOURCE(takes_any, struct none)
{
    (void)args;
    for (long i = 1; sem_give(self, i) || weir_catch(self, WEIR_ANY, NULL); i++) {}
    printf("not taken\n");
    return 0;
}

static void any_leaves_what_ends_a_generator(weir_scope *scope)
{
    static const int codes[] = {RESET, WEIR_ECLOSED, WEIR_ECANCELED};
    weir_gen *gen = takes_all(scope, NONE);
    sem_do_next(gen);
    for (size_t i = 0; i < LEN(codes); i++) {
        sem_do_throw(gen, codes[i], "here");
    }
    sem_do_finish(gen);
    for (size_t i = 0; i < LEN(codes); i++) {
        gen = takes_any(scope, NONE);
        sem_do_next(gen);
        sem_do_throw(gen, codes[i], "here");
        sem_do_finish(gen);
    }
}

const struct sem_program sem_throw[] = {
    SEM_PROGRAM(an_uncaught_throw_ends_the_body),
    SEM_PROGRAM(a_throw_before_the_start_runs_nothing),
    SEM_PROGRAM(a_caught_throw_goes_on),
    SEM_PROGRAM(thrown_again_and_again),
    SEM_PROGRAM(caught_and_returned),
    SEM_PROGRAM(caught_and_raised_again),
    SEM_PROGRAM(caught_and_another_raised),
    SEM_PROGRAM(the_wrong_code_stays_pending),
    SEM_PROGRAM(any_takes_whatever_is_thrown),
    SEM_PROGRAM(the_innermost_call_is_asked_first),
    SEM_PROGRAM(an_ignored_throw_carries_on),
    SEM_PROGRAM(a_failure_of_its_own_comes_after_the_items),
    SEM_PROGRAM(a_budget_of_attempts),
    SEM_PROGRAM(a_circuit_breaker),
    SEM_PROGRAM(thrown_at_while_handling),
    SEM_PROGRAM(sends_and_throws_by_turns),
    SEM_PROGRAM(a_throw_after_the_end_is_told),
    SEM_PROGRAM(any_leaves_what_ends_a_generator),
    SEM_END,
};
