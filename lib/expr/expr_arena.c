/*
 * expr_arena.c - chunks in a list, each twice as large as the one before it. A mark is a place in a
 * chunk; going back to it leaves the chunks after it in the list, where the next ones to be needed
 * are taken from. A reset frees what exceeds KEPT_BYTES, so that one large item does not hold its
 * memory for ever.
 */
#include "expr_arena.h"

#include <stdint.h>
#include <string.h>

#include "base_alloc.h"
#include "base_error.h"

enum { ALIGN = 16, FIRST_BYTES = 4096, CHUNK_BYTES_MAX = 1 << 20, KEPT_BYTES = 1 << 18 };

struct wr_arena_chunk {
    struct wr_arena_chunk *next;
    size_t bytes;
    _Alignas(ALIGN) char data[];
};

void wr_arena_init(struct wr_arena *arena, size_t bytes_max)
{
    *arena = (struct wr_arena){.bytes_max = bytes_max};
}

static void free_chunks(struct wr_arena *arena, struct wr_arena_chunk *chunk)
{
    while (chunk != NULL) {
        struct wr_arena_chunk *next = chunk->next;
        arena->bytes -= chunk->bytes;
        wr_free(chunk);
        chunk = next;
    }
}

void wr_arena_fini(struct wr_arena *arena)
{
    free_chunks(arena, arena->first);
    wr_arena_init(arena, arena->bytes_max);
}

bool wr_arena_charge(struct wr_arena *arena, size_t bytes)
{
    arena->full = bytes > arena->bytes_max - arena->bytes;
    arena->bytes += arena->full ? 0 : bytes;
    return !arena->full;
}

void wr_arena_discharge(struct wr_arena *arena, size_t bytes)
{
    arena->bytes -= bytes;
}

static void use(struct wr_arena *arena, struct wr_arena_chunk *chunk)
{
    arena->now = chunk;
    arena->at = chunk != NULL ? chunk->data : NULL;
    arena->end = chunk != NULL ? chunk->data + chunk->bytes : NULL;
}

/* Make a chunk with this much room the current one. */
static bool next_chunk(struct wr_arena *arena, size_t bytes)
{
    struct wr_arena_chunk *next = arena->now != NULL ? arena->now->next : arena->first;
    if (next != NULL && next->bytes >= bytes) {
        use(arena, next);
        return true;
    }
    size_t usual =
        arena->now == NULL ? FIRST_BYTES : WR_MIN(2 * arena->now->bytes, CHUNK_BYTES_MAX);
    size_t room = arena->bytes_max - arena->bytes;
    if (bytes > room) { /* perhaps chunks that are too small hold it */
        free_chunks(arena, next);
        *(arena->now != NULL ? &arena->now->next : &arena->first) = NULL;
        next = NULL;
        room = arena->bytes_max - arena->bytes;
    }
    arena->full = bytes > room;
    if (arena->full) {
        return false;
    }
    usual = WR_MAX(bytes, WR_MIN(usual, room));
    struct wr_arena_chunk *chunk = wr_alloc(sizeof *chunk + usual);
    if (chunk == NULL) {
        return false;
    }
    *chunk = (struct wr_arena_chunk){.next = next, .bytes = usual};
    *(arena->now != NULL ? &arena->now->next : &arena->first) = chunk;
    arena->bytes += usual;
    use(arena, chunk);
    return true;
}

static size_t rounded(size_t bytes)
{
    return (bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

void *wr_arena_alloc(struct wr_arena *arena, size_t bytes)
{
    if (bytes > SIZE_MAX / 2) {
        arena->full = true;
        return NULL;
    }
    bytes = rounded(WR_MAX(bytes, (size_t)1));
    if (bytes > (size_t)(arena->end - arena->at) && !next_chunk(arena, bytes)) {
        return NULL;
    }
    void *given = arena->at;
    arena->at += bytes;
    return given;
}

void *wr_arena_extend(struct wr_arena *arena, void *old, size_t old_bytes, size_t bytes)
{
    char *from = old;
    if (from != NULL && bytes <= SIZE_MAX / 2 && from + rounded(old_bytes) == arena->at &&
        rounded(bytes) <= (size_t)(arena->end - from)) {
        arena->at = from + rounded(bytes);
        return old;
    }
    void *given = wr_arena_alloc(arena, bytes);
    if (given != NULL && from != NULL) {
        memcpy(given, from, WR_MIN(old_bytes, bytes));
    }
    return given;
}

struct wr_arena_mark wr_arena_mark(const struct wr_arena *arena)
{
    return (struct wr_arena_mark){arena->now, arena->at};
}

void wr_arena_back(struct wr_arena *arena, struct wr_arena_mark mark)
{
    if (mark.now == NULL) {
        use(arena, NULL);
        return;
    }
    use(arena, mark.now);
    arena->at = mark.at;
}

void wr_arena_reset(struct wr_arena *arena)
{
    size_t kept = 0;
    use(arena, NULL);
    for (struct wr_arena_chunk **link = &arena->first; *link != NULL; link = &(*link)->next) {
        kept += (*link)->bytes;
        if (kept > KEPT_BYTES) {
            free_chunks(arena, *link);
            *link = NULL;
            break;
        }
    }
    use(arena, arena->first);
}
