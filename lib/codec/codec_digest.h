/*
 * codec_digest.h - SHA-256 of data that comes in pieces, and SHA-1 of a text. Sans-I/O.
 *
 * Lifetime.  init takes memory from OpenSSL, which done frees.
 */
#ifndef WR_CODEC_DIGEST_H
#define WR_CODEC_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

enum { WR_DIGEST_HEX = 65 }; /* 64 digits, terminated */

struct wr_digest {
    struct evp_md_ctx_st *evp; /* NULL: failed */
};

/* Without memory the digest fails; wr_digest_done reports this. */
void wr_digest_init(struct wr_digest *digest);
void wr_digest_add(struct wr_digest *digest, const void *data, size_t len);
/* End the digest. False: there was no memory. */
bool wr_digest_done(struct wr_digest *digest, char hex[WR_DIGEST_HEX]);

enum { WR_SHA1_BYTES = 20 };
/* SHA-1, for protocols that define it. False: there was no memory. */
bool wr_sha1(const void *data, size_t len, char digest[WR_SHA1_BYTES]);

#endif
