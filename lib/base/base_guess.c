/*
 * base_guess.c - the word that was meant, by the number of letters changed, added, left out or
 * swapped (base_guess.h).
 */
#include "base_guess.h"

#include "base_error.h"

#define GUESS_LEN_MAX 31u

/* The number of letters to change, add, leave out or swap between two short words. */
static size_t distance_of(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t rows[3][GUESS_LEN_MAX + 1];
    size_t *before = rows[0];
    size_t *above = rows[1];
    size_t *here = rows[2];
    for (size_t j = 0; j <= b_len; j++) {
        above[j] = j;
        before[j] = j;
    }
    for (size_t i = 1; i <= a_len; i++) {
        here[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t least = above[j - 1] + (a[i - 1] != b[j - 1]);
            least = WR_MIN(least, WR_MIN(above[j], here[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                least = WR_MIN(least, before[j - 2] + 1);
            }
            here[j] = least;
        }
        size_t *spare = before;
        before = above;
        above = here;
        here = spare;
    }
    return above[b_len];
}

void wr_guess_init(struct wr_guess *guess, const char *word, size_t len)
{
    /* About a third of the letters, at most two: "bach" is near "batch", but "sort" is not near
     * "post". */
    *guess =
        (struct wr_guess){word, len, NULL, 0, len < 3 ? 1 : WR_MIN((len + 1) / 3, (size_t)2) + 1};
}

void wr_guess_offer_bytes(struct wr_guess *guess, const char *candidate, size_t len)
{
    if (guess->len > GUESS_LEN_MAX || len > GUESS_LEN_MAX) {
        return;
    }
    size_t distance = distance_of(guess->word, guess->len, candidate, len);
    if (distance < guess->distance) {
        guess->distance = distance;
        guess->best = candidate;
        guess->best_len = len;
    }
}
