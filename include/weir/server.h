/*
 * server.h - serving generators over HTTP.
 */
#ifndef WEIR_SERVER_H
#define WEIR_SERVER_H

#include <weir/gen.h>

#ifdef __cplusplus
extern "C" {
#endif



#ifdef __cplusplus
}
#endif

#endif
