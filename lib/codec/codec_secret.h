/*
 * codec_secret.h - finds and hides the secrets in a text. Sans-I/O.
 */
#ifndef WR_CODEC_SECRET_H
#define WR_CODEC_SECRET_H

#include "codec_text.h"

/* Does the name of a query's value say that the value is a secret (token, key, secret, pass, sig,
 * auth, session ...)? The name may be percent-encoded. */
bool wr_secret_name(struct wr_text name);
/*
 * Find the first secret in a text that begins at `from` or later: the password in
 * scheme://user:password@ or user:password@, a user without a password in scheme://user@, or an
 * address's query value that is secret by its name. False: there is none. Any text is accepted; an
 * address in it ends at a space or a quote.
 */
bool wr_secret_find(struct wr_text text, size_t from, size_t *at, size_t *len);
/* Replace each secret in a text by stars. The length stays the same. */
void wr_secret_star(char *text);
/* Prepare a library's text for a message: each address in it is written as wr_url_redact shows it.
 * Terminated, and cut at the end of `out`. */
void wr_secret_hide(const char *text, char *out, size_t cap);

#endif
