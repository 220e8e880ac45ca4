/*
 * codec_media.h - how a body is read, by its Content-Type. Sans-I/O.
 */
#ifndef WR_CODEC_MEDIA_H
#define WR_CODEC_MEDIA_H

#include <weir/source.h>

#include "codec_text.h"

enum wr_media {
    WR_MEDIA_UNKNOWN = 0,
    WR_MEDIA_LINES,  /* application/x-ndjson, and everything that is not known */
    WR_MEDIA_JSON,   /* application/json, and types that end in +json: a stream of values */
    WR_MEDIA_CSV,    /* text/csv: the first row has the names */
    WR_MEDIA_TSV,    /* text/tab-separated-values: the same */
    WR_MEDIA_EVENTS, /* text/event-stream */
    WR_MEDIA_GZIP,   /* application/gzip: what is inside is known by the name (wr_media_inside) */
    WR_MEDIA_ZSTD,   /* application/zstd: the same */
    WR_MEDIA_COUNT
};

/* type: a Content-Type without parameters; empty: there is none. Never WR_MEDIA_UNKNOWN. */
enum wr_media wr_media_of(struct wr_text type);
/* What is inside a compressed body of this URL, by the ending of its path before .gz and similar
 * (.csv.gz): one of those that are not compressed. */
enum wr_media wr_media_inside(const char *url);
/* A word for it: "csv". It is the component that reads it, too. */
const char *wr_media_word(enum wr_media media);
/* The one with this word; WR_MEDIA_UNKNOWN: there is none. */
enum wr_media wr_media_of_word(struct wr_text word);
/* How its items are cut. strict: an item over the limit is a failure. */
weir_framing wr_media_framing(enum wr_media media, bool strict);

#endif
