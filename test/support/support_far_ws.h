/*
 * support_far_ws.h - the far end of a WebSocket sink, by hand. Only one at a time.
 */
#ifndef WR_SUPPORT_FAR_WS_H
#define WR_SUPPORT_FAR_WS_H

#include "support_suites.h"

/* Listen on play->fd; a task accepts and shakes hands. The URL. */
const char *wr_far_listen_ws(struct wr_sink_play *play);
/* Shake hands on a connection, and read it from now on. Suspends. False: the peer has gone. */
bool wr_far_ws_opens(struct weir_loop *loop, int fd);
/* Does it leave pings without an answer? */
void wr_far_ws_is_mute(bool mute);
void wr_far_ws_sends(int fd, const char *data, size_t len);
/* What has come: each message with a LF. *end: a close frame has come, and was answered, or it has
 * gone. */
size_t wr_far_take_ws(struct wr_sink_play *play, char *to, size_t cap, bool *end);

#endif
