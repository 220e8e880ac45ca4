/*
 * codec_digest.c - SHA-256 and SHA-1 by OpenSSL's EVP.
 *
 * Pure except for OpenSSL's memory. The first call that fails ends the digest; later calls do
 * nothing.
 */
#include "codec_digest.h"

#include <string.h>

#include <openssl/evp.h>

#include "base_fault.h"

enum { SHA256_BYTES = 32 };

static void fail(struct wr_digest *digest)
{
    EVP_MD_CTX_free(digest->evp);
    digest->evp = NULL;
}

void wr_digest_init(struct wr_digest *digest)
{
    digest->evp = wr_fault("EVP_MD_CTX_new") ? NULL : EVP_MD_CTX_new();
    if (digest->evp != NULL && EVP_DigestInit_ex(digest->evp, EVP_sha256(), NULL) != 1) {
        fail(digest);
    }
}

void wr_digest_add(struct wr_digest *digest, const void *data, size_t len)
{
    if (digest->evp != NULL && EVP_DigestUpdate(digest->evp, data, len) != 1) {
        fail(digest);
    }
}

bool wr_digest_done(struct wr_digest *digest, char hex[WR_DIGEST_HEX])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    bool good = digest->evp != NULL && EVP_DigestFinal_ex(digest->evp, bytes, &len) == 1 &&
                len == SHA256_BYTES;
    for (size_t i = 0; good && i < SHA256_BYTES; i++) {
        hex[2 * i] = digits[bytes[i] >> 4];
        hex[2 * i + 1] = digits[bytes[i] & 15];
    }
    hex[good ? 2 * SHA256_BYTES : 0] = '\0';
    fail(digest);
    return good;
}

bool wr_sha1(const void *data, size_t len, char digest[WR_SHA1_BYTES])
{
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned made = 0;
    bool good = !wr_fault("EVP_Digest") &&
                EVP_Digest(data, len, bytes, &made, EVP_sha1(), NULL) == 1 && made == WR_SHA1_BYTES;
    if (good) {
        memcpy(digest, bytes, WR_SHA1_BYTES);
    }
    return good;
}
