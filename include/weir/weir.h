/*
 * weir.h - all of libweir's public headers. Each of them can be included alone.
 */
#ifndef WEIR_WEIR_H
#define WEIR_WEIR_H

#include <weir/error.h>
#include <weir/item.h>
#include <weir/scope.h>
#include <weir/loop.h>
#include <weir/gen.h>
#include <weir/sink.h>
#include <weir/queue.h>
#include <weir/source.h>
#include <weir/stage.h>
#include <weir/server.h>
#include <weir/plan.h>
#include <weir/metrics.h>

#endif
