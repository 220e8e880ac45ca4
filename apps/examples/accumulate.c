/*
 * accumulate.c - the whole protocol of a generator: send, throw, catch, delegate, return, close.
 *
 * The same code in Python is above each body. The program prints what happens, so it can be read
 * together with its output.
 */
#include <stdio.h>

#include <weir/weir.h>

WEIR_TYPE(num, long); /* num_item(&n) makes an item of a long, num_of(&item) reads one */

enum { RESET = WEIR_EUSER, FATAL = WEIR_EUSER - 1 };

/*
 * def accumulate():
 *     total = 0
 *     try:
 *         while True:
 *             try:
 *                 value = yield total
 *             except Reset:
 *                 print("reset")
 *                 total = 0
 *                 continue
 *             if value is None:
 *                 return total
 *             total += value
 *     finally:
 *         print("clean-up at", total)
 */
WEIR_SOURCE(accumulate)
{
    long total = 0;
    int rc = 0;
    for (;;) {
        weir_item out = num_item(&total); /* a local: valid until the reader pulls again */
        if (!weir_yield(self, &out)) {
            if (weir_catch(self, RESET, NULL)) {
                printf("reset\n");
                total = 0;
                continue;
            }
            break; /* closed, or another error was thrown, which continues by itself */
        }
        const weir_item *in = weir_received(self);
        if (in == NULL) {
            rc = weir_return(self, &out);
            break;
        }
        total += *num_of(in);
    }
    printf("clean-up at %ld\n", total);
    return rc;
}

/*
 * def negative():
 *     result = yield from accumulate()
 *     yield -result
 */
WEIR_SOURCE(negative)
{
    const weir_item *result;
    if (!weir_yield_from(self, accumulate(weir_gen_scope(self)), &result)) {
        return 0;
    }
    long value = -*num_of(result);
    weir_item out = num_item(&value);
    if (!weir_yield(self, &out)) {
        return 0; /* closed, or an error was thrown, which continues by itself */
    }
    return 0;
}

static void show(const char *what, weir_got got, const weir_item *item)
{
    if (got == WEIR_GOT_ITEM) {
        printf("%s -> %ld\n", what, *num_of(item));
    } else {
        printf("%s -> %s\n", what, got == WEIR_GOT_REFUSED ? "refused" : "ended");
    }
}

static weir_got pull(weir_gen *gen, weir_item *item)
{
    return weir_next(gen, item) ? WEIR_GOT_ITEM : WEIR_GOT_OVER;
}

static weir_got send_num(weir_gen *gen, long value, weir_item *item)
{
    weir_item in = num_item(&value);
    return weir_send(gen, &in, item);
}

/* The same calls for the generator itself, and for one that delegates to it. */
static void talk(weir_gen *gen)
{
    weir_item item;
    weir_error error;
    show("send 10 before the first yield", send_num(gen, 10, &item), &item);
    show("next", pull(gen, &item), &item);
    show("send 10", send_num(gen, 10, &item), &item);
    show("send 20", send_num(gen, 20, &item), &item);
    show("throw RESET", weir_throw(gen, RESET, "start again", &item), &item);
    show("send 5", send_num(gen, 5, &item), &item);
    int rc = weir_finish(gen, &error); /* it has not ended: this closes it */
    printf("close -> %d\n", rc);
}

int main(void)
{
    weir_loop *loop = weir_loop_new(NULL);
    if (loop == NULL) {
        return 1;
    }
    weir_scope *root = weir_root(loop);
    weir_item item;
    weir_error error;

    printf("-- a generator\n");
    talk(accumulate(root));
    printf("-- through a delegation\n");
    talk(negative(root));

    printf("-- an error that is not caught\n");
    weir_gen *gen = negative(root);
    show("next", pull(gen, &item), &item);
    show("throw FATAL", weir_throw(gen, FATAL, "boom", &item), &item);
    int rc = weir_finish(gen, &error);
    printf("finish -> %s, by %s: %s\n", rc == FATAL ? "FATAL" : "?", error.origin, error.message);

    printf("-- the value that a generator returns\n");
    gen = negative(root);
    show("next", pull(gen, &item), &item);
    show("send 7", send_num(gen, 7, &item), &item);
    show("next", pull(gen, &item), &item);
    show("next", pull(gen, &item), &item);
    rc = weir_finish(gen, &error);
    printf("finish -> %d\n", rc);

    weir_loop_free(loop);
    return 0;
}
