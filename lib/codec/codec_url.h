/*
 * codec_url.h - http and https URLs: their parts, redirects, origins, and how to show them without
 * secrets.
 *
 * RFC 3986 for the two schemes that weir supports. Slices point into the caller's text; nothing is
 * allocated.
 */
#ifndef WR_CODEC_URL_H
#define WR_CODEC_URL_H

#include "codec_text.h"

struct wr_url {
    bool secure; /* https */
    bool port_given;
    uint16_t port;           /* 80 or 443 when not given */
    struct wr_text userinfo; /* "user:password", absent when there is none */
    struct wr_text host;     /* as written, with the brackets and the zone of an IPv6 address */
    struct wr_text path;     /* may be empty */
    struct wr_text query;    /* without the question mark; absent or empty */
};

/* 0; WEIR_EINVAL: another scheme, no host, an invalid port, several @, blanks or control bytes. A
 * fragment is accepted and ignored. */
int wr_url_parse(struct wr_text text, struct wr_url *url);
/* The same for ws and wss. */
int wr_url_parse_ws(struct wr_text text, struct wr_url *url);

/*
 * Resolve a reference, such as the value of Location, against a base URL (RFC 3986 5.2) and write
 * the target to `out`, terminated: dot segments are removed, the fragment is dropped, blanks and
 * bytes from 0x80 on are percent-encoded, and the userinfo is left out.
 *
 * userinfo [out] the userinfo of the target: from the reference or, if that has no authority, from
 *          the base. A slice of one of the two texts, absent when there is none.
 * Returns  0, WEIR_EINVAL (the base or the target is not an http or https URL), WEIR_ETOOLONG (does
 *          not fit into cap).
 */
int wr_url_resolve(struct wr_text base, struct wr_text reference, char *out, size_t cap,
                   struct wr_text *userinfo);

/* True: the same scheme, host (ignoring case) and port. */
bool wr_url_same_origin(const struct wr_url *a, const struct wr_url *b);

/* The position of the userinfo's @ in a text that begins with the authority; the text's length if
 * there is none. A password may contain an unescaped slash: then the last @ of the text counts. */
size_t wr_url_userinfo(struct wr_text rest);

/* For messages: "https://user:***@h/p?n=3&token=***". These become ***: passwords, userinfo without
 * a password, query values whose names say that they are secret (codec_secret.h), and fragments.
 * Control bytes become a question mark. Any text is accepted, and cut at the end of `out`. */
void wr_url_redact(struct wr_text text, char *out, size_t cap);

#endif
