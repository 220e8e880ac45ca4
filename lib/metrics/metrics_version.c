/*
 * metrics_version.c - weir_version: the library's own version, and those of the libraries it found
 * at run time, since libcurl can be upgraded under a program.
 */
#include <stdio.h>
#include <string.h>

#include <weir/metrics.h>

#include "loop_core.h"

#define TEXT_OF(n) #n
#define NUMBER(n) TEXT_OF(n)

/* In curl_bridge.h, which shows curl.h. */
extern const char *wr_curl_version(void);

const char *weir_version(void)
{
    static _Thread_local char text[256];
    int n = snprintf(text, sizeof text,
                     NUMBER(WEIR_VERSION_MAJOR) "." NUMBER(WEIR_VERSION_MINOR) ".0 libuv/%s %s",
                     wr_uv_version(), wr_curl_version());
    return n > 0 ? text : "";
}
