/*
 * item.h - one thing in a stream.
 *
 * The idea. An item is bytes (a line, a batch, a datagram) or a typed value, with its origin, its number and its receipt.
 *
 * Lifetime.  An item is lent until the next call on the generator that gave it; weir_item_keep holds it longer.
 * ABI.       weir_item is frozen at 64 bytes: arrays of them are strided by the caller.
 */
#ifndef WEIR_ITEM_H
#define WEIR_ITEM_H

#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

enum weir_item_flags {
    WEIR_ITEM_CRLF = 1u,      /* the line ended in CR LF */
    WEIR_ITEM_NO_EOL = 2u,    /* last line of its source, no line end: with these two any sink can be byte-exact */
    WEIR_ITEM_TRUNCATED = 4u, /* cut at the limit; the loss is in the ledger */
    WEIR_ITEM_PARTS = 8u      /* a batch: weir_item_parts() */
};

/* How values of one C type travel: declared with WEIR_TYPE, compared by weir_type_same. */
typedef struct weir_type {
    size_t struct_size;
    const char *name;
    size_t value_size;                                    /* flat values are copied by this many bytes */
    int (*copy)(void *to, const void *from);              /* NULL: flat */
    void (*drop)(void *value);                            /* NULL: flat */
    size_t (*print)(const void *value, char *to, size_t cap); /* as JSON, like snprintf; NULL: cannot leave the process */
} weir_type;

/* One thing in a stream. Frozen at 64 bytes. What a body yields needs data and len (or a typed value) only. */
typedef struct weir_item {
    const char *data;        /* bytes, not terminated; or the value, see type */
    size_t len;
    const weir_type *type;   /* NULL: bytes */
    weir_block *block;       /* what keeps data alive; NULL: the yielding body's frame */
    weir_receipt *receipt;   /* settles when everything made of this item is safe; NULL: nobody asks */
    uint64_t seq;            /* 1, 2, ... in its origin; a durable position is the receipt's affair */
    int64_t time_ns;         /* when its bytes were received, Unix time */
    uint32_t origin;         /* number of the source in this loop */
    uint32_t flags;
} weir_item;

/* [0] Keep an item beyond its loan: its bytes and its receipt (so a kept item also holds back the saved position). */
WEIR_API WEIR_MUST_CHECK int weir_item_keep(weir_item *kept, const weir_item *lent); /* 0, WEIR_ENOMEM, WEIR_EBUDGET */
WEIR_API void weir_item_release(weir_item *kept);

/* The items of a batch, in order; 1 and the item itself when it is none. Lent as long as the batch is. */
WEIR_API size_t weir_item_parts(const weir_item *batch, const weir_item **parts);

static inline weir_item weir_bytes(const void *data, size_t len)
{
    weir_item item = WEIR_ZERO;
    item.data = (const char *)data;
    item.len = len;
    return item;
}

/* The same type: the same address, or the same name and size (the macro makes one object per .c file). */
WEIR_API bool weir_type_same(const weir_type *a, const weir_type *b);

/* WEIR_TYPE(tick, struct tick) makes `weir_item tick_item(const struct tick *)`, whose value must live until the next
 * yield or put returns, and `const struct tick *tick_of(const weir_item *)`, NULL when the item is of another type. */
#define WEIR_TYPE(name, T)                                                                                            \
    static const weir_type name##_type = {sizeof(weir_type), #T, sizeof(T), NULL, NULL, NULL};                        \
    static inline WEIR_UNUSED weir_item name##_item(const T *value)                                                   \
    {                                                                                                                 \
        weir_item item = WEIR_ZERO;                                                                                   \
        item.data = (const char *)value;                                                                              \
        item.len = sizeof(T);                                                                                         \
        item.type = &name##_type;                                                                                     \
        return item;                                                                                                  \
    }                                                                                                                 \
    static inline WEIR_UNUSED const T *name##_of(const weir_item *item)                                               \
    {                                                                                                                 \
        return weir_type_same(item->type, &name##_type) ? (const T *)(const void *)item->data : NULL;                               \
    }                                                                                                                 \
    struct weir_swallow_semicolon

#if defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
_Static_assert(sizeof(void *) != 8 || sizeof(weir_item) == 64, "weir_item is frozen");
#endif

#ifdef __cplusplus
}
#endif

#endif
