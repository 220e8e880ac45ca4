/*
 * codec_syslog_frame.h - the framer of syslog messages on a stream (RFC 6587; codec_framer.h).
 */
#ifndef WR_CODEC_SYSLOG_FRAME_H
#define WR_CODEC_SYSLOG_FRAME_H

#include "codec_framer.h"

extern const struct wr_framer_ops wr_syslog_framer;

#endif
