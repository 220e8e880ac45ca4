/*
 * support_records.h - stages that give records: texts in, and what the records hold as one text.
 *
 *     a=1|b=2|;a=3|;      two records with their fields
 *     <failure>           the stage failed
 */
#ifndef WR_SUPPORT_RECORDS_H
#define WR_SUPPORT_RECORDS_H

#include <stdio.h>
#include <string.h>

#include "support_flow.h"

struct texts_args {
    const char *const *texts; /* ends with NULL */
    bool bytes;               /* they are pieces of one stream */
};
WEIR_SOURCE(texts, struct texts_args)
{
    for (size_t i = 0; args->texts[i] != NULL; i++) {
        weir_item item = weir_bytes(args->texts[i], strlen(args->texts[i]));
        item.flags = args->bytes ? WEIR_ITEM_BYTES : 0;
        if (!weir_yield(self, &item)) {
            break;
        }
    }
    return 0;
}

static inline void records_show(weir_gen *gen, size_t max, char *to, size_t cap)
{
    size_t len = 0, n;
    weir_item items[64];
    weir_error error;
    to[0] = '\0';
    while ((n = weir_next_many(gen, items, max)) > 0) {
        for (size_t i = 0; i < n; i++) {
            const weir_event *event = weir_event_of(&items[i]);
            ck_assert_ptr_nonnull(event);
            ck_assert_uint_eq(event->kind, WEIR_EVENT_RECORD);
            for (uint32_t j = 0; j < event->fields_count; j++) {
                len += (size_t)snprintf(to + len, cap - len, "%.*s=%.*s|", (int)event->names[j].len,
                                        event->names[j].data, (int)event->values[j].len,
                                        event->values[j].data);
            }
            len += (size_t)snprintf(to + len, cap - len, ";");
        }
    }
    if (weir_finish(gen, &error) < 0) {
        (void)snprintf(to + len, cap - len, "<%s>", error.message);
    }
}

/* The records that a stage makes of lines; what is rejected is not there. */
static inline WEIR_UNUSED void records_are(const char *stage, const char *const *lines,
                                           const char *expected)
{
    char got[2048];
    weir_loop *loop = test_loop();
    weir_gen *up = texts(weir_root(loop), (struct texts_args){lines, false});
    records_show(weir_parse(weir_root(loop), up, stage, NULL), 64, got, sizeof got);
    weir_loop_free(loop);
    ck_assert_str_eq(got, expected);
}

#define LINES(...) ((const char *const[]){__VA_ARGS__, NULL})

#endif
