/*
 * support_texts.h - items of given texts for the tests of stages.
 */
#ifndef WR_SUPPORT_TEXTS_H
#define WR_SUPPORT_TEXTS_H

#include "support_flow.h"

/* A weir_slice of a literal. */
#define TEXT(text)            \
    {                         \
        text, sizeof text - 1 \
    }

/* Items of one shape, then the end. */
struct texts {
    const weir_slice *list;
    size_t count;
    const weir_type *type; /* NULL: lines */
};
WEIR_SOURCE(texts, struct texts)
{
    for (size_t i = 0; i < args->count; i++) {
        weir_item item = weir_bytes(args->list[i].data, args->list[i].len);
        item.type = args->type;
        if (!weir_yield(self, &item)) {
            break;
        }
    }
    return 0;
}

/* All that a generator gives, each with a | behind it; free it. rc: of weir_finish. */
static inline char *gives_of(weir_gen *gen, int *rc, weir_error *error)
{
    char *shown;
    size_t len;
    weir_item item;
    FILE *out = open_memstream(&shown, &len);
    while (weir_next(gen, &item)) {
        fprintf(out, "%.*s|", (int)item.len, item.data);
    }
    fclose(out);
    *rc = weir_finish(gen, error);
    return shown;
}

#endif
