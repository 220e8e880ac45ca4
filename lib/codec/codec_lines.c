/*
 * codec_lines.c - the framers of lines and of what NUL ends.
 *
 * Rules. Split at LF; one CR before it belongs to the line end (flag CRLF); a CR elsewhere, NUL and
 * a BOM are data. At the end of the input the rest is a line with the flag NO_EOL; if it ends in a
 * CR, that CR is taken as a line end cut short (flags CRLF and NO_EOL: a sink writes the CR back,
 * so the bytes leave as they came; a lone CR is an empty line); an input that ends in LF has no
 * empty last line. The limit counts the line without its line end; under PARTS a line that is whole
 * in the window is given whole. With NUL in the place of LF a CR is data, too.
 *
 * A call moves a cursor over the window: `start` is where the current line begins, `from` how far
 * the search has come. Between two calls only `from - start` (scanned) and whether an overlong line
 * is being dropped are kept.
 *
 * Two searches find the LFs. The bitmap turns 64 bytes at a time into a mask with one bit per LF,
 * writes the bit positions to a small array without a branch that depends on the data, and a second
 * loop makes lines of the positions: for short lines this is nearly twice as fast as a search per
 * line, whose every end is a mispredicted branch. With AVX2 four lines are made of four positions
 * at once. memchr wins for long lines, because it looks at four vectors per step. The running mean
 * of the line lengths picks one; it changes speed only, never a result.
 *
 * A rest without an LF is overlong as soon as no continuation could make it fit: limit + 1 bytes of
 * which the last is no CR, or limit + 2 bytes. This holds whatever the cut of the input, so the
 * outcome does not depend on it.
 */
#define _GNU_SOURCE /* memrchr */
#include <stdatomic.h>
#include <string.h>

#include <weir/item.h>

#include "base_error.h"
#include "codec_lines.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__ARM_NEON) && defined(__aarch64__)
#include <arm_neon.h>
#endif

enum {
    BLOCK = 64,
    BATCH_MAX = 128,         /* positions per round of the bitmap */
    SEGMENT_MAX = 32 * 1024, /* bytes per round: the mean is looked at again after each */
    LONG_LEN = 500,          /* mean from which on memchr is faster, measured on Zen 4 */
    LEN_COUNTED_MAX = 8192,  /* one giant line does not keep the mean up for long */
};

/* `raw_len` has 32 bits, and two of its values are needed for the line end. */
#define LIMIT_MAX ((size_t)UINT32_MAX - 2)

struct found {
    /* Of LFs, from the segment's start. Four full blocks may overshoot the batch, and stores come
     * in fours. */
    uint32_t positions[BATCH_MAX + 4 * BLOCK + 8];
    size_t count;
    size_t searched; /* bytes from the segment's start */
};

/* Search [base, base+len), len >= BLOCK, until `want` LFs are found or the end is reached. */
typedef void scan(const char *base, size_t len, size_t want, struct found *found);

/*
 * Make lines of positions[0 .. count), four at a time, as long as none is over `limit`; `end` is
 * the offset of the byte after `origin` in the whole input. The position before the first one is
 * that of the LF before its line. Gives how many lines were made.
 */
typedef size_t fours(const char *origin, const uint32_t *positions, size_t count, size_t limit,
                     uint64_t end, struct wr_frame *out);

struct ways { /* of doing it on this machine */
    scan *scan;
    fours *fours; /* NULL: line by line */
};

/* The position of the lowest bit of `mask`; of no bit some number, which the next store overwrites.
 */
#define LOW_BIT(mask) ((uint32_t)__builtin_ctzll((mask) | UINT64_C(1) << 63))
#define LOW_BIT_BMI(mask) ((uint32_t)_tzcnt_u64(mask))

/* Append the positions of the bits of `mask` at `to` and move it: two stores without a branch, then
 * fours. */
#define PUT_BITS(low_bit, to, mask, at)                           \
    do {                                                          \
        uint64_t bits_ = (mask);                                  \
        uint32_t at_ = (uint32_t)(at);                            \
        size_t bits_count_ = (size_t)__builtin_popcountll(bits_); \
        (to)[0] = at_ + low_bit(bits_);                           \
        bits_ &= bits_ - 1;                                       \
        (to)[1] = at_ + low_bit(bits_);                           \
        for (size_t i_ = 2; i_ < bits_count_; i_ += 4) {          \
            for (size_t k_ = i_; k_ < i_ + 4; k_++) {             \
                bits_ &= bits_ - 1;                               \
                (to)[k_] = at_ + low_bit(bits_);                  \
            }                                                     \
        }                                                         \
        (to) += bits_count_;                                      \
    } while (0)

/*
 * The scan around one way of making masks, `mask_of`, compiled for `target`. Four blocks at a time
 * share one test whether any holds two LFs: it is predicted well for short lines (always) and for
 * long ones (never). The dense case is a call, because inlined it takes the registers of the other.
 * The last block overlaps the one before it instead of reading past the end; the shift takes out
 * the bits that were seen already.
 */
#define DEFINE_SCAN(name, target, mask_of, low_bit)                                           \
    static target __attribute__((noinline)) uint32_t *name##_dense(                           \
        uint32_t *to, uint32_t at, uint64_t m0, uint64_t m1, uint64_t m2, uint64_t m3)        \
    {                                                                                         \
        PUT_BITS(low_bit, to, m0, at);                                                        \
        PUT_BITS(low_bit, to, m1, at + BLOCK);                                                \
        PUT_BITS(low_bit, to, m2, at + 2 * BLOCK);                                            \
        PUT_BITS(low_bit, to, m3, at + 3 * BLOCK);                                            \
        return to;                                                                            \
    }                                                                                         \
    static target void name(const char *base, size_t len, size_t want, struct found *found)   \
    {                                                                                         \
        uint32_t *to = found->positions;                                                      \
        uint32_t *stop = found->positions + want;                                             \
        /* The first block ends at an aligned address: no later load crosses a cache line. */ \
        size_t at = BLOCK - ((uintptr_t)base & (BLOCK - 1));                                  \
        uint64_t head = mask_of(base) << (BLOCK - at) >> (BLOCK - at);                        \
        PUT_BITS(low_bit, to, head, 0);                                                       \
        while (at + 4 * BLOCK <= len && to + 4 <= stop) {                                     \
            uint64_t m0 = mask_of(base + at);                                                 \
            uint64_t m1 = mask_of(base + at + BLOCK);                                         \
            uint64_t m2 = mask_of(base + at + 2 * BLOCK);                                     \
            uint64_t m3 = mask_of(base + at + 3 * BLOCK);                                     \
            uint64_t twice =                                                                  \
                (m0 & (m0 - 1)) | (m1 & (m1 - 1)) | (m2 & (m2 - 1)) | (m3 & (m3 - 1));        \
            if (WR_UNLIKELY(twice != 0)) {                                                    \
                to = name##_dense(to, (uint32_t)at, m0, m1, m2, m3);                          \
            } else {                                                                          \
                size_t n1 = (size_t)__builtin_popcountll(m0);                                 \
                size_t n2 = n1 + (size_t)__builtin_popcountll(m1);                            \
                size_t n3 = n2 + (size_t)__builtin_popcountll(m2);                            \
                to[0] = (uint32_t)at + low_bit(m0);                                           \
                to[n1] = (uint32_t)at + BLOCK + low_bit(m1);                                  \
                to[n2] = (uint32_t)at + 2 * BLOCK + low_bit(m2);                              \
                to[n3] = (uint32_t)at + 3 * BLOCK + low_bit(m3);                              \
                to += n3 + (size_t)__builtin_popcountll(m3);                                  \
            }                                                                                 \
            at += 4 * BLOCK;                                                                  \
        }                                                                                     \
        while (at + BLOCK <= len && to < stop) {                                              \
            uint64_t mask = mask_of(base + at);                                               \
            PUT_BITS(low_bit, to, mask, at);                                                  \
            at += BLOCK;                                                                      \
        }                                                                                     \
        if (at < len && to < stop) {                                                          \
            uint64_t mask = mask_of(base + len - BLOCK) >> (at - (len - BLOCK));              \
            PUT_BITS(low_bit, to, mask, at);                                                  \
            at = len;                                                                         \
        }                                                                                     \
        found->count = (size_t)(to - found->positions);                                       \
        found->searched = at;                                                                 \
    }

/* For machines without a search of their own: one memchr per line, whose C library knows the
 * machine better. */
static void scan_memchr(const char *base, size_t len, size_t want, struct found *found)
{
    size_t at = 0;
    found->count = 0;
    while (found->count < want && at < len) {
        const char *lf = memchr(base + at, '\n', len - at);
        if (lf == NULL) {
            at = len;
            break;
        }
        found->positions[found->count++] = (uint32_t)(lf - base);
        at = (size_t)(lf - base) + 1;
    }
    found->searched = at;
}

#if defined(__x86_64__)
#define AVX512 __attribute__((target("avx512bw,bmi,bmi2,popcnt")))
#define AVX2 __attribute__((target("avx2,bmi,bmi2,popcnt")))
#define SSE2

static inline AVX512 uint64_t mask_avx512(const char *p)
{
    return _mm512_cmpeq_epi8_mask(_mm512_loadu_si512((const void *)p), _mm512_set1_epi8('\n'));
}

static inline AVX2 uint64_t mask_avx2(const char *p)
{
    const __m256i lf = _mm256_set1_epi8('\n');
    __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)p);
    __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(p + 32));
    uint32_t low_bits = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, lf));
    uint32_t high_bits = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, lf));
    return (uint64_t)high_bits << 32 | low_bits;
}

static inline uint64_t mask_sse2(const char *p)
{
    const __m128i lf = _mm_set1_epi8('\n');
    uint64_t mask = 0;
    for (unsigned i = 0; i < 4; i++) {
        __m128i part = _mm_loadu_si128((const __m128i *)(const void *)(p + i * 16u));
        mask |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(part, lf)) << (i * 16u);
    }
    return mask;
}

DEFINE_SCAN(scan_avx512, AVX512, mask_avx512, LOW_BIT_BMI)
DEFINE_SCAN(scan_avx2, AVX2, mask_avx2, LOW_BIT_BMI)
DEFINE_SCAN(scan_sse2, SSE2, mask_sse2, LOW_BIT)

_Static_assert(offsetof(struct wr_frame, len) == 8 && offsetof(struct wr_frame, flags) == 16 &&
                   offsetof(struct wr_frame, raw_len) == 20 &&
                   offsetof(struct wr_frame, end) == 24 && sizeof(struct wr_frame) == 32,
               "a line is one row of four words, as store_four writes it");

/* One column of four lines each becomes one line a row: a 4 x 4 transposition. */
static inline AVX2 void store_four(struct wr_frame *out, __m256i data, __m256i len, __m256i sizes,
                                   __m256i end)
{
    __m256i *to = (__m256i *)(void *)out;
    __m256i even_front = _mm256_unpacklo_epi64(data, len);
    __m256i odd_front = _mm256_unpackhi_epi64(data, len);
    __m256i even_back = _mm256_unpacklo_epi64(sizes, end);
    __m256i odd_back = _mm256_unpackhi_epi64(sizes, end);
    _mm256_storeu_si256(to, _mm256_permute2x128_si256(even_front, even_back, 0x20));
    _mm256_storeu_si256(to + 1, _mm256_permute2x128_si256(odd_front, odd_back, 0x20));
    _mm256_storeu_si256(to + 2, _mm256_permute2x128_si256(even_front, even_back, 0x31));
    _mm256_storeu_si256(to + 3, _mm256_permute2x128_si256(odd_front, odd_back, 0x31));
}

/* The byte before each of four LFs, compared with CR: all ones in the lanes where it is one. */
static inline AVX2 __m256i crs_before(const char *origin, const uint32_t *positions)
{
    __m128i bytes = _mm_cvtsi32_si128(origin[(size_t)positions[0] - 1]);
    bytes = _mm_insert_epi8(bytes, origin[(size_t)positions[1] - 1], 1);
    bytes = _mm_insert_epi8(bytes, origin[(size_t)positions[2] - 1], 2);
    bytes = _mm_insert_epi8(bytes, origin[(size_t)positions[3] - 1], 3);
    return _mm256_cvtepi8_epi64(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\r')));
}

static AVX2 size_t fours_avx2(const char *origin, const uint32_t *positions, size_t count,
                              size_t limit, uint64_t end, struct wr_frame *out)
{
    const __m256i one = _mm256_set1_epi64x(1);
    const __m256i longest = _mm256_set1_epi64x((long long)limit);
    const __m256i end_base = _mm256_set1_epi64x((long long)end);
    const __m256i data_base = _mm256_set1_epi64x((long long)(uintptr_t)origin);
    size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        const uint32_t *four = positions + i;
        __m256i at = _mm256_cvtepu32_epi64(_mm_loadu_si128((const __m128i *)(const void *)four));
        __m256i before =
            _mm256_cvtepu32_epi64(_mm_loadu_si128((const __m128i *)(const void *)(four - 1)));
        __m256i cr = crs_before(origin, four);
        __m256i raw = _mm256_sub_epi64(at, before); /* with the LF */
        __m256i start = _mm256_add_epi64(before, one);
        __m256i len = _mm256_add_epi64(_mm256_sub_epi64(at, start), cr);
        if (WR_UNLIKELY(
                !_mm256_testz_si256(_mm256_cmpgt_epi64(len, longest), _mm256_set1_epi64x(-1)))) {
            break;
        }
        __m256i crlf = _mm256_and_si256(cr, _mm256_set1_epi64x(WEIR_ITEM_CRLF));
        store_four(out + i, _mm256_add_epi64(data_base, start), len,
                   _mm256_or_si256(_mm256_slli_epi64(raw, 32), crlf),
                   _mm256_add_epi64(end_base, at));
    }
    return i;
}

static const struct ways all_ways[] = {
    {scan_memchr, NULL}, {scan_sse2, NULL}, {scan_avx2, fours_avx2}, {scan_avx512, fours_avx2}};

unsigned wr_lines_ways(void)
{
    __builtin_cpu_init();
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
                __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
    return !avx2 ? 2 : __builtin_cpu_supports("avx512bw") ? 4 : 3;
}

#elif defined(__ARM_NEON) && defined(__aarch64__)
#define NEON

/* NEON has no move-mask: keep one bit per byte and add neighbours up three times. */
static inline uint64_t mask_neon(const char *p)
{
    static const uint8_t bit_of_byte[16] = {1, 2, 4, 8, 16, 32, 64, 128,
                                            1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x16_t bits = vld1q_u8(bit_of_byte);
    const uint8x16_t lf = vdupq_n_u8('\n');
    const uint8_t *bytes = (const uint8_t *)p;
    uint8x16_t a = vandq_u8(vceqq_u8(vld1q_u8(bytes), lf), bits);
    uint8x16_t b = vandq_u8(vceqq_u8(vld1q_u8(bytes + 16), lf), bits);
    uint8x16_t c = vandq_u8(vceqq_u8(vld1q_u8(bytes + 32), lf), bits);
    uint8x16_t d = vandq_u8(vceqq_u8(vld1q_u8(bytes + 48), lf), bits);
    uint8x16_t sum = vpaddq_u8(vpaddq_u8(a, b), vpaddq_u8(c, d));
    return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(sum, sum)), 0);
}

DEFINE_SCAN(scan_neon, NEON, mask_neon, LOW_BIT)

static const struct ways all_ways[] = {{scan_memchr, NULL}, {scan_neon, NULL}};

unsigned wr_lines_ways(void)
{
    return 2;
}

#else

static const struct ways all_ways[] = {{scan_memchr, NULL}};

unsigned wr_lines_ways(void)
{
    return 1;
}

#endif

/* Every thread that comes here first chooses the same, so a relaxed store is enough. */
static _Atomic(const struct ways *) chosen;

void wr_lines_use(unsigned way)
{
    WR_ASSERT(way < wr_lines_ways(), "this machine has no such way");
    atomic_store_explicit(&chosen, &all_ways[way], memory_order_relaxed);
}

static const struct ways *ways_here(void)
{
    const struct ways *here = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (WR_UNLIKELY(here == NULL)) {
        here = &all_ways[wr_lines_ways() - 1];
        atomic_store_explicit(&chosen, here, memory_order_relaxed);
    }
    return here;
}

struct cursor {
    struct wr_framer *framer;
    const char *data;
    size_t len;
    size_t start; /* of the current line */
    size_t from;  /* the search goes on here; no LF in [start, from) */
    size_t limit;
    bool parts;
    char end; /* of a line: LF or NUL */
    struct wr_frame *out;
    size_t count, max;
};

/* Is the byte before a line's end a CR that belongs to it? */
static inline bool has_cr(const struct cursor *c, const char *end)
{
    return end[-1] == '\r' && c->end == '\n';
}

/* Count an overlong line that begins at `start`, of which `raw` bytes are here, with its end or
 * without; a cut one still gives its head. False: the policy is to fail, the cursor stays before
 * the line. */
static __attribute__((noinline)) bool begin_overlong(struct cursor *c, size_t raw, bool ended)
{
    struct wr_framer *framer = c->framer;
    uint64_t start = framer->offset + c->start;
    if (framer->overlong == WEIR_LONG_FAILS && c->count > 0) {
        return false; /* the lines before it go first; the next call comes here again */
    }
    framer->overlong_count++;
    framer->overlong_start = start;
    framer->overlong_before = framer->overlong_bytes;
    framer->overlong_extra = ended;
    if (framer->overlong == WEIR_LONG_FAILS) {
        framer->failed = WEIR_ETOOLONG;
        return false;
    }
    if (framer->overlong == WEIR_LONG_CUT) {
        c->out[c->count++] = (struct wr_frame){.data = c->data + c->start,
                                               .len = c->limit,
                                               .flags = WEIR_ITEM_TRUNCATED,
                                               .raw_len = (uint32_t)c->limit,
                                               .end = start + c->limit};
        raw -= c->limit;
    }
    framer->overlong_bytes += raw;
    return true;
}

/* Make a line of [start, lf), of whose bytes the last is a CR or not. False: it is over the limit.
 */
static inline bool make_line(struct wr_frame *out, const char *start, const char *lf, bool cr,
                             size_t limit, uint64_t end)
{
    size_t raw = (size_t)(lf - start);
    size_t len = raw - cr;
    if (WR_UNLIKELY(len > limit)) {
        return false;
    }
    out->data = start;
    out->len = len;
    out->flags = (uint32_t)cr * (uint32_t)WEIR_ITEM_CRLF;
    out->raw_len = (uint32_t)raw + 1;
    out->end = end;
    return true;
}

/* Make lines of the first `take` positions, counted from `base` in the window. False: stop, the
 * policy is to fail. */
static bool put_lines(struct cursor *c, size_t base, const uint32_t *positions, size_t take,
                      fours *put_fours)
{
    const char *origin = c->data + base;
    const char *start = c->data + c->start;
    const uint64_t end = c->framer->offset + base + 1;
    const size_t limit = c->limit;
    struct wr_frame *out = c->out + c->count;
    size_t i = 0;

    if (take > 0 && base + positions[0] == 0) {
        /* An empty line with no byte before it; all others look at that byte, which for an empty
         * line is an LF. */
        *out++ = (struct wr_frame){.data = start, .raw_len = 1, .end = end};
        start++;
        i = 1;
    }
    while (i < take) {
        size_t position = positions[i++];
        const char *lf = origin + position;
        if (WR_LIKELY(make_line(out, start, lf, lf[-1] == '\r', limit, end + position))) {
            out++;
        } else {
            c->start = (size_t)(start - c->data);
            c->count = (size_t)(out - c->out);
            if (!begin_overlong(c, (size_t)(lf - start) + 1, true)) {
                return false;
            }
            out = c->out + c->count;
        }
        start = lf + 1;
        if (put_fours != NULL && take - i >= 4) {
            size_t made = put_fours(origin, positions + i, take - i, limit, end, out);
            out += made;
            i += made;
            start = origin + positions[i - 1] + 1;
        }
    }
    c->start = (size_t)(start - c->data);
    c->count = (size_t)(out - c->out);
    return true;
}

/* One round of the bitmap: up to BATCH_MAX lines. False: stop. */
static bool split_short(struct cursor *c)
{
    struct found found;
    size_t base = c->from;
    size_t want = WR_MIN(c->max - c->count, (size_t)BATCH_MAX);
    const struct ways *ways = ways_here();
    ways->scan(c->data + base, WR_MIN(c->len - base, (size_t)SEGMENT_MAX), want, &found);

    size_t take = WR_MIN(found.count, want);
    c->framer->mean_len = found.searched / (found.count + 1);
    c->from = base + found.searched;
    bool go_on = put_lines(c, base, found.positions, take, ways->fours);
    if (!go_on || take < found.count) {
        c->from = c->start; /* what was found beyond is searched again: less than a batch */
    }
    return go_on;
}

/* Lines by memchr, at least one, for as long as they are long. False: stop. What changes from line
 * to line is in local variables, since the next search waits for it. */
static bool split_long(struct cursor *c)
{
    const char *const stop = c->data + c->len;
    const char *start = c->data + c->start;
    const char *from = c->data + c->from;
    const uint64_t offset = c->framer->offset;
    size_t mean_len = c->framer->mean_len;
    struct wr_frame *out = c->out + c->count;
    struct wr_frame *const out_stop = c->out + c->max;
    size_t overlong = 0; /* raw length of the line that is, with its LF */
    do {
        const char *lf = memchr(from, c->end, (size_t)(stop - from));
        if (lf == NULL) {
            from = stop;
            break;
        }
        size_t raw = (size_t)(lf - start);
        mean_len = (mean_len * 7 + WR_MIN(raw, (size_t)LEN_COUNTED_MAX)) / 8;
        if (WR_UNLIKELY(!make_line(out, start, lf, raw > 0 && has_cr(c, lf), c->limit,
                                   offset + (size_t)(lf - c->data) + 1))) {
            overlong = raw + 1;
            break;
        }
        out++;
        start = lf + 1;
        from = start;
    } while (out < out_stop && from < stop && (mean_len >= LONG_LEN || c->end != '\n'));
    c->framer->mean_len = mean_len;
    c->count = (size_t)(out - c->out);
    c->start = (size_t)(start - c->data);
    c->from = (size_t)(from - c->data);
    if (overlong > 0) {
        if (!begin_overlong(c, overlong, true)) {
            c->from = c->start;
            return false;
        }
        c->start += overlong;
        c->from = c->start;
    }
    return true;
}

/* Use up an overlong line's bytes to its LF or the window's end. */
static void drop_rest(struct cursor *c)
{
    const char *lf = memchr(c->data + c->start, c->end, c->len - c->start);
    size_t end = lf == NULL ? c->len : (size_t)(lf - c->data) + 1;
    c->framer->overlong_bytes += end - c->start;
    c->framer->dropping = lf == NULL;
    c->framer->overlong_extra = lf != NULL;
    c->start = end;
    c->from = end;
}

/* The rest of the window holds no LF. */
static void split_rest(struct cursor *c, bool eof)
{
    size_t raw = c->len - c->start;
    uint32_t cr = has_cr(c, c->data + c->len);
    size_t len = raw - cr;
    if (c->parts && len > c->framer->item_bytes_max && !eof) {
        /* A CR at its end may belong to the line end: it waits for the next byte. */
        c->out[c->count++] = (struct wr_frame){.data = c->data + c->start,
                                               .len = len,
                                               .flags = WEIR_ITEM_PART,
                                               .raw_len = (uint32_t)len,
                                               .end = c->framer->offset + c->start + len};
        c->start += len;
    } else if (len > c->limit) {
        if (begin_overlong(c, raw, false)) {
            c->framer->dropping = true;
            c->start = c->len;
        }
    } else if (eof) {
        c->out[c->count++] =
            (struct wr_frame){.data = c->data + c->start,
                              .len = len,
                              .flags = WEIR_ITEM_NO_EOL | cr * (uint32_t)WEIR_ITEM_CRLF,
                              .raw_len = (uint32_t)raw,
                              .end = c->framer->offset + c->len};
        c->start = c->len;
    }
}

static inline long split(struct wr_framer *framer, char end, const char *data, size_t len, bool eof,
                         struct wr_frame *out, size_t max, size_t *used)
{
    bool parts = framer->overlong == WEIR_LONG_PARTS;
    struct cursor c = {.framer = framer,
                       .data = data,
                       .len = len,
                       .from = framer->scanned,
                       .limit = parts ? LIMIT_MAX : WR_MIN(framer->item_bytes_max, LIMIT_MAX),
                       .parts = parts,
                       .end = end,
                       .out = out,
                       .max = max};
    WR_ASSERT(framer->scanned <= len, "the window is shorter than at the last call");

    bool go_on = framer->failed == 0;
    while (go_on && c.count < max && c.from < len) {
        if (framer->dropping) {
            drop_rest(&c);
        } else if (end == '\n' && framer->mean_len < LONG_LEN && len - c.from >= BLOCK &&
                   max - c.count > 1) {
            go_on = split_short(&c);
        } else {
            go_on = split_long(&c);
        }
    }
    if (go_on && c.count < max && c.start < len && c.from == len) {
        split_rest(&c, eof);
    }
    if (c.count > 0) {
        framer->open = (out[c.count - 1].flags & WEIR_ITEM_PART) != 0;
    }
    *used = c.start;
    framer->offset += c.start;
    framer->scanned = c.start < len ? c.from - c.start : 0;
    return framer->failed != 0 ? framer->failed : (long)c.count;
}

static size_t whole(const struct wr_framer *framer, char end, const char *data, size_t len,
                    bool looked)
{
    size_t from = looked ? framer->scanned : 0;
    const char *last = memrchr(data + from, end, len - from);
    return last != NULL ? (size_t)(last - data) + 1 : 0;
}

static long lines_split(struct wr_framer *framer, const char *data, size_t len, bool eof,
                        struct wr_frame *out, size_t max, size_t *used)
{
    return split(framer, '\n', data, len, eof, out, max, used);
}

static size_t lines_whole(const struct wr_framer *framer, const char *data, size_t len, bool looked)
{
    return whole(framer, '\n', data, len, looked);
}

static long nul_split(struct wr_framer *framer, const char *data, size_t len, bool eof,
                      struct wr_frame *out, size_t max, size_t *used)
{
    return split(framer, '\0', data, len, eof, out, max, used);
}

static size_t nul_whole(const struct wr_framer *framer, const char *data, size_t len, bool looked)
{
    return whole(framer, '\0', data, len, looked);
}

const struct wr_framer_ops wr_lines_framer = {
    .item = "line", .split = lines_split, .whole = lines_whole, .restarts_inside = true};
const struct wr_framer_ops wr_nul_framer = {
    .item = "line", .split = nul_split, .whole = nul_whole, .restarts_inside = true};
