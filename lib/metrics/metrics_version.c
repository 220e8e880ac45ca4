/*
 * metrics_version.c - weir_version: the library's version, and the versions of libuv and libcurl at
 * run time, because libcurl can be upgraded without rebuilding the program.
 */
#include <stdio.h>
#include <string.h>

#include <weir/metrics.h>

#include "loop_core.h"

#define TEXT_OF(n) #n
#define NUMBER(n) TEXT_OF(n)

/* Declared in curl_bridge.h, which would include curl.h here. */
extern const char *wr_curl_version(void);

const char *weir_version(void)
{
    static _Thread_local char text[256];
    int n = snprintf(text, sizeof text,
                     NUMBER(WEIR_VERSION_MAJOR) "." NUMBER(WEIR_VERSION_MINOR) ".0 libuv/%s %s",
                     wr_uv_version(), wr_curl_version());
    return n > 0 ? text : "";
}
