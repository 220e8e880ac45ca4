/*
 * source_http_media.c - a body that is read by its Content-Type: the component `auto` behind a URL.
 *
 *   chosen     wr_http_by_media, when the generator is made: the inbox has no framer of its own yet
 *   known      by the position of an earlier run, or by the first response with a body
 *   kept       wr_http_media, before the first pull: positions are kept from here on
 *
 * The judgement of the first response sets the framer, before a byte of the body is in the inbox. A
 * later response must be read in the same way; another type that is cut alike is no change. What
 * depends on the kind of body before the first response (the request of an event stream, retries
 * without limit) is as for lines. wr_http_media waits; nothing else here suspends.
 *
 * Only an event stream may be read by its type, and all others in one way (`others`): as JSON before
 * the component `json`; as lines where a source is recorded without a framer, so that it reconnects as
 * an event stream does.
 */
#include <stdio.h>
#include <string.h>

#include "codec_records.h"
#include "source_http_parts.h"

static const char AS[] = "as ";

bool wr_http_by_media(struct weir_gen *gen, bool strict, bool json)
{
    struct wr_http_source *source = WR_OWNER(gen, struct wr_http_source, gen);
    bool raw = source->inbox.framer.ops == &wr_raw_framer;
    if (raw) { /* else it was told how to cut them, perhaps by this */
        source->by_media = true;
        source->strict = strict;
        source->others = json ? WR_MEDIA_JSON : WR_MEDIA_UNKNOWN;
    }
    return raw;
}

/* The body is of this kind. 0 or WEIR_ENOMEM. */
static int set_media(struct wr_http_source *source, enum wr_media media)
{
    weir_framing framing = wr_media_framing(media, source->strict);
    source->media = media;
    source->sse = media == WR_MEDIA_EVENTS;
    wr_inbox_fini(&source->inbox);
    return wr_inbox_init(&source->inbox, &source->gen, &framing, 0);
}

/* What to write behind the URL for a body that is to be read like this. */
static const char *typed(enum wr_media media)
{
    return media == WR_MEDIA_CSV   ? "csv header"
           : media == WR_MEDIA_TSV ? "tsv header"
                                   : wr_media_word(media);
}

static enum wr_http_verdict refuse_change(struct wr_http_source *source, enum wr_media media)
{
    const struct wr_http_reply *reply = &source->http.reply;
    const char *was = source->type, *is = reply->words->type;
    char before[80];
    if (was[0] != '\0') {
        snprintf(before, sizeof before, "'%s'", was);
    } else {
        snprintf(before, sizeof before, "one that is read as %s", wr_media_word(source->media));
    }
    wr_http_refuse(&source->http.failure, WEIR_ECHANGED, reply->status,
                   "the Content-Type was %s, and is now %s%s%s: that is read in another way; '%s' "
                   "behind the URL reads it whatever its type",
                   before, is[0] != '\0' ? "'" : "missing", is, is[0] != '\0' ? "'" : "",
                   typed(source->sse ? media : source->media));
    return WR_HTTP_REFUSED;
}

enum wr_http_verdict wr_http_media_judge(struct wr_http_source *source)
{
    const struct wr_http_reply *reply = &source->http.reply;
    const char *type = reply->words->type;
    enum wr_media media = wr_media_of(wr_text_of(type));
    if (source->others != WR_MEDIA_UNKNOWN && media != WR_MEDIA_EVENTS) {
        media = source->others;
    }
    /* A 206 may leave out what the first response has said (RFC 9110, 15.3.7). */
    if (source->media != WR_MEDIA_UNKNOWN && reply->status == 206 &&
        (type[0] == '\0' || reply->multipart)) {
        return WR_HTTP_ACCEPTED;
    }
    if (source->media != WR_MEDIA_UNKNOWN) {
        return media == source->media ? WR_HTTP_ACCEPTED : refuse_change(source, media);
    }
    if (media == WR_MEDIA_EVENTS && source->slot != NULL && source->slot->again) {
        wr_http_refuse(&source->http.failure, WEIR_EINVAL, reply->status,
                       "it is an event stream, which a later component would have to read again "
                       "from its beginning after a restart; write 'sse | json' behind the URL");
        return WR_HTTP_REFUSED;
    }
    if ((media == WR_MEDIA_GZIP || media == WR_MEDIA_ZSTD) && source->slot != NULL) {
        wr_http_refuse(
            &source->http.failure, WEIR_EINVAL, reply->status,
            "it is compressed (%s), so with a state it is read again from its beginning; "
            "for that write '%s | %s' behind the URL",
            type, wr_media_word(media), typed(wr_media_inside(source->http.url)));
        return WR_HTTP_REFUSED;
    }
    snprintf(source->type, sizeof source->type, "%s", type);
    if (set_media(source, media) < 0) {
        wr_http_refuse(&source->http.failure, WEIR_ENOMEM, 0, "no memory for items");
        return WR_HTTP_REFUSED;
    }
    return WR_HTTP_ACCEPTED;
}

/* The kind of body that a stored position belongs to. */
static enum wr_media media_of_position(const char *stored, enum wr_media others)
{
    struct wr_offset at;
    if (!wr_offset_read(&at, stored)) {
        return WR_MEDIA_EVENTS; /* ids; if it is none of the two, wr_http_source_keep refuses it */
    }
    size_t len = sizeof AS - 1;
    if (strncmp(at.validator, AS, len) != 0) {
        return at.end == 0                  ? WR_MEDIA_UNKNOWN
               : others != WR_MEDIA_UNKNOWN ? others
                                            : WR_MEDIA_LINES;
    }
    const char *word = at.validator + len;
    return wr_media_of_word((struct wr_text){word, strcspn(word, " ")});
}

int wr_http_media_resume(struct wr_http_source *source)
{
    const char *stored = source->slot->stored;
    enum wr_media media =
        stored != NULL ? media_of_position(stored, source->others) : WR_MEDIA_UNKNOWN;
    if (media != WR_MEDIA_UNKNOWN && set_media(source, media) < 0) {
        return wr_gen_fail(&source->gen, WEIR_ENOMEM, 0, -1, "no memory for items");
    }
    return 0;
}

enum wr_media wr_http_media_inside(const struct weir_gen *gen)
{
    const struct wr_http_source *source = WR_OWNER((uintptr_t)gen, struct wr_http_source, gen);
    return wr_media_inside(source->http.url);
}

enum wr_media wr_http_media(struct weir_gen *gen)
{
    struct wr_http_source *source = WR_OWNER(gen, struct wr_http_source, gen);
    while (source->media == WR_MEDIA_UNKNOWN && !gen->stopping && !source->inbox.end) {
        if (wr_http_source_step(source) < 0) {
            return WR_MEDIA_UNKNOWN;
        }
    }
    if (source->media == WR_MEDIA_UNKNOWN) {
        return source->inbox.end ? WR_MEDIA_LINES : WR_MEDIA_UNKNOWN; /* no body has come */
    }
    bool kept = source->slot == NULL || source->offsets != NULL || source->ids != NULL;
    return kept || wr_http_source_keep(source) == 0 ? source->media : WR_MEDIA_UNKNOWN;
}
