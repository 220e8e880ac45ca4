/*
 * codec_secret.h - what in a text is a secret and must not be shown. Sans-I/O.
 */
#ifndef WR_CODEC_SECRET_H
#define WR_CODEC_SECRET_H

#include "codec_text.h"

/* Does the name of a query's value say that the value is a secret (token, key, secret, pass, sig,
 * auth)? */
bool wr_secret_name(struct wr_text name);
/*
 * The first secret in a text that begins at `from` or later: the password in scheme://user:password@
 * or a query value that is secret by its name. False: there is none. Any text is accepted; an
 * address in it ends at a space or a quote.
 */
bool wr_secret_find(struct wr_text text, size_t from, size_t *at, size_t *len);
/* A text of a library, for a message: each address in it as wr_url_redact shows it. Terminated, and
 * cut at the end of `out`. */
void wr_secret_hide(const char *text, char *out, size_t cap);

#endif
