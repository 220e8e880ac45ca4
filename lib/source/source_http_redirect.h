/*
 * source_http_redirect.h - following redirects. Internal to the HTTP source.
 */
#ifndef WR_SOURCE_HTTP_REDIRECT_H
#define WR_SOURCE_HTTP_REDIRECT_H

struct wr_http_source;
struct wr_http_failure;

/* Back to the caller's URL. */
void wr_http_redirect_none(struct wr_http_source *http);
/* Take the target of the answer that is there. 0, or a negative code and *failure. */
int wr_http_redirect(struct wr_http_source *http, struct wr_http_failure *failure);

#endif
