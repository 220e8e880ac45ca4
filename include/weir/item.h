/*
 * item.h - one thing in a stream.
 *
 * The idea. An item is a small struct that points into memory of somebody else, with the origin,
 * number and receipt of what it was made of: moving an item moves no bytes. Between components
 * travel bytes with a shape: raw bytes or a line (type NULL), a JSON text, an event (a body in an
 * envelope of named fields), a batch. A program's own items may be values of a C type. Whatever it
 * is, weir_item_text gives the bytes that a sink writes.
 *
 * Lifetime.  An item is lent until the next call on the generator that gave it; weir_item_keep
 *            holds it longer. Queues and batches keep what goes through them by themselves.
 * Failure.   Keeping can fail, and making the text of a value: WEIR_ENOMEM.
 * Threads.   Items belong to the thread of their loop: to keep or release one elsewhere aborts as
 *            far as weir can tell. weir_channel copies them to another.
 */
#ifndef WEIR_ITEM_H
#define WEIR_ITEM_H

#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes that somebody else keeps alive, not terminated. */
typedef struct weir_slice {
    const char *data;
    size_t len;
} weir_slice;

/* Bits of weir_item.flags. With the first two a sink writes a line's end as it came, so a stream of
 * lines leaves byte for byte as it arrived; both together: the input ended in a lone CR. */
enum weir_item_flags {
    WEIR_ITEM_CRLF = 1u,      /* the line ended in CR LF */
    WEIR_ITEM_NO_EOL = 2u,    /* last line of its source, without a line end */
    WEIR_ITEM_TRUNCATED = 4u, /* cut at the limit (WEIR_LONG_CUT) */
    WEIR_ITEM_PART = 8u,      /* a piece of a line that goes on in the next item, which has the same
                                 number (WEIR_LONG_PARTS): a sink writes no line end behind it */
    WEIR_ITEM_BYTES = 16u     /* no line, but bytes of a stream, cut anywhere: a sink writes no line
                                 end behind them */
};

typedef struct weir_type weir_type;

/*
 * One thing in a stream. What a body yields needs data and len (or a value) only; weir fills in the
 * rest. An item that came may go on with other bytes: set its data and len, and its type when that
 * changes; its number, time and line end stay, and block may stay, too. Bytes that do not lie in its
 * block are copied by whoever keeps them. Frozen at 64 bytes where pointers have 8, since arrays of them are the
 * caller's.
 */
typedef struct weir_item {
    const char *data;      /* bytes, not terminated, without the line end; or the value, see type */
    size_t len;            /* of data; of an event's body; of all parts of a batch */
    const weir_type *type; /* NULL: bytes */
    weir_block *block;     /* what keeps data alive; NULL: the lender's own memory */
    weir_receipt *receipt; /* settles when everything made of it is safe; NULL: nobody asks */
    uint64_t seq;          /* 1, 2, ... in its origin */
    int64_t time_ns;       /* when its bytes were received, Unix time */
    uint32_t origin;       /* number of the source in this loop, 1 the first that was pulled */
    uint32_t flags;        /* enum weir_item_flags */
} weir_item;

/* Make an item of bytes. They must live until the yield or put that it is given to returns. */
static inline weir_item weir_bytes(const void *data, size_t len)
{
    weir_item item = WEIR_ZERO;
    item.data = (const char *)data;
    item.len = len;
    return item;
}

/* ---- text */

/* Memory for texts that have to be made. Begin with WEIR_ZERO; use it again and again; end with
 * weir_scratch_free. */
typedef struct weir_scratch {
    char *data;
    size_t cap;
} weir_scratch;

/*
 * Give an item's bytes, whatever its type: of bytes and JSON the data, of an event its body, of a
 * typed value what its type's text or print makes. Does not suspend.
 *
 * text     [out] lent as the item is; what was printed, until the scratch is used again or freed.
 *          Empty on a failure.
 * scratch  where a value is printed. NULL: a type that must print is WEIR_EINVAL.
 * Returns  0; WEIR_EINVAL: a batch (weir_item_parts opens it), or a type with neither text nor
 *          print; WEIR_ENOMEM.
 */
WEIR_MUST_CHECK inline int weir_item_text(const weir_item *item, weir_slice *text,
                                          weir_scratch *scratch);
/* The part of weir_item_text for an item with a type; call that one. */
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
    WEIR_VALUE_STRING, /* the text is what stands between the quotes, see escaped */
    WEIR_VALUE_ARRAY,  /* the text is JSON */
    WEIR_VALUE_OBJECT  /* the text is JSON */
};

/* One value inside an item, as text: nothing is converted before somebody needs it. Lent as the
 * item is. */
typedef struct weir_value {
    const char *data;
    size_t len;
    uint8_t kind;        /* enum weir_value_kind */
    bool escaped;        /* a string with JSON's escapes in it (\n, \u00e9); false: as it is */
    uint8_t reserved[6]; /* 0 */
} weir_value;

/* ---- types */

/*
 * How items of one type travel. WEIR_TYPE declares one for a flat C type, which holds no pointer of
 * its own; others are filled by hand, with struct_size = sizeof(weir_type). Functions that are NULL
 * do what is written beside them. None may suspend.
 */
struct weir_type {
    size_t struct_size;
    const char *name;  /* with value_size what weir_type_same compares; seen in messages */
    size_t value_size; /* bytes of a value, the item's len; 0: items of this type differ in it */
    /* Copy a value to a longer life: 0 or a negative code. NULL: its bytes are copied. */
    int (*copy)(void *to, const void *from);
    /* Let go of what a copy owns, once; its memory is weir's. NULL: it owns nothing. A type with
     * drop needs copy: keeping a value without it aborts. */
    void (*drop)(void *value);
    /* Write it as text, JSON as a rule: returns the whole length, as snprintf does, and is called
     * with NULL and 0 first. NULL: see text. */
    size_t (*print)(const void *value, char *to, size_t cap);
    /* Tell how many bytes `to` of copy needs. NULL: the item's len. */
    size_t (*size)(const void *value);
    /* Give the text that is there already. NULL: it is printed; without print there is none, and
     * who needs bytes (a sink that writes) fails with WEIR_EINVAL. */
    void (*text)(const weir_item *item, weir_slice *text);
    /* Look a value up. path: `steps` names, from the outside in, an array's index as digits; out:
     * kind WEIR_VALUE_MISSING when there is none. 0, or WEIR_EPARSE: the text is not valid. NULL:
     * items of this type cannot be looked into. */
    int (*get)(const weir_item *item, const weir_slice *path, size_t steps, weir_value *out);
};

/*
 * Tell whether two types are the same: one address, or equal names and sizes, since WEIR_TYPE makes
 * an object in each .c file. NULL (bytes) is the same as NULL only.
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

/* One JSON text, as it came: it is not validated until somebody looks into it. */
extern WEIR_API const weir_type weir_json_type;
/* A group of items: weir_item_parts. */
extern WEIR_API const weir_type weir_batch_type;
/* data is a weir_event. */
extern WEIR_API const weir_type weir_event_type;

enum weir_event_kind {
    WEIR_EVENT_MESSAGE = 0, /* it is its body; the fields are what came with it (sse, kafka, udp) */
    WEIR_EVENT_RECORD = 1   /* it is its fields; the body is the raw text (csv, syslog, regex) */
};

/*
 * A body in an envelope of named fields. All that it points to lives as long as the item's block;
 * in an event of a program's own, until the yield or put that it is given to returns. Whoever keeps
 * one that lies in no block copies all of it.
 */
typedef struct weir_event {
    weir_slice body;            /* the item's text: what a sink writes and grep reads */
    const weir_type *body_type; /* its shape: NULL or weir_json_type */
    weir_slice key, id;         /* the key of a broker, the id of a server's event; empty: none */
    const weir_slice *names;    /* of the fields, in order; the rows of a table share them */
    const weir_slice *values;   /* of the fields: the bytes themselves, nothing is escaped */
    uint32_t fields_count;
    uint32_t kind; /* enum weir_event_kind */
} weir_event;

/* Make an item of an event, which must live until the yield or put that it is given to returns. */
static inline weir_item weir_event_item(const weir_event *event)
{
    weir_item item = WEIR_ZERO;
    item.data = (const char *)event;
    item.len = event->body.len;
    item.type = &weir_event_type;
    return item;
}
/* Tell the event of an item, lent as the item is; NULL when it is none. */
static inline const weir_event *weir_event_of(const weir_item *item)
{
    return item->type == &weir_event_type ? (const weir_event *)(const void *)item->data : NULL;
}
/*
 * Find a field of an event by its name; of several with one name the first.
 *
 * name     terminated.
 * value    [out] lent as the event is; empty when there is none.
 * Returns  whether there is such a field.
 */
WEIR_API bool weir_event_field(const weir_event *event, const char *name, weir_slice *value);

/*
 * Open a batch.
 *
 * parts    [out] its items in order, lent as long as the batch is; the item itself when it is none.
 * Returns  how many there are, at least 1. Parts carry no receipts: the batch's stands for them
 *          all.
 */
WEIR_API size_t weir_item_parts(const weir_item *batch, const weir_item **parts);

/*
 * Tell the name of the source that an item is from, as in its errors: "http(feed.example)", "file",
 * or the name of a body. For the reader of a merge; item->origin tells two sources of one name
 * apart.
 *
 * scope    any of the loop that the item belongs to.
 * item     lent or kept; of a batch the source of its first item.
 * Returns  a text that lives as long as the loan. NULL: the item has no source (the program made
 *          it), or its source has ended and nothing of it is held any more.
 */
WEIR_API const char *weir_origin_name(const weir_scope *scope, const weir_item *item);

/* ---- beyond the loan */

/*
 * Keep an item beyond its loan: its bytes and its receipt, so a kept item also holds back the saved
 * position: whatever has settled behind it is read again after a restart. What lies in a block is
 * shared, and the whole block (128 KiB, as a rule) stays charged to the budget; other bytes and values
 * (a body's local) are copied. Does not suspend. To keep bytes alone, keep an item of them:
 *
 *     weir_slice text;
 *     ... weir_item_text(item, &text, &scratch) ...
 *     weir_item bytes = weir_bytes(text.data, text.len);
 *     rc = weir_item_keep(&kept, &bytes);
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

#if defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
_Static_assert(sizeof(void *) != 8 || sizeof(weir_item) == 64, "weir_item is frozen");
_Static_assert(sizeof(void *) != 8 || sizeof(weir_value) == 24, "weir_value is frozen");
#endif

#ifdef __cplusplus
}
#endif

#endif
