/*
 * codec_proxy.h - the proxy of the environment, with the rules of libcurl, for connections that
 * libcurl does not make. Sans-I/O.
 */
#ifndef WR_CODEC_PROXY_H
#define WR_CODEC_PROXY_H

#include "codec_text.h"

struct wr_proxy {
    struct wr_text host;     /* without brackets */
    uint16_t port;           /* 1080 when not given */
    struct wr_text userinfo; /* "user:password", as written; absent when there is none */
};

/* Read "http://user:password@host:port", or without the scheme. False: another scheme, or invalid. */
bool wr_proxy_parse(struct wr_text text, struct wr_proxy *proxy);
/* Is the host in the list of no_proxy: "*", or names and addresses with commas or blanks between them?
 * A name also stands for all names below it, and may begin with a dot. host: without brackets. */
bool wr_no_proxy_has(const char *list, struct wr_text host);

#endif
