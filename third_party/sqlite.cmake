# SQLite, for an example only: without it that one is left out.
pkg_check_modules(WEIR_SQLITE QUIET IMPORTED_TARGET sqlite3)
if(NOT WEIR_SQLITE_FOUND)
    message(STATUS "SQLite is missing: apps/examples/sqlite.c is not built (Debian: libsqlite3-dev)")
endif()
