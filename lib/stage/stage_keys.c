/*
 * stage_keys.c - a bounded memory of keys (stage_keys.h).
 *
 * Keys stand one behind the other in chunks, in the order in which they came, so forgetting the
 * oldest is a step forward, and a chunk is freed when its last key is forgotten. A hash table points
 * to them: linear probing, and a removed key is filled up from behind, so there are no marks of
 * removed keys. SipHash-1-3 with a secret keeps a sender from choosing keys that collide.
 */
#include "stage_keys.h"

#include <string.h>

#include "base_alloc.h"
#include "base_error.h"

enum { CHUNK_BYTES = 64 * 1024, SLOTS_FIRST = 64, KEY_ALIGN = 8 };

struct wr_key {
    uint64_t hash;
    int64_t at_ns;
    size_t len;
    char bytes[];
};

struct wr_keys_chunk {
    struct wr_keys_chunk *next;
    size_t cap, begin, end; /* the keys are in data[begin .. end) */
    _Alignas(KEY_ALIGN) char data[];
};

/* ---- SipHash-1-3 */

static uint64_t turn(uint64_t v, int by)
{
    return v << by | v >> (64 - by);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = turn(v[1], 13) ^ v[0];
    v[0] = turn(v[0], 32);
    v[2] += v[3];
    v[3] = turn(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = turn(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = turn(v[1], 17) ^ v[2];
    v[2] = turn(v[2], 32);
}

static uint64_t hash_of(const uint64_t secret[2], const char *bytes, size_t len)
{
    uint64_t v[4] = {secret[0] ^ 0x736f6d6570736575u, secret[1] ^ 0x646f72616e646f6du,
                     secret[0] ^ 0x6c7967656e657261u, secret[1] ^ 0x7465646279746573u};
    uint64_t last = (uint64_t)len << 56, word;
    size_t at = 0;
    for (; len - at >= sizeof word; at += sizeof word) {
        memcpy(&word, bytes + at, sizeof word);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    for (size_t i = 0; at + i < len; i++) {
        last |= (uint64_t)(unsigned char)bytes[at + i] << (8 * i);
    }
    v[3] ^= last;
    sip_round(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    sip_round(v);
    sip_round(v);
    sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* ---- the table */

static struct wr_key **slot_of(const struct wr_keys *keys, uint64_t hash, const char *bytes,
                               size_t len)
{
    size_t mask = keys->slots_count - 1, at = (size_t)hash & mask;
    while (keys->slots[at] != NULL &&
           (keys->slots[at]->hash != hash || keys->slots[at]->len != len ||
            (len > 0 && memcmp(keys->slots[at]->bytes, bytes, len) != 0))) {
        at = (at + 1) & mask;
    }
    return &keys->slots[at];
}

static void remove_slot(struct wr_keys *keys, const struct wr_key *key)
{
    size_t mask = keys->slots_count - 1;
    size_t hole = (size_t)(slot_of(keys, key->hash, key->bytes, key->len) - keys->slots);
    for (size_t at = (hole + 1) & mask; keys->slots[at] != NULL; at = (at + 1) & mask) {
        size_t home = (size_t)keys->slots[at]->hash & mask;
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            keys->slots[hole] = keys->slots[at];
            hole = at;
        }
    }
    keys->slots[hole] = NULL;
    keys->count--;
}

/* Charge more bytes; false: the limit or the budget does not allow it. */
static bool charge(struct wr_keys *keys, size_t bytes)
{
    if (keys->bytes + bytes > keys->bytes_max || !wr_budget_charge(keys->budget, bytes)) {
        return false;
    }
    keys->bytes += bytes;
    return true;
}

static void discharge(struct wr_keys *keys, size_t bytes)
{
    wr_budget_release(keys->budget, bytes);
    keys->bytes -= bytes;
}

static size_t key_size(size_t len)
{
    return (sizeof(struct wr_key) + len + KEY_ALIGN - 1) & ~(size_t)(KEY_ALIGN - 1);
}

static struct wr_key *oldest_key(const struct wr_keys *keys)
{
    return keys->count > 0 ? (struct wr_key *)(void *)(keys->oldest->data + keys->oldest->begin)
                           : NULL;
}

static void forget_oldest(struct wr_keys *keys)
{
    struct wr_keys_chunk *chunk = keys->oldest;
    struct wr_key *key = oldest_key(keys);
    remove_slot(keys, key);
    chunk->begin += key_size(key->len);
    if (chunk->begin == chunk->end) {
        keys->oldest = chunk->next;
        keys->newest = keys->oldest != NULL ? keys->newest : NULL;
        discharge(keys, sizeof *chunk + chunk->cap);
        wr_free(chunk);
    }
}

/* Charge the bytes, and forget the oldest keys until that is possible. With none left they are
 * taken: one key must always fit. */
static void make_room(struct wr_keys *keys, size_t bytes)
{
    while (!charge(keys, bytes)) {
        if (keys->count == 0) {
            wr_budget_take(keys->budget, bytes);
            keys->bytes += bytes;
            return;
        }
        forget_oldest(keys);
        keys->crowded_out++;
    }
}

/* 0 or WEIR_ENOMEM. */
static int grow_table(struct wr_keys *keys)
{
    size_t old = keys->slots_count;
    size_t count = old == 0 ? SLOTS_FIRST : old * 2;
    if (old > 0 && (keys->count + 1) * 2 <= old) {
        return 0;
    }
    if (old > 0 && !charge(keys, count * sizeof(struct wr_key *))) {
        forget_oldest(keys); /* the table stays as it is */
        keys->crowded_out++;
        return 0;
    }
    if (old == 0) {
        make_room(keys, count * sizeof(struct wr_key *));
    }
    struct wr_key **before = keys->slots;
    struct wr_key **slots = wr_zalloc(count * sizeof(struct wr_key *));
    if (slots == NULL) {
        discharge(keys, count * sizeof(struct wr_key *));
        return WEIR_ENOMEM;
    }
    keys->slots = slots;
    keys->slots_count = count;
    for (size_t i = 0; i < old; i++) {
        if (before[i] != NULL) {
            *slot_of(keys, before[i]->hash, before[i]->bytes, before[i]->len) = before[i];
        }
    }
    discharge(keys, old * sizeof(struct wr_key *));
    wr_free(before);
    return 0;
}

/* A place for a key of this size behind the newest. NULL: no memory. */
static struct wr_key *new_key(struct wr_keys *keys, size_t size)
{
    struct wr_keys_chunk *chunk = keys->newest;
    if (chunk == NULL || chunk->cap - chunk->end < size) {
        size_t cap = WR_MAX(size, (size_t)CHUNK_BYTES);
        cap = keys->bytes_max < 8 * (size_t)CHUNK_BYTES ? WR_MAX(size, (size_t)512) : cap;
        make_room(keys, sizeof *chunk + cap);
        chunk = wr_alloc(sizeof *chunk + cap);
        if (chunk == NULL) {
            discharge(keys, sizeof *chunk + cap);
            return NULL;
        }
        *chunk = (struct wr_keys_chunk){.cap = cap};
        if (keys->newest != NULL) {
            keys->newest->next = chunk;
        } else {
            keys->oldest = chunk;
        }
        keys->newest = chunk;
    }
    struct wr_key *key = (struct wr_key *)(void *)(chunk->data + chunk->end);
    chunk->end += size;
    return key;
}

int wr_keys_add(struct wr_keys *keys, const char *bytes, size_t len, int64_t now_ns)
{
    uint64_t hash = hash_of(keys->secret, bytes, len);
    while (keys->within_ns > 0 && keys->count > 0 &&
           now_ns - oldest_key(keys)->at_ns >= keys->within_ns) {
        forget_oldest(keys);
    }
    if (keys->count > 0 && *slot_of(keys, hash, bytes, len) != NULL) {
        return 1;
    }
    while (keys->count >= keys->keys_max) {
        forget_oldest(keys);
    }
    if (grow_table(keys) < 0) {
        return WEIR_ENOMEM;
    }
    struct wr_key *key = new_key(keys, key_size(len));
    if (key == NULL) {
        return WEIR_ENOMEM;
    }
    *key = (struct wr_key){.hash = hash, .at_ns = now_ns, .len = len};
    if (len > 0) {
        memcpy(key->bytes, bytes, len);
    }
    *slot_of(keys, hash, bytes, len) = key;
    keys->count++;
    return 0;
}

void wr_keys_fini(struct wr_keys *keys)
{
    while (keys->oldest != NULL) {
        struct wr_keys_chunk *chunk = keys->oldest;
        keys->oldest = chunk->next;
        wr_free(chunk);
    }
    wr_free(keys->slots);
    if (keys->bytes > 0) {
        wr_budget_release(keys->budget, keys->bytes);
    }
    *keys = (struct wr_keys){.slots = NULL};
}
