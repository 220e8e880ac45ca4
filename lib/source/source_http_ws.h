/*
 * source_http_ws.h - what the files of the WebSocket source share. Private to them.
 */
#ifndef WR_SOURCE_HTTP_WS_H
#define WR_SOURCE_HTTP_WS_H

#include "source_http_parts.h"

/* What the options say; all texts are copies. */
struct wr_http_ws {
    struct wr_ws_settings settings;
    char *protocols;
    char **messages; /* to send first */
    size_t messages_count;
    bool from_files; /* "@PATH" is the content of a file, "@@x" is "@x" */
    bool binary;
};

/* Send the first messages. 0, or a code, and the generator has failed. Suspends. */
int wr_http_source_send_first(struct wr_http_source *source);

#endif
