/*
 * codec_lines.h - bytes to lines: sans-I/O, never quadratic.
 *
 * The caller keeps a window of bytes that begins where the last call said (`used`), and calls again
 * when more have been appended, or at the end of the input. A line is a slice of the window:
 * nothing is copied. The splitter remembers how far it has looked, so a line that arrives in single
 * bytes costs one look at each byte.
 *
 * Rules. Split at LF; one CR before it belongs to the line end (flag CRLF); a CR elsewhere, NUL and
 * a BOM are data. At the end of the input the rest is a line with the flag NO_EOL; if it ends in a
 * CR, that CR is taken as a line end cut short (flags CRLF and NO_EOL: a sink writes the CR back,
 * so the bytes leave as they came; a lone CR is an empty line); an input that ends in LF has no
 * empty last line. The limit counts the line without its line end. A line over the limit is skipped
 * up to its LF and told once (SKIP: overlong_count), cut to the limit (CUT; the rest up to the LF
 * is dropped and counted), or fails (FAIL): by policy.
 *
 * Promises. The lines and the counters do not depend on how the input was cut into windows. The
 * raw_len of all lines and overlong_bytes add up to the input. No byte outside the window is read.
 */
#ifndef WR_CODEC_LINES_H
#define WR_CODEC_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum wr_lines_policy {
    WR_LINES_SKIP = 0,
    WR_LINES_CUT,
    WR_LINES_FAIL
}; /* as WEIR_LONG_SKIP, _CUT, _FAILS */

struct wr_line {
    const char *data; /* in the window */
    size_t len;       /* without the line end */
    uint32_t flags;   /* WEIR_ITEM_CRLF, WEIR_ITEM_NO_EOL, WEIR_ITEM_TRUNCATED */
    uint32_t raw_len; /* bytes up to and with the line end (a cut line: what was kept) */
    /* Offset in the whole input of the byte after its line end. Of a cut line: after what was kept,
     * as its line end may not have come yet; who starts there again sets `dropping` after init. */
    uint64_t end;
};

struct wr_lines {
    size_t line_bytes_max; /* SIZE_MAX: none but that of raw_len, just under 4 GiB */
    enum wr_lines_policy policy;
    size_t scanned;  /* bytes of the window already searched, without an LF */
    uint64_t offset; /* of the window's first byte in the whole input */
    bool dropping;   /* inside an overlong line, dropping up to its LF; with FAIL: has failed */
    uint64_t overlong_start;  /* offset of the overlong line being dropped, or last dropped */
    uint64_t overlong_count;  /* overlong lines so far */
    uint64_t overlong_bytes;  /* bytes dropped with them, line ends included */
    uint64_t overlong_before; /* ... before the latest of them */
    size_t mean_len;          /* running mean of the line lengths: picks the search */
};

/* line_bytes_max 0 is a limit of 0; SIZE_MAX none. offset: where in the whole input the first byte
 * lies. */
void wr_lines_init(struct wr_lines *lines, size_t line_bytes_max, enum wr_lines_policy policy,
                   uint64_t offset);

/*
 * Split the window [data, data+len). eof: nothing follows the window.
 * Fills up to max lines, in order; *used is how many bytes of the window are done with (the next
 * window begins there: data + *used, or the same bytes moved elsewhere). With eof, call again until
 * it gives 0 lines and used == len.
 *
 * Returns  the number of lines; -1: an overlong line under WR_LINES_FAIL (overlong_start says
 * where); the lines before it have been given by an earlier return; -1 again on each later call.
 *
 * While an overlong line is being dropped its bytes are used at once, so when fewer than max lines
 * came back, at most line_bytes_max + 1 bytes of the window are left (with FAIL: once the next call
 * has returned 0).
 */
long wr_lines_split(struct wr_lines *lines, const char *data, size_t len, bool eof,
                    struct wr_line *out, size_t max, size_t *used);

/*
 * How many ways of searching this machine has, from the plainest to the best, which is used unless
 * a test says otherwise. They differ in speed only.
 */
unsigned wr_lines_ways(void);
void wr_lines_use(unsigned way);

#endif
