/*
 * codec_json_values.h - the framers of JSON values and of the elements of an array (codec_framer.h).
 */
#ifndef WR_CODEC_JSON_VALUES_H
#define WR_CODEC_JSON_VALUES_H

#include "codec_framer.h"
#include "codec_json_scan.h"

extern const struct wr_framer_ops wr_json_framer, wr_json_items_framer;

struct wr_json_items;

struct wr_json_values {
    struct wr_json json;
    struct wr_json_scan scan; /* of the value at the start of the window, `scanned` bytes into it */
    struct wr_json_items *items; /* NULL: whole values */
    /* The window of bytes, in the one of the framer, in which `json` has found all tokens, or has
     * failed to: from where the framer is to `ahead_end`. Only where the framer goes on at `ahead`
     * are these the same bytes. NULL: none. */
    const char *ahead, *ahead_end;
    bool ahead_found;
    bool dropped_lf; /* the last byte that was dropped is a line end */
};

/* 0 or WEIR_ENOMEM; in both cases wr_json_values_fini may be called. */
int wr_json_values_init(struct wr_framer *framer);
void wr_json_values_fini(struct wr_framer *framer);
/* The tokens of the values that were split since the last wr_json_values_forget; NULL: the framer is
 * of another kind. */
static inline struct wr_json *wr_json_values_of(const struct wr_framer *framer)
{
    return framer->json != NULL ? &framer->json->json : NULL;
}
/* The rejected texts that were given since the last wr_json_values_forget go. */
void wr_json_items_forget(struct wr_json_items *items);
/* The values that were split go. For any framer. */
static inline void wr_json_values_forget(const struct wr_framer *framer)
{
    if (framer->json != NULL) {
        wr_json_forget(&framer->json->json);
        if (framer->json->items != NULL) {
            wr_json_items_forget(framer->json->items);
        }
    }
}
/* The framer was restarted: only a value that is dropped continues. */
void wr_json_values_restart(struct wr_framer *framer);

/* The length of a byte order mark at the start of the stream, 0: there is none; -1: it may come. */
int wr_json_bom(const struct wr_framer *framer, const char *data, size_t len, bool eof);

/* Of a path of keys: .data.rows, ."a b".c, or "." for an array that is the whole text. 0, WEIR_EINVAL:
 * it is not one; WEIR_ENOMEM. */
int wr_json_items_new(const char *path, struct wr_json_items **items);
/* NULL is allowed. */
void wr_json_items_free(struct wr_json_items *items);
/* Why a text was rejected; text: the frame that was given for it, not yet forgotten. *fault is valid
 * until the next call. False: the frame is an element. */
bool wr_json_items_fault(struct wr_json_items *items, weir_slice text, struct wr_fault *fault);
/* A new input begins at `offset`. */
void wr_json_items_restart(struct wr_json_items *items, uint64_t offset);
/* A framer of JSON values that has read nothing gives the elements at this path from now on. */
void wr_json_values_items(struct wr_framer *framer, struct wr_json_items *items);

#endif
