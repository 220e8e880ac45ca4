/*
 * support_stage_feed.h - what the suite for stages is made of: a source that does what a test wants,
 * a stage opened behind it, and what came out as text. support_suite_stages.c and
 * support_suite_traits.c use it.
 *
 * The source is a component of its own, one for each shape, so that a stage is opened as the plan
 * opens it, with the shape that comes to it. There is one source at a time; opening another one
 * begins anew. Where a test compares, it compares with what the same stage gives when its items are
 * pulled one by one.
 */
#ifndef WR_SUPPORT_STAGE_FEED_H
#define WR_SUPPORT_STAGE_FEED_H

#include "plan_text.h"
#include "support_flow.h"
#include "support_stage.h"

enum { WR_SHOWN_MAX = 2048, WR_PORTION_MAX = 64 };

/* What the source does. */
struct wr_feed {
    const struct wr_stage_kit *kit;
    size_t portion;   /* items of one yield */
    int64_t pause_ms; /* before each portion */
    size_t fail_at;   /* fails instead of giving item so-and-so, from 1; 0: never */
    size_t silent_at; /* waits for ever instead; 0: never */
    size_t big;       /* gives so many items of 1,024 bytes instead; 0: those of the kit */
    size_t given;     /* so far */
    bool with_state;  /* the pipeline has a state, which is never saved */
    bool in_pieces;   /* gives each item as two pieces: its bytes, and none */
    bool closed;
};
extern struct wr_feed wr_feed;

/* Open the kit's stage behind the source, which begins anew. */
weir_gen *wr_feed_open(const struct wr_stage_kit *kit, weir_scope *scope, struct wr_feed how);
/* How many items a kit has; and item `index` of the source, from 0: its bytes are static. */
size_t wr_kit_count(const struct wr_stage_kit *kit);
weir_item wr_feed_item(size_t index);

/* The kit's stage in a plan: its component, and its traits and shapes with its arguments. */
struct wr_stage_part {
    const weir_component *component;
    uint32_t traits, gives;
};
struct wr_stage_part wr_stage_part_of(const struct wr_stage_kit *kit);
/* Whether it drops items by time or when it is full: then what comes out depends on how it is
 * read. */
bool wr_kit_drops(const struct wr_stage_kit *kit);
/* Whether it makes bytes of items. */
bool wr_kit_encodes(const struct wr_stage_kit *kit);

/* What came out, as text: each item with '|' behind it, the parts of a batch with ','. */
void wr_shown_add(struct wr_print *out, const weir_item *item);
/* Read to the end, `max` at a time. Returns what weir_finish did. */
int wr_shown_read(weir_gen *gen, size_t max, char to[WR_SHOWN_MAX], weir_error *error);
/* What the stage gives of the first `count` items, pulled one by one. */
void wr_reference(const struct wr_stage_kit *kit, size_t count, char to[WR_SHOWN_MAX]);

static inline void wr_feed_settle(weir_loop *loop)
{
    ck_assert(weir_sleep(weir_root(loop), 100));
}

/* The test of a kit that its stage is what its descriptor says: support_suite_traits.c. */
void wr_stage_is_as_its_traits_say(const void *kit);

#endif
