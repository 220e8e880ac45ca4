/*
 * codec_json.h - one JSON text (RFC 8259): validated as a whole, then looked up in place. Sans-I/O.
 *
 * wr_json_index finds the tokens of a text and validates all of it. After that, nodes are numbers of
 * tokens, and all operations read the text where it lies: any number of look-ups, in any order,
 * nothing is copied and nothing can fail. The text must stay until the next wr_json_index.
 *
 *     if (wr_json_index(&json, text, len) == 0) {
 *         uint32_t type = wr_json_find(&json, WR_JSON_ROOT, wr_text_of("type"));
 *         if (type != WR_JSON_NONE && wr_json_kind(&json, type) == WR_JSON_STRING) { ... }
 *     }
 *
 * Members and elements:
 *
 *     for (uint32_t key = wr_json_first(&json, object); key != WR_JSON_NONE;
 *          key = wr_json_next(&json, wr_json_value(key))) { ... }
 *     for (uint32_t e = wr_json_first(&json, array); e != WR_JSON_NONE; e = wr_json_next(&json, e)) ...
 *
 * What is accepted: RFC 8259, in UTF-8 without a byte order mark, at most WR_JSON_DEPTH_MAX brackets
 * deep, at most WR_JSON_BYTES_MAX bytes. Numbers may have any size and keep their text. An escaped
 * surrogate without its other half is accepted and decoded as U+FFFD. NUL, and any other control
 * character inside a string, must be escaped. Of members with equal keys, the last one counts.
 *
 * One struct serves one text after another and keeps its memory: eight bytes for each token of the
 * longest text and of the longest window, and addresses without memory for those that there might
 * have been. bytes_max bounds it, and wr_json_trim gives it back.
 */
#ifndef WR_CODEC_JSON_H
#define WR_CODEC_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "codec_excerpt.h"
#include "codec_text.h"

enum { WR_JSON_DEPTH_MAX = 1024, WR_JSON_BYTES_MAX = 0x7fffff00 };

/* The node of the whole value, and no node. */
#define WR_JSON_ROOT 0u
#define WR_JSON_NONE UINT32_MAX

/* In the order in which values of different kinds are sorted. */
enum wr_json_kind {
    WR_JSON_NULL,
    WR_JSON_FALSE,
    WR_JSON_TRUE,
    WR_JSON_NUMBER,
    WR_JSON_STRING,
    WR_JSON_ARRAY,
    WR_JSON_OBJECT,
};

/* Memory for tokens. */
struct wr_json_tokens {
    uint32_t *at, *to;
    size_t at_room, to_room; /* entries that fit */
};

/* A text of a window that is kept for others (wr_json_share). */
struct wr_json_kept {
    const char *text, *window;
    size_t len, window_len;
    uint32_t at, count; /* its tokens in the list of the windows */
};

/*
 * Names that are looked up in each text, by their numbers: all of them are found in an object in one
 * walk, at the first look into it.
 *
 *     uint32_t name = wr_json_looks_add(&looks, wr_text_of("type"));   for each look that is made
 *     json.looks = &looks;
 *     wr_json_look(&json, object, name);    instead of wr_json_find
 */
enum { WR_JSON_NAMES_MAX = 16, WR_JSON_LOOKED_MAX = 4, WR_JSON_SLOTS = 64 };

struct wr_json_looks {
    uint32_t count;                /* names */
    uint32_t slots[WR_JSON_SLOTS]; /* by hash: a bit for each name that has it */
    struct wr_text names[WR_JSON_NAMES_MAX];
    /* The objects of this text that were looked into last, and what was found there. */
    uint32_t looked_count, looked_next;
    struct wr_json_looked {
        uint32_t object, values[WR_JSON_NAMES_MAX];
    } looked[WR_JSON_LOOKED_MAX];
};

struct wr_json {
    const char *text; /* what offsets are counted from: the text, or the window that it lies in */
    size_t len;       /* of that */
    /* Of each token (bracket, comma, colon, string, number, literal): the offset of its first byte.
     * One more entry holds len, or where the next text of the window begins. */
    uint32_t *at;
    /* Of each bracket: the token of its partner. Of a string: the offset of its closing quote, and
     * WR_JSON_ESCAPED if it contains an escape. Of a number or literal: the offset after it. */
    uint32_t *to;
    uint32_t count; /* tokens */
    struct wr_json_tokens own;
    size_t bytes_max; /* of the memory for the tokens of one text; 0: no limit */
    /* The window: its tokens from `next` on belong to texts that were not indexed yet. */
    struct wr_json_tokens window;
    const char *window_text;
    size_t window_len;
    size_t window_backslash; /* the next one, or window_len */
    uint32_t window_at;      /* its tokens begin here in the list, behind those of windows with kept
                                texts */
    uint32_t next, window_count;
    struct wr_json_kept *kept; /* in the order of reading; NULL: none yet */
    size_t kept_count, kept_room, kept_next;
    bool keeps;                  /* set after init: texts of windows are kept */
    struct wr_json_looks *looks; /* set after init: the names for wr_json_look; NULL: none */
    void *indexer;
    /* After WEIR_EPARSE: where, and what: "expected ',' or '}' after a member". */
    size_t error_at;
    const char *error;
    char limit[120]; /* the text of an error with a number */
};

#define WR_JSON_ESCAPED 0x80000000u

/* Allocates nothing. */
void wr_json_init(struct wr_json *json);
void wr_json_fini(struct wr_json *json);
/* The memory for the tokens of texts that were indexed alone. A window is short. */
static inline size_t wr_json_bytes(const struct wr_json *json)
{
    return 2 * json->own.to_room * sizeof *json->own.to;
}
/* Free it. There are no nodes until the next text is indexed. */
void wr_json_trim(struct wr_json *json);

/*
 * Find the tokens of text[0 .. len) and validate it. White space around the value is allowed. No
 * byte outside it is read.
 *
 * Returns 0; WEIR_EPARSE: it is not one JSON value (error, error_at); WEIR_ETOOLONG: over
 * WR_JSON_BYTES_MAX, or its tokens need more than bytes_max (error); WEIR_ENOMEM. After a failure there are no nodes.
 */
int wr_json_index(struct wr_json *json, const char *text, size_t len);
/* Why wr_json_index has returned WEIR_EPARSE or WEIR_ETOOLONG for this text. */
static inline struct wr_fault wr_json_fault(const struct wr_json *json, weir_slice text, int code)
{
    struct wr_fault fault = {json->error, text, json->error_at, false, NULL};
    if (code == WEIR_ETOOLONG) {
        fault.at = 0;
        fault.hint = "the limit is half of the byte budget; --mem SIZE sets a larger one";
    }
    return fault;
}

/*
 * The same for many short texts, faster: wr_json_ahead finds the tokens of a window at once, and
 * wr_json_index_next validates one text after another and gives what wr_json_index would. The texts
 * lie in the window from its first byte to its last, in this order, with nothing but white space
 * between two of them, and at least one byte of it. The window must stay until the last text has been
 * used; the nodes of a text are valid until the next one is indexed.
 *
 * wr_json_ahead returns false when the texts must be indexed one by one: one of them has a string
 * that does not end, or is not UTF-8; or there is no memory, or the window is over
 * WR_JSON_BYTES_MAX.
 */
bool wr_json_ahead(struct wr_json *json, const char *window, size_t len);
int wr_json_index_next(struct wr_json *json, const char *text, size_t len);
/* For a value that begins at `text` in the window and ends where it ends. 0: *len is its length;
 * WEIR_EPARSE: there is no valid value that ends in the window. */
int wr_json_value_next(struct wr_json *json, const char *text, size_t *len);

/*
 * For two readers of the same texts, the second of which is not to parse them again. The first one
 * sets `keeps`: then the nodes of the texts that it reads from its windows are valid until
 * wr_json_forget, which it calls when the texts go. wr_json_share gives them to the second one, which
 * asks for texts in their order: they become those of `json`. false: `from` does not have this text.
 */
void wr_json_forget(struct wr_json *json);
bool wr_json_share(struct wr_json *json, struct wr_json *from, const char *text, size_t len);

/* The kind of the value that begins with this byte: a table, because kinds are hard to predict. */
extern const uint8_t wr_json_kinds[256];

static inline enum wr_json_kind wr_json_kind(const struct wr_json *json, uint32_t node)
{
    return (enum wr_json_kind)wr_json_kinds[(unsigned char)json->text[json->at[node]]];
}

/* The first element of an array, or the key of the first member of an object. */
static inline uint32_t wr_json_first(const struct wr_json *json, uint32_t container)
{
    return json->to[container] == container + 1 ? WR_JSON_NONE : container + 1;
}

/* The value that belongs to a key. */
static inline uint32_t wr_json_value(uint32_t key)
{
    return key + 2;
}

/* The token behind a value: comma, closing bracket, or `count`. */
static inline uint32_t wr_json_after(const struct wr_json *json, uint32_t node)
{
    char c = json->text[json->at[node]];
    return (c == '{' || c == '[' ? json->to[node] : node) + 1;
}

/* From an element to the next one, from the value of a member to the next key. Not for the root. */
static inline uint32_t wr_json_next(const struct wr_json *json, uint32_t node)
{
    uint32_t after = wr_json_after(json, node);
    return json->text[json->at[after]] == ',' ? after + 1 : WR_JSON_NONE;
}

/* Any node as it stands in the text; of a number, this is its text. */
static inline struct wr_text wr_json_text(const struct wr_json *json, uint32_t node)
{
    uint32_t at = json->at[node];
    switch (json->text[at]) {
    case '{':
    case '[': return (struct wr_text){json->text + at, json->at[json->to[node]] + 1 - at};
    case '"':
        return (struct wr_text){json->text + at, (json->to[node] & ~WR_JSON_ESCAPED) + 1 - at};
    default: return (struct wr_text){json->text + at, json->to[node] - at};
    }
}

/* A string without its quotes, as it stands in the text. */
static inline struct wr_text wr_json_inside(const struct wr_json *json, uint32_t string)
{
    uint32_t at = json->at[string] + 1;
    return (struct wr_text){json->text + at, (json->to[string] & ~WR_JSON_ESCAPED) - at};
}

/* Does the string contain escapes? If not, wr_json_inside is its value. */
static inline bool wr_json_escaped(const struct wr_json *json, uint32_t string)
{
    return (json->to[string] & WR_JSON_ESCAPED) != 0;
}

/* Decode the inside of a valid string. `to` has room for inside.len bytes: the value is never longer.
 * Returns the length of the value, which may contain NUL. */
size_t wr_json_unescape(struct wr_text inside, char *to);

/* Is the value of the string, which has escapes, these bytes? Needs no memory. */
bool wr_json_escaped_is(struct wr_text inside, struct wr_text bytes);

static inline bool wr_json_string_is(const struct wr_json *json, uint32_t string,
                                     struct wr_text bytes)
{
    struct wr_text inside = wr_json_inside(json, string);
    return wr_json_escaped(json, string)
               ? wr_json_escaped_is(inside, bytes)
               : inside.len == bytes.len && wr_bytes_same(inside.data, bytes.data, bytes.len);
}

/* Is there nothing but white space? */
bool wr_json_blank(const char *text, size_t len);
/* Write the value without the white space between its tokens. `to` has room for its text
 * (wr_json_text). Returns the length. */
size_t wr_json_compact(const struct wr_json *json, uint32_t node, char *to);

/* The value of the last member with this key; WR_JSON_NONE: there is no such member. */
uint32_t wr_json_find(const struct wr_json *json, uint32_t object, struct wr_text key);

/* The number of a name, which must stay; WR_JSON_NONE: there are too many. */
uint32_t wr_json_looks_add(struct wr_json_looks *looks, struct wr_text name);
/* As wr_json_look, for the first look into an object. */
uint32_t wr_json_look_first(const struct wr_json *json, uint32_t object, uint32_t name);

/* As wr_json_find, for a name of json->looks. */
static inline uint32_t wr_json_look(const struct wr_json *json, uint32_t object, uint32_t name)
{
    const struct wr_json_looks *looks = json->looks;
    for (uint32_t i = 0; i < looks->looked_count; i++) {
        if (looks->looked[i].object == object) {
            return looks->looked[i].values[name];
        }
    }
    return wr_json_look_first(json, object, name);
}

#endif
