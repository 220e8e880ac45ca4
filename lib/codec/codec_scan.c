/*
 * codec_scan.c - makes one mask of LFs for each 64 bytes, with the vectors of this machine.
 *
 * The bit positions of a mask are written to a small array without a branch that depends on the
 * data. With AVX2, four positions become four lines at once. The way is chosen once, at run time;
 * the ways differ in speed only.
 */
#include "codec_scan.h"

#include <stdatomic.h>
#include <string.h>

#include "base_error.h"
#include "codec_lines.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__ARM_NEON) && defined(__aarch64__)
#include <arm_neon.h>
#endif

enum { BLOCK = WR_SCAN_BLOCK };

/* The position of the lowest bit of `mask`. For an empty mask any number, which the next store
 * overwrites. */
#define LOW_BIT(mask) ((uint32_t)__builtin_ctzll((mask) | UINT64_C(1) << 63))
#define LOW_BIT_BMI(mask) ((uint32_t)_tzcnt_u64(mask))

/* Write the positions of the bits of `mask` to `to` and advance it: two stores without a branch,
 * then four at a time. */
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
 * The scan that uses one way of making masks, `mask_of`, compiled for `target`. Four blocks share
 * one test whether any of them has two LFs. The test is predicted well: short lines always have
 * two, long lines never. The dense case is a call, because inlined it would take registers from the
 * other case. The last block overlaps the block before it, so that nothing past the end is read;
 * the shift removes the bits that were found already.
 */
#define DEFINE_SCAN(name, target, mask_of, low_bit)                                            \
    static target __attribute__((noinline)) uint32_t *name##_dense(                            \
        uint32_t *to, uint32_t at, uint64_t m0, uint64_t m1, uint64_t m2, uint64_t m3)         \
    {                                                                                          \
        PUT_BITS(low_bit, to, m0, at);                                                         \
        PUT_BITS(low_bit, to, m1, at + BLOCK);                                                 \
        PUT_BITS(low_bit, to, m2, at + 2 * BLOCK);                                             \
        PUT_BITS(low_bit, to, m3, at + 3 * BLOCK);                                             \
        return to;                                                                             \
    }                                                                                          \
    static target void name(const char *base, size_t len, size_t want, struct wr_found *found) \
    {                                                                                          \
        uint32_t *to = found->positions;                                                       \
        uint32_t *stop = found->positions + want;                                              \
        /* The first block ends at an aligned address: no later load crosses a cache line. */  \
        size_t at = BLOCK - ((uintptr_t)base & (BLOCK - 1));                                   \
        uint64_t head = mask_of(base) << (BLOCK - at) >> (BLOCK - at);                         \
        PUT_BITS(low_bit, to, head, 0);                                                        \
        while (at + 4 * BLOCK <= len && to + 4 <= stop) {                                      \
            uint64_t m0 = mask_of(base + at);                                                  \
            uint64_t m1 = mask_of(base + at + BLOCK);                                          \
            uint64_t m2 = mask_of(base + at + 2 * BLOCK);                                      \
            uint64_t m3 = mask_of(base + at + 3 * BLOCK);                                      \
            uint64_t twice =                                                                   \
                (m0 & (m0 - 1)) | (m1 & (m1 - 1)) | (m2 & (m2 - 1)) | (m3 & (m3 - 1));         \
            if (WR_UNLIKELY(twice != 0)) {                                                     \
                to = name##_dense(to, (uint32_t)at, m0, m1, m2, m3);                           \
            } else {                                                                           \
                size_t n1 = (size_t)__builtin_popcountll(m0);                                  \
                size_t n2 = n1 + (size_t)__builtin_popcountll(m1);                             \
                size_t n3 = n2 + (size_t)__builtin_popcountll(m2);                             \
                to[0] = (uint32_t)at + low_bit(m0);                                            \
                to[n1] = (uint32_t)at + BLOCK + low_bit(m1);                                   \
                to[n2] = (uint32_t)at + 2 * BLOCK + low_bit(m2);                               \
                to[n3] = (uint32_t)at + 3 * BLOCK + low_bit(m3);                               \
                to += n3 + (size_t)__builtin_popcountll(m3);                                   \
            }                                                                                  \
            at += 4 * BLOCK;                                                                   \
        }                                                                                      \
        while (at + BLOCK <= len && to < stop) {                                               \
            uint64_t mask = mask_of(base + at);                                                \
            PUT_BITS(low_bit, to, mask, at);                                                   \
            at += BLOCK;                                                                       \
        }                                                                                      \
        if (at < len && to < stop) {                                                           \
            uint64_t mask = mask_of(base + len - BLOCK) >> (at - (len - BLOCK));               \
            PUT_BITS(low_bit, to, mask, at);                                                   \
            at = len;                                                                          \
        }                                                                                      \
        found->count = (size_t)(to - found->positions);                                        \
        found->searched = at;                                                                  \
    }

/* For machines without a vector search here: one memchr for each line; the C library has a fast
 * one for the machine. */
static void scan_memchr(const char *base, size_t len, size_t want, struct wr_found *found)
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

/* Each argument is one column for four lines; the output has one line in each row: a 4 x 4
 * transposition. */
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

static const struct wr_ways all_ways[] = {
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

/* NEON has no move-mask: keep one bit for each byte and add neighbours three times. */
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

static const struct wr_ways all_ways[] = {{scan_memchr, NULL}, {scan_neon, NULL}};

unsigned wr_lines_ways(void)
{
    return 2;
}

#else

static const struct wr_ways all_ways[] = {{scan_memchr, NULL}};

unsigned wr_lines_ways(void)
{
    return 1;
}

#endif

/* Every thread would choose the same, so a relaxed store is enough. */
static _Atomic(const struct wr_ways *) chosen;

void wr_lines_use(unsigned way)
{
    WR_ASSERT(way < wr_lines_ways(), "this machine does not have this search method");
    atomic_store_explicit(&chosen, &all_ways[way], memory_order_relaxed);
}

const struct wr_ways *wr_ways_here(void)
{
    const struct wr_ways *here = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (WR_UNLIKELY(here == NULL)) {
        here = &all_ways[wr_lines_ways() - 1];
        atomic_store_explicit(&chosen, here, memory_order_relaxed);
    }
    return here;
}
