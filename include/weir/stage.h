/*
 * stage.h - ready-made stages: each takes a generator and gives one.
 */
#ifndef WEIR_STAGE_H
#define WEIR_STAGE_H

#include <weir/gen.h>
#include <weir/queue.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_batch_options {
    size_t struct_size;
    int64_t items_max, bytes_max; /* default 1000 and 1 MiB, whichever comes first */
    int64_t wait_ms;              /* from the first item; default 1000; WEIR_NONE: until full */
} weir_batch_options;

/* Any bytes to lines: line ends may lie anywhere in the items of `bytes`. */
WEIR_API weir_gen *weir_lines(WEIR_TAKES weir_gen *bytes);
/* Pass the items for which keep() is true; the others settle as filtered at once. args is copied; keep must not suspend. */
WEIR_API weir_gen *weir_filter(WEIR_TAKES weir_gen *up, const char *name,
                               bool (*keep)(const weir_item *item, const void *args), const void *args,
                               size_t args_len);
/* One item for each item: map() fills *out, which starts as a copy of *in. What out->data points to must live until the
 * next call: in `in`, in the stage's own copy of args, or static. Return 0, or a negative code that fails the stage. */
WEIR_API weir_gen *weir_map(WEIR_TAKES weir_gen *up, const char *name,
                            int (*map)(const weir_item *in, weir_item *out, void *args), const void *args,
                            size_t args_len);
/* The first `count` items; then `up` is ended at once, before the last of them is given. 0: `up` is never started. */
WEIR_API weir_gen *weir_head(WEIR_TAKES weir_gen *up, uint64_t count);
/* All but the first `count` items, which settle as filtered. */
WEIR_API weir_gen *weir_skip(WEIR_TAKES weir_gen *up, uint64_t count);
/* The items whose bytes contain `text` (bytes, not a pattern). */
WEIR_API weir_gen *weir_grep(WEIR_TAKES weir_gen *up, const char *text);
/* Groups of items: full at items_max or bytes_max, or wait_ms after the first. weir_item_parts() opens one. */
WEIR_API weir_gen *weir_batch(WEIR_TAKES weir_gen *up, const weir_batch_options *options);
/* Read `up` ahead in a task of its own, through a queue. */
WEIR_API weir_gen *weir_buffer(WEIR_TAKES weir_gen *up, const weir_queue_options *options);
/* Items of all of them as they come, each in its own order. `gens` is copied, its generators are taken. */
WEIR_API weir_gen *weir_merge(weir_scope *scope, WEIR_TAKES weir_gen **gens, size_t count);

#ifdef __cplusplus
}
#endif

#endif
