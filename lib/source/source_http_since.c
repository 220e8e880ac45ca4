/*
 * source_http_since.c - a field of each item as the position: `since=.seq`.
 *
 * For a feed that begins anew at each connection, or somewhere near its end, and whose items have a
 * number or a time that grows. After each connect the items whose field is not greater than that of the
 * last item given are repeats, up to the first one that is greater; they get no number. What does not
 * compare (no JSON, no such field, another kind or another length of a string) is given.
 *
 * A field is kept as its JSON text, which is also the position's text: "since 8841", "since
 * \"2024-05-01T12:00:00Z\"". The position is that of the last item that has settled; nothing proves that
 * it is the same feed, so the proof is weak (flow_state.h).
 *
 * Never suspends.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base_alloc.h"
#include "codec_json.h"
#include "source_http_parts.h"

static const char WORD[] = "since";

enum { KEY_MAX = 120, NAMES_MAX = 8 };

struct key {
    size_t len; /* 0: none */
    char text[KEY_MAX];
};

struct wr_http_since {
    char *path; /* as it is shown: ".meta.seq" */
    struct wr_text names[NAMES_MAX];
    size_t names_count;
    struct wr_json json;
    struct key last;   /* of the items given */
    bool comparing;    /* no item was greater since the last connect */
    uint64_t left_out; /* ... and so many were not */
};

/* ---- the path */

static bool is_name_byte(char c, bool first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (!first && c >= '0' && c <= '9');
}

/* Cut ".a.b" into names. The number of names; 0: it is no such path. */
static size_t names_of(const char *path, struct wr_text *names)
{
    size_t count = 0;
    const char *at = path;
    while (*at == '.' && count < NAMES_MAX) {
        size_t len = 0;
        at++;
        while (is_name_byte(at[len], len == 0)) {
            len++;
        }
        if (len == 0) {
            return 0;
        }
        names[count++] = (struct wr_text){at, len};
        at += len;
    }
    return *at == '\0' ? count : 0;
}

bool wr_http_since_can(const char *path)
{
    struct wr_text names[NAMES_MAX];
    return names_of(path, names) > 0;
}

bool wr_http_since_wrong(const weir_http_options *o, const char *name, int32_t frame,
                         weir_error *error)
{
    if (o->since == NULL) {
        return false;
    }
    const char *text = !wr_http_since_can(o->since) ? "since must be a path to a field: .a or .a.b"
                       : frame == WEIR_FRAME_SSE    ? "since is not for an event stream, which "
                                                      "continues by the ids of its events"
                       : frame == WR_FRAME_WS       ? "since is not for a WebSocket"
                                                    : NULL;
    return text != NULL && wr_error_set(error, WEIR_EINVAL, 0, name, "%s", text) < 0;
}

int wr_http_since_set(struct wr_http_source *source, const char *path)
{
    struct wr_http_since *since = wr_zalloc(sizeof *since);
    if (since == NULL) {
        return WEIR_ENOMEM;
    }
    source->since = since;
    wr_json_init(&since->json);
    since->path = wr_strdup(path);
    if (since->path == NULL) {
        return WEIR_ENOMEM;
    }
    since->names_count = names_of(since->path, since->names);
    since->json.bytes_max = wr_gen_scratch_max(&source->gen);
    return 0;
}

void wr_http_since_free(struct wr_http_source *source)
{
    if (source->since != NULL) {
        wr_json_fini(&source->since->json);
        wr_free(source->since->path);
        wr_free(source->since);
    }
}

/* ---- fields */

/* The field of an item. False: it has none that compares. */
static bool key_of(struct wr_http_since *since, const char *data, size_t len, struct key *key)
{
    struct wr_json *json = &since->json;
    if (wr_json_index(json, data, len) < 0) {
        return false;
    }
    uint32_t node = WR_JSON_ROOT;
    for (size_t i = 0; i < since->names_count; i++) {
        node = wr_json_kind(json, node) == WR_JSON_OBJECT
                   ? wr_json_find(json, node, since->names[i])
                   : WR_JSON_NONE;
        if (node == WR_JSON_NONE) {
            return false;
        }
    }
    enum wr_json_kind kind = wr_json_kind(json, node);
    struct wr_text text = wr_json_text(json, node);
    if ((kind != WR_JSON_NUMBER && kind != WR_JSON_STRING) || text.len >= KEY_MAX) {
        return false;
    }
    key->len = text.len;
    memcpy(key->text, text.data, text.len);
    key->text[text.len] = '\0';
    return true;
}

/* The digits of a whole number that is not negative; 0: it is another number. */
static size_t digits_of(const struct key *key)
{
    size_t len = strspn(key->text, "0123456789");
    return len == key->len ? len : 0;
}

enum order { NOT_GREATER, GREATER, NOT_COMPARABLE };

static enum order order_of(const struct key *key, const struct key *last)
{
    bool text = key->text[0] == '"';
    if (text != (last->text[0] == '"') || (text && key->len != last->len)) {
        return NOT_COMPARABLE;
    }
    if (text) {
        return memcmp(key->text, last->text, key->len) > 0 ? GREATER : NOT_GREATER;
    }
    size_t a = digits_of(key), b = digits_of(last);
    if (a > 0 && b > 0) { /* also beyond 2^53 */
        bool greater = a != b ? a > b : memcmp(key->text, last->text, a) > 0;
        return greater ? GREATER : NOT_GREATER;
    }
    return strtod(key->text, NULL) > strtod(last->text, NULL) ? GREATER : NOT_GREATER;
}

/* ---- items */

static void log_left_out(struct wr_http_source *source)
{
    struct wr_http_since *since = source->since;
    char shown[128];
    wr_http_shown(&source->http, shown, sizeof shown);
    wr_log(&source->gen.loop->log, WR_LOG_INFO, source->gen.name,
           "%s: %" PRIu64 " %ss are left out, whose %s is not greater than %s", shown,
           since->left_out, source->inbox.framer.ops->item, since->path, since->last.text);
    since->left_out = 0;
}

static bool keeps(struct weir_gen *gen, const char *data, size_t len)
{
    struct wr_http_source *source = WR_OWNER(gen, struct wr_http_source, gen);
    struct wr_http_since *since = source->since;
    struct key key;
    if (!since->comparing || !key_of(since, data, len, &key)) {
        return true;
    }
    enum order order = order_of(&key, &since->last);
    if (order == NOT_GREATER) {
        since->left_out++;
        return false;
    }
    if (order == GREATER) {
        since->comparing = false;
        if (since->left_out > 0) {
            log_left_out(source);
        }
    }
    return true;
}

int wr_http_since_begin(struct wr_http_source *source)
{
    struct wr_http_since *since = source->since;
    if (source->sse) {
        return wr_gen_fail(&source->gen, WEIR_EINVAL, 0, -1,
                           "since is for lines and JSON values; an event stream continues by the "
                           "ids of its events");
    }
    if (since->left_out > 0) {
        log_left_out(source);
    }
    since->comparing = since->last.len > 0;
    source->inbox.keeps = keeps;
    if (source->ids != NULL) { /* the kind of body may have made a new inbox */
        wr_inbox_keep_ends(&source->inbox, NULL);
        wr_state_prove(source->slot, WR_PROOF_WEAK);
    }
    return 0;
}

/* The field of an item that is given is the last one, but what does not compare is none while items
 * are compared. False: it has none. */
static bool key_of_item(struct wr_http_since *since, const weir_item *item)
{
    struct key key;
    weir_slice text = {item->data, item->len};
    (void)!weir_item_text(item, &text, NULL);
    if (!key_of(since, text.data, text.len, &key) ||
        (since->comparing && order_of(&key, &since->last) == NOT_COMPARABLE)) {
        return false;
    }
    since->last = key;
    return true;
}

int wr_http_since_given(struct wr_http_source *source, const weir_item *items, size_t count)
{
    struct wr_http_since *since = source->since;
    if (source->ids == NULL) { /* only the last one matters */
        while (count > 0 && !key_of_item(since, &items[count - 1])) {
            count--;
        }
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        (void)key_of_item(since, &items[i]);
        uint64_t number = wr_origin_number(source->gen.origin, items[i].seq);
        const struct wr_text last = {since->last.text, since->last.len};
        if (wr_texts_add(source->ids, number, last) < 0) {
            return wr_gen_fail(&source->gen, WEIR_ENOMEM, 0, -1, "no memory for positions");
        }
    }
    return 0;
}

void wr_http_since_how(const struct wr_http_source *source, char *to, size_t cap)
{
    const struct wr_http_since *since = source->since;
    if (since->last.len > 0) {
        snprintf(to, cap, "continues after %s %s", since->path, since->last.text);
    } else {
        snprintf(to, cap, "from the start");
    }
}

/* ---- the state */

int wr_http_since_resume(struct wr_http_source *source)
{
    struct wr_http_since *since = source->since;
    const char *stored = source->slot->stored;
    const char *text = stored != NULL ? wr_texts_read(stored, WORD) : "";
    weir_error error;
    if (text == NULL || strlen(text) >= KEY_MAX) {
        (void)wr_state_bad_position(source->slot, &error);
        return wr_gen_fail_error(&source->gen, &error);
    }
    since->last.len = strlen(text);
    memcpy(since->last.text, text, since->last.len + 1);
    source->ids =
        wr_texts_keep(source->gen.origin, &source->gen.loop->budget, WORD, wr_text_of(text));
    if (source->ids == NULL) {
        return wr_gen_fail(&source->gen, WEIR_ENOMEM, 0, -1, "no memory for positions");
    }
    wr_inbox_keep_ends(&source->inbox, NULL);
    if (since->last.len > 0) {
        char url[128], how[192];
        wr_http_shown(&source->http, url, sizeof url);
        wr_http_since_how(source, how, sizeof how);
        wr_log(&source->gen.loop->log, WR_LOG_INFO, source->gen.name, "%s: %s", url, how);
    }
    return 0;
}
