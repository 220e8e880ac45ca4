/*
 * support_fields.h - a decoder of records run on one text, and what it found as one text.
 *
 *     name=value|other=|       two fields, the second without a value
 *     <the reason>             the text is rejected
 *     <none>                   it holds no record
 *
 * The text is in a heap block of its own, so that a sanitizer sees a read outside.
 */
#ifndef WR_SUPPORT_FIELDS_H
#define WR_SUPPORT_FIELDS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base_fault.h"
#include "codec_fields.h"
#include "support_check.h"

typedef int fields_reader(struct wr_fields *fields, weir_slice text);

/* What the decoder finds in a text; the caller frees it. */
static inline char *fields_found(fields_reader *read, struct wr_fields *fields, const char *input,
                                 size_t len)
{
    char *shown, *copy = malloc(len > 0 ? len : 1);
    size_t shown_len;
    weir_slice text = {copy, len};
    wr_fault_pause(true); /* what is found is compared; the stages are swept */
    FILE *out = open_memstream(&shown, &shown_len);
    memcpy(copy, input, len);
    MUST(wr_fields_begin(fields, len) == 0);
    int rc = read(fields, text);
    for (size_t i = 0; rc == 0 && i < fields->count; i++) {
        fwrite(fields->names[i].data, 1, fields->names[i].len, out);
        fputc('=', out);
        fwrite(fields->values[i].data, 1, fields->values[i].len, out);
        fputc('|', out);
    }
    if (rc == WEIR_EPARSE) {
        char why[WR_FAULT_REASON];
        struct wr_fault fault = wr_fields_fault(fields, text);
        wr_fault_reason(&fault, why);
        fprintf(out, "<%s>", why);
    } else if (rc != 0) {
        fprintf(out, rc == WR_FIELDS_NONE ? "<none>" : "<%d>", rc);
    }
    fclose(out);
    wr_fault_pause(false);
    free(copy);
    return shown;
}

/* What the values are: a letter each, n for a number, b for true and false, s for a string. */
static inline WEIR_UNUSED void kinds_as(fields_reader *read, const char *text, const char *expected)
{
    char got[64] = "";
    struct wr_fields fields = {0};
    wr_fault_pause(true);                     /* what is found is compared; the stages are swept */
    for (int again = 0; again < 2; again++) { /* what a struct held before changes nothing */
        MUST(wr_fields_begin(&fields, strlen(text)) == 0);
        MUST(read(&fields, (weir_slice){text, strlen(text)}) == 0);
        for (size_t i = 0; i < fields.count; i++) {
            uint8_t kind = fields.typed ? fields.kinds[i] : 0;
            got[i] = kind == WEIR_VALUE_NUMBER ? 'n' : kind == WEIR_VALUE_BOOL ? 'b' : 's';
        }
        ck_assert_str_eq(got, expected);
    }
    wr_fault_pause(false);
    wr_fields_fini(&fields);
}

static inline void fields_as(fields_reader *read, const char *text, const char *expected)
{
    struct wr_fields fields = {0};
    char *got = fields_found(read, &fields, text, strlen(text));
    ck_assert_str_eq(got, expected);
    free(got);
    wr_fields_fini(&fields);
}

/* Each beginning of a text, with one struct for all of them: nothing is read outside, and what is
 * found there is not what is left of another one. */
static inline void every_beginning(fields_reader *read, const char *text)
{
    struct wr_fields fields = {0};
    for (size_t len = strlen(text) + 1; len-- > 0;) {
        struct wr_fields fresh = {0};
        char *got = fields_found(read, &fields, text, len);
        char *want = fields_found(read, &fresh, text, len);
        ck_assert_str_eq(got, want);
        free(got);
        free(want);
        wr_fields_fini(&fresh);
    }
    wr_fields_fini(&fields);
}

#endif
