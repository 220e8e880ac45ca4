/*
 * base_export.h - internal functions that the command needs.
 *
 * The command is linked with libweir.so, like every program. A function marked WR_COMMAND_API is
 * exported to it under the symbol version WEIR_PRIVATE (lib/weir.map): no part of the ABI, for the
 * command of the same build only. All other internal names are hidden.
 */
#ifndef WR_BASE_EXPORT_H
#define WR_BASE_EXPORT_H

#include <weir/error.h>

#define WR_COMMAND_API WEIR_API

#endif
