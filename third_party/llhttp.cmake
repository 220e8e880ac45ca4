# The HTTP/1 parser of the server side: llhttp 9 as a library where there is one, else the C sources
# that Debian 12's node-llhttp ships (8.1), built into libweir. In 8.x strictness is a compile-time
# choice and off by default: without LLHTTP_STRICT_MODE=1 the loose parser would be built, which
# accepts what request smuggling is made of. Another folder with llhttp.c, api.c and http.c can be
# named by -DWEIR_LLHTTP_SOURCE=..., its header by -DWEIR_LLHTTP_INCLUDE=... Gives the target
# weir_llhttp (compile options and includes for lib/codec) and WEIR_LLHTTP_OBJECTS or a library to
# link.
add_library(weir_llhttp INTERFACE)
pkg_check_modules(WEIR_LLHTTP QUIET IMPORTED_TARGET "libllhttp>=9")
if(NOT WEIR_LLHTTP_FOUND)
    find_library(WEIR_LLHTTP_LIBRARY llhttp)
    find_path(WEIR_LLHTTP_LIBRARY_INCLUDE llhttp.h)
endif()

if(WEIR_LLHTTP_FOUND)
    target_link_libraries(weir_llhttp INTERFACE PkgConfig::WEIR_LLHTTP)
    set(WEIR_LLHTTP_LIBS PkgConfig::WEIR_LLHTTP)
elseif(WEIR_LLHTTP_LIBRARY AND WEIR_LLHTTP_LIBRARY_INCLUDE)
    target_include_directories(weir_llhttp INTERFACE ${WEIR_LLHTTP_LIBRARY_INCLUDE})
    set(WEIR_LLHTTP_LIBS ${WEIR_LLHTTP_LIBRARY})
else()
    find_path(WEIR_LLHTTP_SOURCE llhttp.c PATHS /usr/share/llhttp NO_DEFAULT_PATH)
    find_path(WEIR_LLHTTP_INCLUDE llhttp.h PATHS /usr/share/include/llhttp NO_DEFAULT_PATH)
    if(WEIR_LLHTTP_SOURCE AND WEIR_LLHTTP_INCLUDE)
        add_library(weir_llhttp_objects OBJECT
                    ${WEIR_LLHTTP_SOURCE}/llhttp.c ${WEIR_LLHTTP_SOURCE}/api.c ${WEIR_LLHTTP_SOURCE}/http.c)
        target_compile_definitions(weir_llhttp_objects PRIVATE LLHTTP_STRICT_MODE=1)
        target_compile_options(weir_llhttp_objects PRIVATE -w)
        target_include_directories(weir_llhttp_objects PRIVATE ${WEIR_LLHTTP_INCLUDE})
        set_target_properties(weir_llhttp_objects PROPERTIES
                              POSITION_INDEPENDENT_CODE ON C_VISIBILITY_PRESET hidden)
        target_compile_definitions(weir_llhttp INTERFACE LLHTTP_STRICT_MODE=1)
        target_include_directories(weir_llhttp SYSTEM INTERFACE ${WEIR_LLHTTP_INCLUDE})
        set(WEIR_LLHTTP_OBJECTS $<TARGET_OBJECTS:weir_llhttp_objects>)
    else()
        set(weir_llhttp_package libllhttp-dev)
        if(EXISTS /etc/os-release)
            file(STRINGS /etc/os-release weir_debian_12 REGEX "^VERSION_ID=\"12\"")
            if(weir_debian_12)
                set(weir_llhttp_package node-llhttp)
            endif()
        endif()
        weir_missing("llhttp" ${weir_llhttp_package})
    endif()
endif()
