/*
 * fuzz_record.c - the decoders of records: one text in, fields out. Invariants: each name and value
 * lies in the text, in what was made of it, or in constant memory; nothing is made that has no
 * room; a rejected text has a reason and a position in it; what a struct held before changes
 * nothing.
 *
 * The first byte picks the decoder.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec_clf.h"
#include "codec_csv.h"
#include "codec_journal.h"
#include "codec_logfmt.h"
#include "codec_metrics.h"
#include "codec_syslog.h"
#include "codec_utf8.h"

static void require(int holds)
{
    if (!holds) {
        abort();
    }
}

static int read_pairs(struct wr_fields *fields, weir_slice text)
{
    return wr_kv_read(fields, text, &(struct wr_kv){{", ", 2}, {":", 1}});
}

static int read_words(struct wr_fields *fields, weir_slice text)
{
    return wr_kv_read(fields, text, &(struct wr_kv){{"", 0}, {"=", 1}});
}

static int read_row(struct wr_fields *fields, weir_slice text)
{
    return wr_csv_row(fields, text, ',');
}

/* All lines; the result is that of the last one. */
static int read_statsd(struct wr_fields *fields, weir_slice text)
{
    int rc = WR_FIELDS_NONE, next;
    size_t at = 0, before = 0;
    while ((next = wr_statsd_read(fields, text, &at)) != WR_FIELDS_NONE && rc != WEIR_ENOMEM) {
        require(at > before && at <= text.len);
        before = at;
        rc = next;
    }
    return rc;
}

typedef int reader(struct wr_fields *fields, weir_slice text);

static reader *const readers[] = {
    wr_logfmt_read, read_pairs,  read_words,   wr_clf_read,    wr_syslog_read,
    read_row,       read_statsd, wr_prom_read, wr_influx_read, wr_journal_read,
};

/* Reads each byte: a sanitizer sees a slice that points outside. */
static uint64_t hash_of(uint64_t hash, weir_slice slice)
{
    for (size_t i = 0; i < slice.len; i++) {
        hash = (hash ^ (unsigned char)slice.data[i]) * UINT64_C(0x100000001b3);
    }
    return (hash ^ slice.len) * UINT64_C(0x100000001b3);
}

static uint64_t look(reader *read, struct wr_fields *fields, weir_slice text)
{
    uint64_t hash = 1;
    require(wr_fields_begin(fields, text.len) == 0);
    int rc = read(fields, text);
    if (rc == WEIR_EPARSE) {
        char why[WR_FAULT_REASON], excerpt[WR_EXCERPT_BYTES];
        require(fields->problem != NULL);
        struct wr_fault fault = wr_fields_fault(fields, text);
        wr_fault_reason(&fault, why);
        require(strlen(why) + 1 < sizeof why);
        size_t shown = wr_excerpt(text, fields->at, excerpt);
        require(shown < sizeof excerpt && strlen(excerpt) == shown);
        require(wr_utf8_valid_bytes(excerpt, shown) == shown);
        return hash_of(fields->at, (weir_slice){why, strlen(why)});
    }
    require(rc == 0 || rc == WR_FIELDS_NONE);
    require(fields->count <= WR_FIELDS_MAX && fields->made_len <= fields->made_cap);
    for (size_t i = 0; rc == 0 && i < fields->count; i++) {
        hash = hash_of(hash_of(hash, fields->names[i]), fields->values[i]);
    }
    return hash + (uint64_t)rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct wr_fields used; /* for all inputs */
    struct wr_fields fresh = {0};
    if (len < 1) {
        return 0;
    }
    reader *read = readers[data[0] % (sizeof readers / sizeof *readers)];
    weir_slice text = {(const char *)data + 1, len - 1};
    require(look(read, &used, text) == look(read, &fresh, text));
    wr_fields_fini(&fresh);
    return 0;
}
