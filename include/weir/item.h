/*
 * item.h - one thing in a stream.
 *
 * The idea. An item is bytes (a line, a batch, a datagram) or a typed value, with its origin, its
 * number and its receipt. It is a small struct that points into memory of somebody else: moving an
 * item moves no bytes.
 *
 * Lifetime.  An item is lent until the next call on the generator that gave it; weir_item_keep
 *            holds it longer. Queues and batches keep what goes through them by themselves.
 * Failure.   Only keeping can fail: WEIR_ENOMEM.
 * Threads.   Items belong to the thread of their loop. weir_channel copies them to another.
 */
#ifndef WEIR_ITEM_H
#define WEIR_ITEM_H

#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bits of weir_item.flags. With the first two a sink writes a line's end as it came, so a stream of
 * lines leaves byte for byte as it arrived; both together: the input ended in a lone CR. */
enum weir_item_flags {
    WEIR_ITEM_CRLF = 1u,      /* the line ended in CR LF */
    WEIR_ITEM_NO_EOL = 2u,    /* last line of its source, without a line end */
    WEIR_ITEM_TRUNCATED = 4u, /* cut at the limit (WEIR_LONG_CUT) */
    WEIR_ITEM_PARTS = 8u      /* a batch: data is not bytes to read, use weir_item_parts() */
};

/*
 * How values of one C type travel. WEIR_TYPE declares one for a flat type, which holds no pointer
 * of its own; others are filled by hand.
 */
typedef struct weir_type {
    size_t struct_size;
    const char *name;  /* with value_size what weir_type_same compares; seen in messages */
    size_t value_size; /* bytes of a value, the item's len */
    /* Copy a value to a longer life: 0 or a negative code. NULL: its bytes are copied. */
    int (*copy)(void *to, const void *from);
    /* Let go of what a copy owns; its memory is weir's. NULL: it owns nothing. */
    void (*drop)(void *value);
    /* Write it as JSON: returns the whole length, as snprintf does, and is called with NULL and 0
     * first. NULL: it cannot be written, and sinks that write fail with WEIR_EINVAL. */
    size_t (*print)(const void *value, char *to, size_t cap);
} weir_type;

/*
 * One thing in a stream. What a body yields needs data and len (or a value) only; weir fills in the
 * rest. An item that came may go on with other bytes: set its data and len, and its number, time
 * and line end stay; bytes that do not lie in its block are copied by whoever keeps them. Frozen at
 * 64 bytes where pointers have 8, since arrays of them are the caller's.
 */
typedef struct weir_item {
    const char *data;      /* bytes, not terminated, without the line end; or the value, see type */
    size_t len;            /* of data; of all parts for a batch */
    const weir_type *type; /* NULL: bytes */
    weir_block *block;     /* what keeps data alive; NULL: the lender's own memory */
    weir_receipt *receipt; /* settles when everything made of it is safe; NULL: nobody asks */
    uint64_t seq;          /* 1, 2, ... in its origin */
    int64_t time_ns;       /* when its bytes were received, Unix time */
    uint32_t origin;       /* number of the source in this loop, 1 the first that was pulled */
    uint32_t flags;        /* enum weir_item_flags */
} weir_item;

/*
 * Keep an item beyond its loan: its bytes and its receipt, so a kept item also holds back the saved
 * position. Bytes in a block are shared, others (a body's local) are copied. Does not suspend.
 *
 * kept     [out] what to use from now on, to be given to weir_item_release; zeroed on a failure.
 * lent     an item that is lent at this moment.
 * Returns  0; WEIR_ENOMEM; or what the type's copy function returned.
 */
WEIR_API WEIR_MUST_CHECK int weir_item_keep(weir_item *kept, const weir_item *lent);
/*
 * Let a kept item go, and zero it. Its source item counts as delivered with the last one who lets
 * go of it, unless the chain was torn down before: then it counts as in flight.
 */
WEIR_API void weir_item_release(weir_item *kept);

/*
 * Open a batch.
 *
 * parts    [out] its items in order, lent as long as the batch is; the item itself when it is none.
 * Returns  how many there are, at least 1. Parts carry no receipts: the batch's stands for them
 *          all.
 */
WEIR_API size_t weir_item_parts(const weir_item *batch, const weir_item **parts);

/* Make an item of bytes. They must live until the yield or put that it is given to returns. */
static inline weir_item weir_bytes(const void *data, size_t len)
{
    weir_item item = WEIR_ZERO;
    item.data = (const char *)data;
    item.len = len;
    return item;
}

/*
 * Tell whether two types are the same: one address, or equal names and sizes, since WEIR_TYPE makes
 * an object in each .c file. NULL (bytes) is the same as NULL only.
 */
WEIR_API bool weir_type_same(const weir_type *a, const weir_type *b);

/*
 * Declare how a flat C type travels. WEIR_TYPE(tick, struct tick); makes
 *     weir_item tick_item(const struct tick *value)       an item of a value, which must live until
 *                                                         the next yield or put returns
 *     const struct tick *tick_of(const weir_item *item)   the value, lent as the item is; NULL when
 *                                                         the item is of another type
 */
#define WEIR_TYPE(name, T)                                                                     \
    static const weir_type name##_type = {sizeof(weir_type), #T, sizeof(T), NULL, NULL, NULL}; \
    static inline WEIR_UNUSED weir_item name##_item(const T *value)                            \
    {                                                                                          \
        weir_item item = WEIR_ZERO;                                                            \
        item.data = (const char *)value;                                                       \
        item.len = sizeof(T);                                                                  \
        item.type = &name##_type;                                                              \
        return item;                                                                           \
    }                                                                                          \
    static inline WEIR_UNUSED const T *name##_of(const weir_item *item)                        \
    {                                                                                          \
        return weir_type_same(item->type, &name##_type) ? (const T *)(const void *)item->data  \
                                                        : NULL;                                \
    }                                                                                          \
    struct weir_swallow_semicolon

#if defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
_Static_assert(sizeof(void *) != 8 || sizeof(weir_item) == 64, "weir_item is frozen");
#endif

#ifdef __cplusplus
}
#endif

#endif
