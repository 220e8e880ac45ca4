/*
 * fuzz_regex.c - patterns and texts. Invariants: a pattern compiles or has a mistake at a place in
 * it; a match ends within its limits; groups lie in the text.
 *
 * The first byte is the flags, the second the length of the pattern; the text follows.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base_error.h"
#include "codec_regex.h"

static void require(int holds)
{
    if (!holds) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    int code = 0;
    struct wr_regex_mistake mistake;
    const char *problem = NULL;
    if (len < 2 || data[1] > len - 2) {
        return 0;
    }
    weir_slice pattern = {(const char *)data + 2, data[1]};
    weir_slice text = {pattern.data + pattern.len, len - 2 - pattern.len};
    struct wr_regex *regex = wr_regex_new(pattern, data[0] & 7, &code, &mistake);
    if (regex == NULL) {
        require(code == WEIR_EPARSE && mistake.at <= pattern.len && mistake.problem[0] != '\0');
        return 0;
    }
    for (size_t from = 0; from <= text.len; from++) {
        enum wr_regex_where where = from % 2 == 0 ? WR_REGEX_ANYWHERE : WR_REGEX_HERE_NOT_EMPTY;
        int rc = wr_regex_match(regex, text, from, where, &problem);
        require(rc == 0 || rc == 1 || (rc == WEIR_EPARSE && problem != NULL));
        for (size_t i = 0; rc == 1 && i <= wr_regex_groups(regex); i++) {
            size_t at, to;
            require(!wr_regex_group(regex, i, &at, &to) || (at <= to && to <= text.len));
        }
        if (rc != 1) {
            break;
        }
    }
    for (size_t i = 0; i < wr_regex_names(regex); i++) {
        size_t group;
        require(wr_regex_name(regex, i, &group).len > 0 && group <= wr_regex_groups(regex));
    }
    wr_regex_free(regex);
    return 0;
}
