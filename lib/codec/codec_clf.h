/*
 * codec_clf.h - lines of access logs in the common and in the combined log format. Sans-I/O. A
 * decoder of records: see codec_fields.h.
 */
#ifndef WR_CODEC_CLF_H
#define WR_CODEC_CLF_H

#include "codec_fields.h"

/*
 * 192.0.2.7 - ann [10/Oct/2000:13:55:36 -0700] "GET /a HTTP/1.1" 200 2326 "https://x/" "curl/8"
 *
 * Fields: remote, ident, user, time, method, path, protocol, status, bytes, referer, agent, rest. A
 * value that is - in the line is left out. Status and bytes are numbers. The time is given as RFC 3339 has it, with the offset of
 * the line; one that is written so already stays. A request that is not METHOD PATH [PROTOCOL] is
 * given whole, as `request`. Escapes of the server in quotes (\" \\ \n \x16) are removed. rest is
 * what follows the agent, or the bytes when no quote follows these.
 */
int wr_clf_read(struct wr_fields *fields, weir_slice text);

#endif
