/*
 * codec_syslog.h - syslog messages: RFC 5424, and what RFC 3164 describes. Sans-I/O. A decoder of
 * records: see codec_fields.h.
 */
#ifndef WR_CODEC_SYSLOG_H
#define WR_CODEC_SYSLOG_H

#include "codec_fields.h"

enum { WR_SYSLOG_ID_MAX = 255 /* bytes of the id of structured data; RFC 5424 allows 32 */ };

/*
 * <165>1 2003-10-11T22:14:15.003Z host app 1234 ID47 [id@32473 iut="3"] the message
 * <34>Oct 11 22:14:15 host su[230]: the message
 * 2003-10-11T22:14:15+02:00 host su: the message
 *
 * Fields: facility, severity (numbers), time, host, app, pid, msgid, a field ID.NAME for each
 * parameter of structured data, message. A value that is missing, or - in RFC 5424, is left out. The
 * time is given as it came; the one of RFC 3164 has no year. A line of a log file has no priority,
 * and then it must begin with a time. A message with a priority but without a time is all message.
 * What looks like a time but is none (Feb 30, 25:00:00) is a part of the message. A line end, or a
 * NUL, after the message is not a part of it. An empty text holds no message.
 */
int wr_syslog_read(struct wr_fields *fields, weir_slice text);

#endif
