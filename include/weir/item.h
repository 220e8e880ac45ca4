/*
 * item.h - one thing in a stream.
 *
 * The idea. An item is a small struct that points into memory that another object owns, with the
 * origin, number and receipt of the source item that it was made of. Moving an item moves no bytes.
 * Components exchange bytes with a shape: raw bytes or a line (type NULL), a JSON text, an event (a
 * body in an envelope of named fields), a batch. A program's own items may be values of a C type.
 * For every type, weir_item_text gives the bytes that a sink writes.
 *
 * Lifetime.  An item is lent until the next call on the generator that gave it; weir_item_keep
 *            holds it longer. Queues and batches keep the items that pass through them; the program
 *            need not do it.
 * Failure.   weir_item_keep can fail, and so can making the text of a value: WEIR_ENOMEM.
 * Threads.   Items belong to the thread of their loop. Keeping or releasing one on another thread
 *            aborts where weir can detect it. weir_channel copies items to another thread.
 */
#ifndef WEIR_ITEM_H
#define WEIR_ITEM_H

#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes that another object keeps alive, not terminated. */
typedef struct weir_slice {
    const char *data;
    size_t len;
} weir_slice;

/* Bits of weir_item.flags. With the first two a sink writes a line's end as it came, so a stream of
 * lines is written byte for byte as it arrived. Both together: the input ended in a lone CR. */
enum weir_item_flags {
    WEIR_ITEM_CRLF = 1u,      /* the line ended in CR LF */
    WEIR_ITEM_NO_EOL = 2u,    /* last line of its source, without a line end */
    WEIR_ITEM_TRUNCATED = 4u, /* cut at the limit (WEIR_LONG_CUT) */
    WEIR_ITEM_PART = 8u,      /* a piece of a line that continues in the next item, which has the
                                 same number (WEIR_LONG_PARTS): no line end is written after it */
    WEIR_ITEM_BYTES = 16u,    /* not a line, but bytes of a stream, cut anywhere: no line end is
                                 written after them */
    WEIR_ITEM_HEADER = 32u    /* a row that names the values of the rows after it */
};

typedef struct weir_type weir_type;

/*
 * One thing in a stream. A body that yields an item sets only data and len (or a value); weir sets
 * the rest. An item that was read may be passed on with other bytes: set its data and len, and its
 * type when that changes. Its number, time and line end stay, and block may stay, too. Bytes
 * outside its block are copied when the item is kept. The size is frozen at 64 bytes where pointers
 * have 8 bytes, since callers have arrays of items.
 */
typedef struct weir_item {
    const char *data;      /* bytes, not terminated, without the line end; or the value, see type */
    size_t len;            /* of data; of an event's body; of all parts of a batch */
    const weir_type *type; /* NULL: bytes */
    weir_block *block;     /* what keeps data alive; NULL: the lender's own memory */
    weir_receipt *receipt; /* settles when everything made of it is safe; NULL: not needed */
    uint64_t seq;          /* 1, 2, ... in its origin, and in this run: a restart begins with 1 */
    int64_t time_ns;       /* when its bytes were received, Unix time */
    uint32_t origin;       /* number of the source in this loop, 1 the first that was pulled */
    uint32_t flags;        /* enum weir_item_flags */
} weir_item;

/* Make an item of bytes. They must live until the yield or put that gets the item returns. */
static inline weir_item weir_bytes(const void *data, size_t len)
{
    weir_item item = WEIR_ZERO;
    item.data = (const char *)data;
    item.len = len;
    return item;
}

/* ---- text */

/* Memory for texts that must be made. Initialize it with WEIR_ZERO. It may be used again and again.
 * Free it with weir_scratch_free. */
typedef struct weir_scratch {
    char *data;
    size_t cap;
} weir_scratch;

/*
 * Give the bytes of an item of any type: of bytes and JSON the data, of an event its body, of a
 * typed value the output of its type's text or print. Does not suspend.
 *
 * text     [out] lent as long as the item; a printed text, until the scratch is used again or
 *          freed. Empty on a failure.
 * scratch  memory for a value that is printed. NULL: a type that must print is WEIR_EINVAL.
 * Returns  0; WEIR_EINVAL: a batch (weir_item_parts opens it), or a type with neither text nor
 *          print; WEIR_ENOMEM.
 */
WEIR_MUST_CHECK inline int weir_item_text(const weir_item *item, weir_slice *text,
                                          weir_scratch *scratch);
/* The part of weir_item_text for an item with a type. Call weir_item_text instead. */
WEIR_API WEIR_MUST_CHECK int weir_item_text_of_type(const weir_item *item, weir_slice *text,
                                                    weir_scratch *scratch);
WEIR_API inline int weir_item_text(const weir_item *item, weir_slice *text, weir_scratch *scratch)
{
    if (item->type != NULL) {
        return weir_item_text_of_type(item, text, scratch);
    }
    text->data = item->data;
    text->len = item->len;
    return 0;
}
/* Free what a scratch holds, and zero it. NULL is allowed. */
WEIR_API void weir_scratch_free(weir_scratch *scratch);

/* ---- values inside an item */

enum weir_value_kind {
    WEIR_VALUE_MISSING = 0, /* there is no such value */
    WEIR_VALUE_NULL,
    WEIR_VALUE_BOOL,   /* the text is true or false */
    WEIR_VALUE_NUMBER, /* the text is the number as it was written */
    WEIR_VALUE_STRING, /* the text between the quotes, see escaped */
    WEIR_VALUE_ARRAY,  /* the text is JSON */
    WEIR_VALUE_OBJECT  /* the text is JSON */
};

/* One value inside an item, as text: it is converted only when it is needed. Lent as long as the
 * item. */
typedef struct weir_value {
    const char *data;
    size_t len;
    uint8_t kind;        /* enum weir_value_kind */
    bool escaped;        /* a string with JSON's escapes in it (\n, \u00e9); false: as it is */
    uint8_t reserved[6]; /* 0 */
} weir_value;

/* ---- types */

/*
 * How items of one type are copied, freed and printed. WEIR_TYPE declares this for a flat C type,
 * which holds no pointer of its own. Other types are filled in by hand, with struct_size =
 * sizeof(weir_type). For a function that is NULL, the comment on it says what happens. None may
 * suspend.
 */
struct weir_type {
    size_t struct_size;
    const char *name;  /* compared by weir_type_same, with value_size; shown in messages */
    size_t value_size; /* bytes of a value, the item's len; 0: it differs between items */
    /* Copy a value that is kept longer: 0 or a negative code. NULL: its bytes are copied. */
    int (*copy)(void *to, const void *from);
    /* Release what a copy owns, once; weir frees the memory of the copy itself. NULL: it owns
     * nothing. A type with drop needs copy: keeping a value without it aborts. */
    void (*drop)(void *value);
    /* Write it as text, usually JSON: returns the whole length, as snprintf does. It is called with
     * NULL and 0 first. NULL: see text. */
    size_t (*print)(const void *value, char *to, size_t cap);
    /* Return how many bytes `to` of copy needs. NULL: the item's len. */
    size_t (*size)(const void *value);
    /* Give the text, if the value has one already. NULL: print makes it. Without print there is no
     * text, and a consumer of bytes (a sink that writes) fails with WEIR_EINVAL. */
    void (*text)(const weir_item *item, weir_slice *text);
    /* Look up a value. path: `steps` names, from the outermost to the innermost; an array's index
     * is written as digits. out: kind WEIR_VALUE_MISSING when there is none. 0, or WEIR_EPARSE: the
     * text is not valid. NULL: items of this type have no values to look up. */
    int (*get)(const weir_item *item, const weir_slice *path, size_t steps, weir_value *out);
};

/*
 * Return whether two types are the same: one address, or equal names and sizes, since WEIR_TYPE
 * makes an object in each .c file. NULL (bytes) is the same as NULL only.
 */
WEIR_API bool weir_type_same(const weir_type *a, const weir_type *b);

/*
 * Declare how a flat C type travels; in C++ one that is trivially copyable, another does not
 * compile. WEIR_TYPE(tick, struct tick); makes
 *     weir_item tick_item(const struct tick *value)       an item of a value, which must live until
 *                                                         the next yield or put returns
 *     const struct tick *tick_of(const weir_item *item)   the value, lent as the item is; NULL when
 *                                                         the item is of another type
 */
#define WEIR_TYPE(name, T)                                                                    \
    WEIR_COPIED_AS_BYTES_(T)                                                                  \
    static const weir_type name##_type = {                                                    \
        sizeof(weir_type), #T, sizeof(T), NULL, NULL, NULL, NULL, NULL, NULL};                \
    static inline WEIR_UNUSED weir_item name##_item(const T *value)                           \
    {                                                                                         \
        weir_item item = WEIR_ZERO;                                                           \
        item.data = (const char *)value;                                                      \
        item.len = sizeof(T);                                                                 \
        item.type = &name##_type;                                                             \
        return item;                                                                          \
    }                                                                                         \
    static inline WEIR_UNUSED const T *name##_of(const weir_item *item)                       \
    {                                                                                         \
        return weir_type_same(item->type, &name##_type) ? (const T *)(const void *)item->data \
                                                        : NULL;                               \
    }                                                                                         \
    struct weir_swallow_semicolon

/* ---- shapes */

/* One JSON text, as it came: it is validated only when a value in it is looked up. */
extern WEIR_API const weir_type weir_json_type;
/* A group of items: weir_item_parts. */
extern WEIR_API const weir_type weir_batch_type;
/* data is a weir_event. */
extern WEIR_API const weir_type weir_event_type;

enum weir_event_kind {
    WEIR_EVENT_MESSAGE = 0, /* the body is the event; the fields came with it (sse, kafka, udp) */
    WEIR_EVENT_RECORD = 1   /* the fields are the event; the body is the raw text (csv, syslog,
                               regex) */
};

/*
 * A body in an envelope of named fields. All that it points to lives as long as the item's block.
 * In an event that the program made, it must live until the yield or put that gets the event
 * returns. To keep an event that is not in a block, copy all of it.
 */
typedef struct weir_event {
    weir_slice body;            /* the item's text: a sink writes it, grep reads it */
    const weir_type *body_type; /* its shape: NULL or weir_json_type */
    weir_slice key, id;         /* the key of a broker, the id of a server's event; empty: none */
    const weir_slice *names;    /* of the fields, in order; the rows of a table share them */
    const weir_slice *values;   /* of the fields: the raw bytes, nothing is escaped */
    const uint8_t *kinds; /* of the values: WEIR_VALUE_STRING, or what the format knows them to
                                   be: a WEIR_VALUE_NUMBER as JSON writes it, a WEIR_VALUE_BOOL.
                                   NULL: all are strings */
    uint32_t fields_count;
    uint32_t kind; /* enum weir_event_kind */
    /* Of a record: what came with the message that it was read from, its key, id and fields; its
     * body is empty. In expressions it is in $meta. NULL: nothing came with it. */
    const struct weir_event *message;
} weir_event;

/* Make an item of an event. The event must live until the yield or put that gets the item
 * returns. */
static inline weir_item weir_event_item(const weir_event *event)
{
    weir_item item = WEIR_ZERO;
    item.data = (const char *)event;
    item.len = event->body.len;
    item.type = &weir_event_type;
    return item;
}
/* Return the event of an item, lent as long as the item; NULL when it is not an event. */
static inline const weir_event *weir_event_of(const weir_item *item)
{
    return item->type == &weir_event_type ? (const weir_event *)(const void *)item->data : NULL;
}
/*
 * Find a field of an event by its name. If several have this name, the first one is found.
 *
 * name     terminated.
 * value    [out] lent as long as the event; empty when there is none.
 * Returns  whether there is such a field.
 */
WEIR_API bool weir_event_field(const weir_event *event, const char *name, weir_slice *value);

/*
 * Open a batch.
 *
 * parts    [out] its items in order, lent as long as the batch; the item itself when it is not a
 *          batch.
 * Returns  how many there are, at least 1. Parts have no receipts: the receipt of the batch stands
 *          for all of them.
 */
WEIR_API size_t weir_item_parts(const weir_item *batch, const weir_item **parts);

/*
 * Return the name of the source of an item, with its address without secrets:
 * "http(feed.example/a)", "file(a.log)", or the name of a body. It has at most 63 bytes: of a longer
 * path the end, of a longer URL the beginning. For the reader of a merge. item->origin
 * distinguishes two sources of the same name.
 *
 * scope    any scope of the loop that the item belongs to.
 * item     lent or kept; for a batch, the source of its first item.
 * Returns  a text that lives as long as the loan. NULL: the item has no source (the program made
 *          it), or its source has ended and no item of it is held any more.
 */
WEIR_API const char *weir_origin_name(const weir_scope *scope, const weir_item *item);

/*
 * Return who has sent an item, if its source listens for connections: "192.0.2.1:5000",
 * "[2001:db8::1]:5000", of a local socket "pid 77 uid 1000". In expressions it is $meta.peer.
 *
 * item     lent or kept; not one from a batch (weir_item_parts), which does not know it.
 * Returns  lent as long as the item; empty: there is no peer, or it is not known.
 */
WEIR_API weir_slice weir_item_peer(const weir_item *item);

/* ---- beyond the loan */

/*
 * Keep an item beyond its loan: its bytes and its receipt. A kept item also holds back the saved
 * position: items that have settled after it are read again after a restart. Bytes in a block are
 * shared, and the whole block (usually 128 KiB) stays charged to the budget. Other bytes and values
 * (a local variable of a body) are copied. Does not suspend. To keep only the bytes, keep an item
 * made of them:
 *
 *     weir_slice text;
 *     ... weir_item_text(item, &text, &scratch) ...
 *     weir_item bytes = weir_bytes(text.data, text.len);
 *     rc = weir_item_keep(&kept, &bytes);
 *
 * kept     [out] the item to use from now on; give it to weir_item_release in the end. Zeroed on a
 *          failure.
 * lent     an item that is lent at this moment.
 * Returns  0; WEIR_ENOMEM; or what the type's copy function returned.
 */
WEIR_API WEIR_MUST_CHECK int weir_item_keep(weir_item *kept, const weir_item *lent);
/*
 * Release a kept item that is done with, and zero it. Its source item counts as delivered when the
 * last holder releases it. If the chain was torn down before, it counts as in flight. An item that
 * was zeroed before is allowed.
 */
WEIR_API void weir_item_release(weir_item *kept);
/*
 * Release a kept item that is not done with, and zero it: what it was kept for is not given. Its
 * source item stays in flight, whatever its other holders do with it, and the saved position stays
 * before it for the rest of the run; a restart reads it again. A stage calls this after a stop or a
 * failure (weir_end_code), for what it must not give as complete. Does not suspend. An item that
 * was zeroed before is allowed.
 */
WEIR_API void weir_item_abandon(weir_item *kept);

#if defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
_Static_assert(sizeof(void *) != 8 || sizeof(weir_item) == 64, "weir_item is frozen");
_Static_assert(sizeof(void *) != 8 || sizeof(weir_value) == 24, "weir_value is frozen");
#endif

#ifdef __cplusplus
}
#endif

#endif
