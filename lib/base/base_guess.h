/*
 * base_guess.h - "did you mean ...?": the nearest of some candidates to a mistyped word. Internal.
 */
#ifndef WR_BASE_GUESS_H
#define WR_BASE_GUESS_H

#include <stddef.h>
#include <string.h>

/* A search for the intended word: offer candidates, then read `best`. */
struct wr_guess {
    const char *word;
    size_t len;
    const char *best; /* the candidate as it was offered; NULL: none is near enough */
    size_t best_len;
    size_t distance;
};
void wr_guess_init(struct wr_guess *guess, const char *word, size_t len);
void wr_guess_offer_bytes(struct wr_guess *guess, const char *candidate, size_t len);

static inline void wr_guess_offer(struct wr_guess *guess, const char *candidate)
{
    wr_guess_offer_bytes(guess, candidate, strlen(candidate));
}

#endif
