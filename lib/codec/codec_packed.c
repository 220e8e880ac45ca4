/*
 * codec_packed.c - the walk over the heads of a value.
 *
 * A stack of levels, one for each array and map that is open, holds how many values follow; it has a
 * limit, and nothing recurses. The same walk writes JSON when it is asked to.
 */
#include "codec_packed.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <weir/error.h>

#include "base_error.h"

static int bad(struct wr_packed *p, const char *problem)
{
    p->problem = problem;
    return WEIR_EPARSE;
}

/* ---- JSON */

static void write_real(struct wr_out *out, const struct wr_packed_head *head)
{
    char text[40] = "null";
    double real = head->real;
    if (isfinite(real)) {
        int digits = head->single ? 6 : 15, most = head->single ? 9 : 17;
        do {
            (void)snprintf(text, sizeof text, "%.*g", digits, real);
        } while (digits++ < most &&
                 (head->single ? strtof(text, NULL) != (float)real : strtod(text, NULL) != real));
    }
    wr_out_string(out, text);
}

static void write_integer(struct wr_out *out, const struct wr_packed_head *head)
{
    char text[24];
    if (head->kind == WR_PACKED_UINT) {
        (void)snprintf(text, sizeof text, "%" PRIu64, head->number);
    } else if (head->number == UINT64_MAX) {
        (void)snprintf(text, sizeof text, "-18446744073709551616");
    } else {
        (void)snprintf(text, sizeof text, "-%" PRIu64, head->number + 1);
    }
    wr_out_string(out, text);
}

/* A value without others inside. key: it is the key of a map. */
static void write_plain(struct wr_out *out, const struct wr_packed_head *head, struct wr_text body,
                        bool key)
{
    char text[32];
    switch (head->kind) {
    case WR_PACKED_NULL: wr_out_string(out, "null"); break;
    case WR_PACKED_FALSE: wr_out_string(out, "false"); break;
    case WR_PACKED_TRUE: wr_out_string(out, "true"); break;
    case WR_PACKED_UINT:
    case WR_PACKED_NEGATIVE:
        wr_out_string(out, key ? "\"" : "");
        write_integer(out, head);
        wr_out_string(out, key ? "\"" : "");
        break;
    case WR_PACKED_REAL: write_real(out, head); break;
    case WR_PACKED_TEXT: wr_json_string(out, body); break;
    case WR_PACKED_BYTES: wr_json_base64(out, body); break;
    default:
        (void)snprintf(text, sizeof text, "{\"ext\":%d,\"data\":", head->ext);
        wr_out_string(out, text);
        wr_json_base64(out, body);
        wr_out_string(out, "}");
    }
}

/* A piece of a string: text by itself, and bytes as one with the pieces before it. */
static void write_piece(struct wr_packed *p, struct wr_out *out, struct wr_text piece)
{
    if (p->pieces == WR_PACKED_TEXT) {
        wr_json_string_part(out, piece);
        return;
    }
    while (piece.len > 0 && p->carried > 0 && p->carried < sizeof p->carry) {
        p->carry[p->carried++] = *piece.data++;
        piece.len--;
    }
    if (p->carried == sizeof p->carry) {
        wr_json_base64_part(out, (struct wr_text){p->carry, sizeof p->carry});
        p->carried = 0;
    }
    size_t whole = piece.len - piece.len % sizeof p->carry;
    wr_json_base64_part(out, (struct wr_text){piece.data, whole});
    for (size_t i = whole; i < piece.len; i++) {
        p->carry[p->carried++] = piece.data[i];
    }
}

/* What stands before a value. */
static void write_before(const struct wr_packed *p, struct wr_out *out)
{
    const struct wr_packed_level *level = p->depth > 0 ? &p->levels[p->depth - 1] : NULL;
    if (level != NULL && level->map && level->odd) {
        wr_out_string(out, ":");
    } else if (level != NULL && level->some) {
        wr_out_string(out, ",");
    }
}

/* ---- the tree */

/* A value has ended. 1: it was the whole one. */
static int ended(struct wr_packed *p, struct wr_out *out)
{
    while (p->depth > 0) {
        struct wr_packed_level *level = &p->levels[p->depth - 1];
        level->some = true;
        level->odd = level->map && !level->odd;
        if (level->left == WR_PACKED_OPEN || --level->left > 0) {
            return 0;
        }
        if (out != NULL) {
            wr_out_string(out, level->map ? "}" : "]");
        }
        p->depth--;
    }
    return 1;
}

static int open_level(struct wr_packed *p, const struct wr_packed_head *head, struct wr_out *out)
{
    bool map = head->kind == WR_PACKED_MAP;
    uint64_t left = head->number;
    if (p->depth == WR_PACKED_DEPTH_MAX) {
        return bad(p, "it is nested deeper than 1024 levels");
    }
    if (map && left != WR_PACKED_OPEN) {
        if (left > UINT64_MAX / 4) {
            return bad(p, "a map has more pairs than can be");
        }
        left *= 2;
    }
    if (out != NULL) {
        wr_out_string(out, map ? "{" : "[");
    }
    if (left > 0) {
        p->levels[p->depth++] = (struct wr_packed_level){.left = left, .map = map};
        return 0;
    }
    if (out != NULL) {
        wr_out_string(out, map ? "}" : "]");
    }
    return ended(p, out);
}

static int close_level(struct wr_packed *p, struct wr_out *out)
{
    const struct wr_packed_level *level = p->depth > 0 ? &p->levels[p->depth - 1] : NULL;
    if (level == NULL || level->left != WR_PACKED_OPEN || level->odd) {
        return bad(p, "a break that ends nothing");
    }
    if (out != NULL) {
        wr_out_string(out, level->map ? "}" : "]");
    }
    p->depth--;
    return ended(p, out);
}

static int open_string(struct wr_packed *p, const struct wr_packed_head *head, struct wr_out *out)
{
    p->pieces = head->kind;
    p->carried = 0;
    if (out != NULL) {
        wr_out_string(out, "\"");
    }
    return 0;
}

/* The next head inside a string in pieces. As take. */
static int take_piece(struct wr_packed *p, const struct wr_packed_head *head, const char *body,
                      struct wr_out *out)
{
    if (head->kind == WR_PACKED_BREAK) {
        if (out != NULL) {
            wr_json_base64_part(out, (struct wr_text){p->carry, p->carried});
            wr_out_string(out, "\"");
        }
        p->pieces = WR_PACKED_NULL;
        return ended(p, out);
    }
    if (head->kind != p->pieces || head->number == WR_PACKED_OPEN) {
        return bad(p, p->pieces == WR_PACKED_TEXT
                          ? "a piece of a text is not a text whose length is known"
                          : "a piece of a byte string is not one whose length is known");
    }
    if (out != NULL) {
        write_piece(p, out, (struct wr_text){body, (size_t)head->number});
    }
    p->body = head->number;
    return 0;
}

static bool is_key(const struct wr_packed *p)
{
    return p->depth > 0 && p->levels[p->depth - 1].map && !p->levels[p->depth - 1].odd;
}

/* Handle one head; its body is at `body` when the value is written. 0: go on; 1: the value has ended;
 * or WEIR_EPARSE. */
static int take(struct wr_packed *p, const struct wr_packed_head *head, const char *body,
                struct wr_out *out)
{
    bool key = is_key(p);
    if (p->pieces != WR_PACKED_NULL) {
        return take_piece(p, head, body, out);
    }
    if (head->kind == WR_PACKED_BREAK) {
        return close_level(p, out);
    }
    if (head->kind == WR_PACKED_TAG) {
        return 0;
    }
    if (key && head->kind != WR_PACKED_TEXT && head->kind != WR_PACKED_UINT &&
        head->kind != WR_PACKED_NEGATIVE) {
        return bad(p, "a key of a map is neither a text nor an integer");
    }
    if (out != NULL) {
        write_before(p, out);
    }
    if (head->kind == WR_PACKED_ARRAY || head->kind == WR_PACKED_MAP) {
        return open_level(p, head, out);
    }
    if (head->kind <= WR_PACKED_BYTES && head->number == WR_PACKED_OPEN &&
        head->kind >= WR_PACKED_TEXT) {
        return open_string(p, head, out);
    }
    bool has_body = head->kind == WR_PACKED_TEXT || head->kind == WR_PACKED_BYTES ||
                    head->kind == WR_PACKED_EXT;
    size_t len = has_body && out != NULL ? (size_t)head->number : 0;
    if (out != NULL) {
        write_plain(out, head, (struct wr_text){body, len}, key);
    }
    p->body = has_body ? head->number : 0;
    return p->body > 0 ? 0 : ended(p, out);
}

int wr_packed_walk(struct wr_packed *packed, const char *data, size_t len, size_t *used,
                   struct wr_out *out)
{
    size_t at = 0;
    int rc = packed->problem != NULL ? WEIR_EPARSE : 0;
    while (rc == 0) {
        if (packed->body > 0) {
            uint64_t part = WR_MIN(packed->body, (uint64_t)(len - at));
            at += (size_t)part;
            packed->body -= part;
            if (packed->body > 0) {
                break;
            }
            rc = packed->pieces != WR_PACKED_NULL ? 0 : ended(packed, out);
            continue;
        }
        struct wr_packed_head head = {.kind = WR_PACKED_NULL};
        int n = at < len ? packed->read((const unsigned char *)data + at, len - at, &head,
                                        &packed->problem)
                         : 0;
        if (n <= 0) {
            rc = n < 0 ? WEIR_EPARSE : 0;
            break;
        }
        WR_ASSERT(out == NULL || head.kind < WR_PACKED_TEXT || head.kind > WR_PACKED_EXT ||
                      head.number == WR_PACKED_OPEN || head.number <= len - at - (size_t)n,
                  "only a whole value is written");
        rc = take(packed, &head, data + at + n, out);
        at += rc < 0 ? 0 : (size_t)n;
    }
    *used = at;
    return rc;
}
