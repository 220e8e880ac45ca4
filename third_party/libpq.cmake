# PostgreSQL's client, for an example only: without it that one is left out.
pkg_check_modules(WEIR_PQ QUIET IMPORTED_TARGET libpq)
if(NOT WEIR_PQ_FOUND)
    message(STATUS "libpq is missing: apps/examples/listen.c is not built (Debian: libpq-dev)")
endif()
