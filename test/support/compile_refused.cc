/*
 * compile_refused.cc - what must not compile: types whose bytes are not all there is to copy.
 * compile_headers.sh compiles one case after the other.
 */
#include <string>

#include <weir/weir.h>

#if CASE == 1
WEIR_TYPE(name, std::string);
#elif CASE == 2
WEIR_STAGE(named, std::string)
{
    return 0;
}
#else
WEIR_SOURCE(names, std::string)
{
    return 0;
}
#endif
