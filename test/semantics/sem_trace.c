/*
 * The printing half of the semantics programs: every line of a trace that is not printed by a
 * program itself.
 *
 * A reader's helper performs one call of the protocol and prints how it came out. A failure is not
 * shown at the call that met it, which is just "over", but once at the finish: that is weir's
 * contract, and sem_common.py gives CPython's exceptions the same shape. Numbers are read from
 * typed items and from decimal bytes alike, so that programs can mix bodies of their own with the
 * ready-made sources.
 *
 * Nothing here suspends except through the one call that it is named for.
 */
#include "sem.h"

#include <stdlib.h>
#include <string.h>

const char *sem_name(int code)
{
    static const struct {
        int code;
        const char *name;
    } names[] = {
        {WEIR_OK, "ok"},
        {RESET, "Reset"},
        {FATAL, "Fatal"},
        {RETRY, "Retry"},
        {SKIP, "Skip"},
        {WEIR_EPARSE, "Parse"},
        {WEIR_ECLOSED, "closed"},
        {WEIR_ECANCELED, "canceled"},
        {WEIR_ETIMEDOUT, "timeout"},
        {WEIR_EIGNORED, "ignored"},
    };
    for (size_t i = 0; i < LEN(names); i++) {
        if (names[i].code == code) {
            return names[i].name;
        }
    }
    return "?";
}

const char *sem_text(const weir_item *item, char *to, size_t cap)
{
    if (item->type != NULL) {
        const long *number = num_of(item);
        snprintf(to, cap, "%ld", number != NULL ? *number : -999999L);
    } else {
        snprintf(to, cap, "%.*s", (int)item->len, item->data);
    }
    return to;
}

void sem_show(const char *what, weir_got got, const weir_item *item)
{
    char text[256];
    if (got == WEIR_GOT_ITEM) {
        printf("%s -> %s\n", what, sem_text(item, text, sizeof text));
    } else {
        printf("%s -> %s\n", what, got == WEIR_GOT_REFUSED ? "refused" : "over");
    }
}

void sem_do_next(weir_gen *gen)
{
    weir_item item;
    weir_got got = weir_next(gen, &item) ? WEIR_GOT_ITEM : WEIR_GOT_OVER;
    sem_show("next", got, &item);
}

void sem_do_send(weir_gen *gen, long value)
{
    char what[64];
    weir_item in = num_item(&value), out;
    snprintf(what, sizeof what, "send %ld", value);
    weir_got got = weir_send(gen, &in, &out);
    sem_show(what, got, &out);
}

void sem_do_send_text(weir_gen *gen, const char *text)
{
    char what[64];
    weir_item in = weir_bytes(text, strlen(text)), out;
    snprintf(what, sizeof what, "send %s", text);
    weir_got got = weir_send(gen, &in, &out);
    sem_show(what, got, &out);
}

void sem_do_send_none(weir_gen *gen)
{
    weir_item out;
    weir_got got = weir_send(gen, NULL, &out);
    sem_show("send None", got, &out);
}

void sem_do_throw(weir_gen *gen, int code, const char *message)
{
    char what[64];
    weir_item out;
    snprintf(what, sizeof what, "throw %s", sem_name(code));
    weir_got got = weir_throw(gen, code, message, &out);
    sem_show(what, got, &out);
}

void sem_do_result(weir_gen *gen)
{
    char text[256];
    const weir_item *result = weir_result(gen);
    printf("result %s\n", result != NULL ? sem_text(result, text, sizeof text) : "none");
}

void sem_do_finish(weir_gen *gen)
{
    weir_error error;
    int rc = weir_finish(gen, &error);
    if (rc == 0 || rc == WEIR_EIGNORED) {
        printf("finish -> %s\n", sem_name(rc));
    } else {
        printf("finish -> %s: %s\n", sem_name(rc), error.message);
    }
}

/* Items are collected before the line is printed: bodies print while they run. */
static void show_items(const char *what, weir_gen *gen, int count)
{
    char line[4096];
    char text[256];
    size_t used = 0;
    weir_item item;
    line[0] = '\0';
    for (int i = 0; (count < 0 || i < count) && weir_next(gen, &item); i++) {
        const char *shown = sem_text(&item, text, sizeof text);
        int more = snprintf(line + used, sizeof line - used, " %s", shown);
        if (more < 0 || (size_t)more >= sizeof line - used) {
            printf("the line is too long for its buffer\n");
            exit(1);
        }
        used += (size_t)more;
    }
    printf("%s ->%s\n", what, line);
}

void sem_do_first(weir_gen *gen, int count)
{
    show_items("first", gen, count);
}

void sem_do_rest(weir_gen *gen)
{
    show_items("rest", gen, -1);
}

void sem_do_all(weir_gen *gen)
{
    sem_do_rest(gen);
    sem_do_finish(gen);
}

bool sem_give(weir_gen *self, long value)
{
    weir_item item = num_item(&value);
    return weir_yield(self, &item);
}

bool sem_give_text(weir_gen *self, const char *text)
{
    weir_item item = weir_bytes(text, strlen(text));
    return weir_yield(self, &item);
}

int sem_last(weir_gen *self, long value)
{
    if (!sem_give(self, value)) {
        return 0;
    }
    return 0;
}

int sem_last_text(weir_gen *self, const char *text)
{
    if (!sem_give_text(self, text)) {
        return 0;
    }
    return 0;
}

bool sem_take(weir_gen *gen, long *value)
{
    weir_item item;
    char text[64];
    if (!weir_next(gen, &item)) {
        return false;
    }
    *value = strtol(sem_text(&item, text, sizeof text), NULL, 10);
    return true;
}

long sem_received(const weir_gen *self, long otherwise)
{
    const weir_item *in = weir_received(self);
    return in != NULL ? *num_of(in) : otherwise;
}

const char *sem_pending(weir_gen *self)
{
    weir_error error;
    /* A close is told and never taken, and nothing that is thrown where this is asked has its code:
     * this only looks. */
    if (weir_catch(self, WEIR_ECLOSED, &error)) {
        return "a close was taken";
    }
    return sem_name(error.code);
}

struct range {
    long first, last;
};
WEIR_SOURCE(numbers, struct range)
{
    for (long i = args->first; i <= args->last; i++) {
        if (!sem_give(self, i)) {
            return 0;
        }
    }
    return 0;
}

weir_gen *sem_numbers(weir_scope *scope, long first, long last)
{
    return numbers(scope, (struct range){first, last});
}
