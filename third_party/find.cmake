# How each library is found: one file per library in this folder, all through pkg-config where it
# has a .pc file. A library that is missing is noted with the Debian package that brings it, and
# weir_third_party_done() names all of them at once, so that one apt-get install is enough.
find_program(WEIR_PKG_CONFIG NAMES pkg-config pkgconf)
if(NOT WEIR_PKG_CONFIG)
    message(FATAL_ERROR "pkg-config is missing. On Debian: apt-get install pkg-config")
endif()
find_package(PkgConfig REQUIRED QUIET)
set(WEIR_MISSING "")

macro(weir_missing what package)
    list(APPEND WEIR_MISSING "${what} (Debian: ${package})")
    list(APPEND WEIR_MISSING_PACKAGES ${package})
endmacro()

# weir_pkg(PREFIX "module>=version" package): target PkgConfig::PREFIX, or a note.
macro(weir_pkg prefix module package)
    pkg_check_modules(${prefix} QUIET IMPORTED_TARGET "${module}")
    if(NOT ${prefix}_FOUND)
        weir_missing("${module}" ${package})
    endif()
endmacro()

function(weir_third_party_done)
    if(WEIR_MISSING)
        list(JOIN WEIR_MISSING "\n  " lines)
        list(JOIN WEIR_MISSING_PACKAGES " " packages)
        message(FATAL_ERROR "These libraries are missing:\n  ${lines}\n"
                            "On Debian: apt-get install ${packages}")
    endif()
endfunction()
