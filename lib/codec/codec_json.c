/*
 * codec_json.c - validates a JSON text over the tokens that the first pass has found.
 *
 * The walk goes through the tokens once, from left to right. It checks what the first pass does not:
 * the order of tokens, numbers, literals, escapes, the depth, and that nothing follows the value.
 * There is no recursion: `to` of an open bracket holds the bracket around it until its partner is
 * found. Where a string ends is found from the next token: only white space lies between. The next
 * backslash of the text is known at all times, so strings before it need no look at their bytes.
 *
 * Measured with lines of 174 bytes, 40 tokens (test/bench, row json; ns a line): first pass 36, walk 34,
 * one key found among 7 members 11. simdjson's ondemand takes 33 to the second member and 55 for all
 * members of the top level, without validating what it passes, and its DOM parser 80. ondemand cannot
 * look twice and gives the first of equal keys.
 *
 * An error that the walk finds lies at a token. For one that the first pass finds, the text is read
 * once more, byte by byte.
 */
#include <stdio.h>
#include <string.h>

#include <weir/error.h>

#include "base_alloc.h"
#include "base_error.h"
#include "base_fault.h"
#include "codec_json.h"
#include "codec_json_index.h"
#include "codec_json_scan.h"
#include "codec_utf8.h"

enum { TOKEN_BYTES = 2 * sizeof(uint32_t) }; /* in at and to */

struct walk {
    const char *text;
    const uint32_t *at;
    uint32_t *to;
    /* Not uint32_t, so that a store to `to` cannot change them: they stay in registers. */
    size_t count;
    size_t len;
    size_t backslash; /* the next one in the text, or len */
    uint32_t used;    /* tokens of the value */
    size_t error_at;
    const char *error;
};

void wr_json_init(struct wr_json *json)
{
    *json = (struct wr_json){0};
}

void wr_json_trim(struct wr_json *json)
{
    wr_free(json->own.at);
    wr_free(json->own.to);
    json->own = (struct wr_json_tokens){0};
    json->count = 0;
}

void wr_json_fini(struct wr_json *json)
{
    wr_json_trim(json);
    wr_json_indexer_free(json->indexer);
    wr_free(json->window.at);
    wr_free(json->window.to);
    wr_free(json->kept);
    wr_json_init(json);
}

/* { or [, which differ in one bit. */
static inline bool is_bracket(char c)
{
    return (c | 0x20) == '{';
}

static bool fail(struct walk *w, size_t at, const char *error)
{
    w->error_at = at;
    w->error = error;
    return false;
}

static size_t backslash_from(const struct walk *w, size_t from)
{
    const char *found = memchr(w->text + from, '\\', w->len - from);
    return found != NULL ? (size_t)(found - w->text) : w->len;
}

/* Check the escapes of the string that closes at `end`. */
static bool escapes(struct walk *w, size_t end)
{
    const char *text = w->text;
    for (size_t i = w->backslash; i < end;) {
        char c = text[i + 1]; /* at the latest the closing quote */
        size_t len = 2;
        if (c == 'u') {
            for (len = 2; len < 6; len++) {
                if (wr_hex_value(text[i + len]) < 0) {
                    return fail(w, i, "\\u needs four hexadecimal digits");
                }
            }
        } else if (c == '\0' || strchr("\"\\/bfnrt", c) == NULL) {
            return fail(w, i, "invalid escape");
        }
        i += len;
        const char *next = memchr(text + i, '\\', end - i);
        i = next != NULL ? (size_t)(next - text) : end;
    }
    w->backslash = backslash_from(w, end);
    return true;
}

/* The string at token i. */
static bool string(struct walk *w, uint32_t i)
{
    uint32_t end = w->at[i + 1] - 1;
    while (w->text[end] != '"') {
        end--;
    }
    w->to[i] = end;
    if (__builtin_expect(w->backslash < end, 0)) {
        w->to[i] |= WR_JSON_ESCAPED;
        return escapes(w, end);
    }
    return true;
}

static inline uint32_t digits(const char *text, uint32_t i, uint32_t end)
{
    while (i < end && wr_is_digit(text[i])) {
        i++;
    }
    return i;
}

/* Are text[0 .. n) digits, n from 1 to 8? No branch depends on n: lengths of numbers are hard to
 * predict. Eight bytes are read. */
static inline bool all_digits(const char *text, uint32_t n)
{
    uint64_t bytes;
    memcpy(&bytes, text, sizeof bytes);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    bytes = __builtin_bswap64(bytes);
#endif
    const uint64_t ones = UINT64_C(0x0101010101010101);
    /* The bytes behind the number go; what is left becomes the value of each digit. */
    bytes = (bytes ^ ones * '0') << (64 - 8 * n);
    return (((bytes + ones * 0x76) | bytes) & ones * 0x80) == 0;
}

/* Is text[i .. end), behind which len ends, a number of at most 8 digits? */
static inline bool short_number(const char *text, uint32_t i, uint32_t end, size_t len)
{
    return end - i <= 8 && i + 8 <= len && all_digits(text + i, end - i) &&
           ((text[i] != '0') | (end - i == 1));
}

static bool number(struct walk *w, uint32_t token)
{
    const char *text = w->text;
    uint32_t i = w->at[token];
    uint32_t end = w->at[token + 1];
    if (short_number(text, i, end, w->len)) {
        w->to[token] = end;
        return true;
    }
    uint32_t from = i += text[i] == '-';
    i = digits(text, i, end);
    if (i == from) {
        return fail(w, w->at[token], "expected a value");
    }
    if (text[from] == '0' && i > from + 1) {
        return fail(w, from, "a number must not begin with 0");
    }
    if (i < end && text[i] == '.') {
        from = ++i;
        i = digits(text, i, end);
        if (i == from) {
            return fail(w, i, "expected a digit after '.'");
        }
    }
    if (i < end && (text[i] | 0x20) == 'e') {
        i++;
        from = i += i < end && (text[i] == '+' || text[i] == '-');
        i = digits(text, i, end);
        if (i == from) {
            return fail(w, i, "expected a digit in the exponent");
        }
    }
    w->to[token] = i;
    return i == end || wr_json_is_space(text[i]) || fail(w, i, "invalid character in a number");
}

static bool literal(struct walk *w, uint32_t token, const char *word, uint32_t len)
{
    uint32_t at = w->at[token];
    uint32_t end = w->at[token + 1];
    w->to[token] = at + len;
    if (end - at < len || memcmp(w->text + at, word, len) != 0 ||
        (end - at > len && !wr_json_is_space(w->text[at + len]))) {
        return fail(w, at, "expected a value");
    }
    return true;
}

/* A number or literal, which begins with c. */
static bool plain(struct walk *w, uint32_t i, char c)
{
    switch (c) {
    case 't': return literal(w, i, "true", 4);
    case 'f': return literal(w, i, "false", 5);
    case 'n': return literal(w, i, "null", 4);
    default: return number(w, i);
    }
}

static bool unfinished(struct walk *w, char close)
{
    return fail(w, w->len,
                close == '}'   ? "the text ends inside an object"
                : close == ']' ? "the text ends inside an array"
                               : "there is no value");
}

/* The key at token i, and the colon behind it. */
static bool key(struct walk *w, uint32_t i)
{
    if (i >= w->count) {
        return unfinished(w, '}');
    }
    if (w->text[w->at[i]] != '"') {
        return fail(w, w->at[i], "expected a key in double quotes");
    }
    if (!string(w, i)) {
        return false;
    }
    if (i + 1 >= w->count) {
        return unfinished(w, '}');
    }
    return w->text[w->at[i + 1]] == ':' || fail(w, w->at[i + 1], "expected ':' after a key");
}

/* The token i follows a value and is neither a comma nor the bracket `close`. */
static bool misplaced(struct walk *w, uint32_t i, char close)
{
    if (i >= w->count) {
        return unfinished(w, close);
    }
    return fail(w, w->at[i],
                close == '}' ? "expected ',' or '}' after a member"
                             : "expected ',' or ']' after an element");
}

/* A key without escapes and directly before its colon: the usual case. */
static inline bool usual_key(const struct walk *w, size_t i)
{
    const char *text = w->text;
    const uint32_t *at = w->at;
    if (WR_UNLIKELY(i + 1 >= w->count || text[at[i]] != '"' || text[at[i + 1]] != ':' ||
                    text[at[i + 1] - 1] != '"' || w->backslash <= at[i + 1])) {
        return false;
    }
    w->to[i] = at[i + 1] - 1;
    return true;
}

/* Validate the value that begins at the first token. */
static bool walk(struct walk *w)
{
    const char *const text = w->text;
    const uint32_t *const at = w->at;
    uint32_t *const to = w->to;
    const size_t count = w->count;
    size_t parent = WR_JSON_NONE; /* the innermost open bracket */
    char close = '\0';            /* ... and its partner */
    uint32_t depth = 0;
    size_t i = 0;
    char c = count > 0 ? text[at[0]] : '\0';
    if (!is_bracket(c)) {
        w->used = 1;
        return count == 0 ? unfinished(w, close) : c == '"' ? string(w, 0) : plain(w, 0, c);
    }
open:
    if (++depth > WR_JSON_DEPTH_MAX) {
        return fail(w, at[i], "nested too deeply");
    }
    to[i] = (uint32_t)parent;
    parent = i++;
    close = (char)(c + 2);
    if (i < count && text[at[i]] == close) {
        goto close;
    }
item:
    if (close == '}') {
        if (!usual_key(w, i) && !key(w, (uint32_t)i)) {
            return false;
        }
        i += 2;
    }
    if (i >= count) {
        return unfinished(w, close);
    }
    c = text[at[i]];
    if (c == '"') {
        uint32_t end = at[i + 1] - 1;
        if (WR_LIKELY(text[end] == '"' && w->backslash > end)) {
            to[i] = end;
        } else if (!string(w, (uint32_t)i)) {
            return false;
        }
    } else if (is_bracket(c)) {
        goto open;
    } else if (short_number(text, at[i], at[i + 1], w->len)) {
        to[i] = at[i + 1];
    } else if (!plain(w, (uint32_t)i, c)) {
        return false;
    }
    i++;
after:
    c = i < count ? text[at[i]] : '\0';
    if (c == ',') {
        i++;
        goto item;
    }
    if (c != close) {
        return misplaced(w, (uint32_t)i, close);
    }
close:;
    uint32_t outer = to[parent];
    to[i] = (uint32_t)parent;
    to[parent] = (uint32_t)i++;
    parent = outer;
    if (--depth == 0) {
        w->used = (uint32_t)i;
        return true;
    }
    close = (char)(text[at[parent]] + 2);
    goto after;
}

/* Find the control character in a string, or the quote of the string that does not end. */
static void locate_string(struct wr_json *json)
{
    bool inside = false;
    size_t quote = 0;
    for (size_t i = 0; i < json->len; i++) {
        char c = json->text[i];
        if (c == '"') {
            inside = !inside;
            quote = i;
        } else if (inside && (unsigned char)c < 0x20) {
            json->error_at = i;
            json->error = c == '\n' || c == '\r' ? "a line end inside a string"
                                                 : "a control character inside a string";
            return;
        }
        /* Outside of strings too: the first pass sees an escaped quote as none. */
        i += c == '\\';
    }
    json->error_at = quote;
    json->error = "a string that does not end";
}

/* Make room for `want` entries, of which `keep` are there. */
static bool make_room(void *list, size_t *room, size_t want, size_t keep)
{
    if (*room >= want) {
        return true;
    }
    size_t grown = want > *room * 2 ? want : *room * 2;
    void **array = list;
    void *bigger = wr_alloc(grown * sizeof(uint32_t));
    if (bigger == NULL) {
        return false;
    }
    if (keep > 0) {
        memcpy(bigger, *array, keep * sizeof(uint32_t));
    }
    wr_free(*array);
    *array = bigger;
    *room = grown;
    return true;
}

/* Are there at most so many tokens? Counted without memory for them, as the first pass would find
 * them. */
static bool few_tokens(const char *text, size_t len, size_t max)
{
    size_t tokens = 0;
    bool string = false, word = false;
    for (size_t i = 0; i < len && tokens <= max; i++) {
        char c = text[i];
        if (string) {
            i += c == '\\';
            string = c != '"';
            continue;
        }
        switch (c) {
        case ' ':
        case '\t':
        case '\r':
        case '\n': word = false; break;
        case '"': string = true; /* fall through */
        case '{':
        case '}':
        case '[':
        case ']':
        case ',':
        case ':':
            word = false;
            tokens++;
            break;
        default: tokens += !word; word = true;
        }
    }
    return tokens <= max;
}

/* Find the tokens of a text; they come behind the first `keep` ones. */
static int find_tokens(struct wr_json *json, const char *text, size_t len,
                       struct wr_json_tokens *tokens, size_t keep, uint32_t *count)
{
    if (json->indexer == NULL && !wr_fault("simdjson")) {
        json->indexer = wr_json_indexer_new();
    }
    if (json->indexer == NULL ||
        !make_room(&tokens->at, &tokens->at_room, keep + wr_json_index_room(len), keep)) {
        return WEIR_ENOMEM;
    }
    *count = 0;
    enum wr_json_indexed found =
        wr_json_indexer_run(json->indexer, text, len, tokens->at + keep, count);
    if (found == WR_JSON_BAD_STRING || found == WR_JSON_BAD_UTF8) {
        json->error = found == WR_JSON_BAD_UTF8 ? "invalid UTF-8" : NULL;
        return WEIR_EPARSE;
    }
    /* One entry more, so that the token behind the last one can be looked at. */
    return found == WR_JSON_INDEXED &&
                   make_room(&tokens->to, &tokens->to_room, keep + *count + 1, keep)
               ? 0
               : WEIR_ENOMEM;
}

/* What find_tokens has refused. */
static int locate(struct wr_json *json)
{
    if (json->error == NULL) {
        locate_string(json);
    } else {
        json->error_at = wr_utf8_valid_bytes(json->text, json->len);
    }
    return WEIR_EPARSE;
}

/* The text has changed. */
static inline void forget_looks(const struct wr_json *json)
{
    if (json->looks != NULL) {
        json->looks->looked_count = json->looks->looked_next = 0;
    }
}

int wr_json_index(struct wr_json *json, const char *text, size_t len)
{
    uint32_t count;
    forget_looks(json);
    json->text = text;
    json->len = len;
    json->count = 0;
    json->error = NULL;
    json->error_at = 0;
    if (len > WR_JSON_BYTES_MAX) {
        json->error = "a text of 2 GiB or more";
        return WEIR_ETOOLONG;
    }
    size_t tokens_max = json->bytes_max / TOKEN_BYTES;
    if (json->bytes_max > 0 && len > tokens_max && !few_tokens(text, len, tokens_max)) {
        (void)snprintf(json->limit, sizeof json->limit,
                       "the tokens of this value need too much memory: more than %zu bytes",
                       json->bytes_max);
        json->error = json->limit;
        return WEIR_ETOOLONG;
    }
    if (len == 0) {
        json->error = "there is no value";
        return WEIR_EPARSE;
    }
    int code = find_tokens(json, text, len, &json->own, 0, &count);
    if (code != 0) {
        return code == WEIR_EPARSE ? locate(json) : code;
    }
    json->at = json->own.at;
    json->to = json->own.to;
    struct walk w = {.text = text, .at = json->at, .to = json->to, .count = count, .len = len};
    w.backslash = backslash_from(&w, 0);
    if (!walk(&w) ||
        (w.used < count && !fail(&w, w.at[w.used], "expected the end after the value"))) {
        json->error = w.error;
        json->error_at = w.error_at;
        return WEIR_EPARSE;
    }
    json->count = count;
    return 0;
}

/* Of tokens in windows with kept texts: as many as in texts of usual size for a pull. */
enum { KEPT_MAX = 65536 };

bool wr_json_ahead(struct wr_json *json, const char *window, size_t len)
{
    size_t keep = json->kept_count > 0 ? (size_t)json->window_at + json->window_count + 1 : 0;
    json->window_count = json->next = 0;
    if (keep > KEPT_MAX) {
        wr_json_forget(json);
        keep = 0;
    }
    if (len == 0 || len > WR_JSON_BYTES_MAX ||
        find_tokens(json, window, len, &json->window, keep, &json->window_count) != 0) {
        json->window_count = 0;
        return false;
    }
    const char *found = memchr(window, '\\', len);
    json->window_at = (uint32_t)keep;
    json->window_text = window;
    json->window_len = len;
    json->window_backslash = found != NULL ? (size_t)(found - window) : len;
    return true;
}

/* Move past the tokens before an offset of the window. */
static inline void move_to(struct wr_json *json, size_t offset)
{
    const uint32_t *at = json->window.at + json->window_at;
    while (json->next < json->window_count && at[json->next] < offset) {
        json->next++;
    }
    if (WR_UNLIKELY(json->window_backslash < offset)) {
        const char *found = memchr(json->window_text + offset, '\\', json->window_len - offset);
        json->window_backslash =
            found != NULL ? (size_t)(found - json->window_text) : json->window_len;
    }
}

/* The text is not what the window seemed to hold: index it alone, and move past its tokens. */
static int index_alone(struct wr_json *json, const char *text, size_t len)
{
    move_to(json, (size_t)(text - json->window_text) + len);
    return wr_json_index(json, text, len);
}

static inline struct walk walk_of_next(const struct wr_json *json)
{
    uint32_t from = json->window_at + json->next;
    return (struct walk){.text = json->window_text,
                         .at = json->window.at + from,
                         .to = json->window.to + from,
                         .count = json->window_count - json->next,
                         .len = json->window_len,
                         .backslash = json->window_backslash};
}

/* The walk has validated the next text. */
static inline void take_next(struct wr_json *json, const struct walk *w)
{
    forget_looks(json);
    json->text = w->text;
    json->len = w->len;
    json->at = json->window.at + json->window_at + json->next;
    json->to = w->to;
    json->count = w->used;
    json->next += w->used;
    json->window_backslash = w->backslash;
}

/* Keep the text that was read last; without memory it is parsed again. */
static void keep_text(struct wr_json *json, const char *text, size_t len)
{
    if (wr_grow(&json->kept, sizeof *json->kept, json->kept_count, &json->kept_room)) {
        json->kept[json->kept_count++] =
            (struct wr_json_kept){.text = text,
                                  .window = json->window_text,
                                  .len = len,
                                  .window_len = json->window_len,
                                  .at = (uint32_t)(json->at - json->window.at),
                                  .count = json->count};
    }
}

int wr_json_index_next(struct wr_json *json, const char *text, size_t len)
{
    size_t end = (size_t)(text - json->window_text) + len;
    struct walk w = walk_of_next(json);
    /* A value that is cut off would go on in the next text. Its tokens must be all of this one. */
    if (!walk(&w) || w.at[w.used - 1] >= end || (w.used < w.count && w.at[w.used] < end)) {
        return index_alone(json, text, len);
    }
    take_next(json, &w);
    if (json->keeps) {
        keep_text(json, text, len);
    }
    return 0;
}

/* A number or literal ends at a token, but the first pass takes bytes 0x0c and 0x1a for tokens, too. */
static bool ends_clearly(const struct walk *w)
{
    char first = w->text[w->at[0]];
    size_t end = w->to[0];
    return first == '"' || is_bracket(first) || end >= w->len || wr_json_is_space(w->text[end]);
}

int wr_json_value_next(struct wr_json *json, const char *text, size_t *len)
{
    size_t offset = (size_t)(text - json->window_text);
    move_to(json, offset);
    struct walk w = walk_of_next(json);
    if (w.count == 0 || w.at[0] != offset || !walk(&w) || !ends_clearly(&w)) {
        return WEIR_EPARSE;
    }
    take_next(json, &w);
    *len = wr_json_text(json, WR_JSON_ROOT).len;
    if (json->keeps) {
        keep_text(json, text, *len);
    }
    return 0;
}

void wr_json_forget(struct wr_json *json)
{
    json->kept_count = json->kept_next = 0;
}

bool wr_json_share(struct wr_json *json, struct wr_json *from, const char *text, size_t len)
{
    for (size_t i = from->kept_next; i < from->kept_count; i++) {
        const struct wr_json_kept *kept = &from->kept[i];
        if (kept->text == text && kept->len == len) {
            forget_looks(json);
            json->text = kept->window;
            json->len = kept->window_len;
            json->at = from->window.at + kept->at;
            json->to = from->window.to + kept->at;
            json->count = kept->count;
            from->kept_next = i + 1;
            return true;
        }
    }
    return false;
}
