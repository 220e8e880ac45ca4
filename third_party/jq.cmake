# The jq language, for the component jq: without it that one says that it is missing. Debian's libjq
# 1.6 has no .pc file.
option(WEIR_JQ "Build the component jq, if libjq is found" ON)
set(WEIR_JQ_LIBS "")
if(WEIR_JQ)
    find_path(WEIR_JQ_INCLUDE jq.h)
    find_library(WEIR_JQ_LIBRARY jq)
    mark_as_advanced(WEIR_JQ_INCLUDE WEIR_JQ_LIBRARY)
    if(WEIR_JQ_INCLUDE AND WEIR_JQ_LIBRARY)
        # Programs that link with the installed archive have their own place for it.
        set(WEIR_JQ_LIBS $<BUILD_INTERFACE:${WEIR_JQ_LIBRARY}> $<INSTALL_INTERFACE:jq>)
    else()
        message(STATUS "libjq is missing: the component jq is not built (Debian: libjq-dev)")
    endif()
endif()
