/*
 * weir_init.h - the templates of `weir init`: lists of lines, each ends with NULL. They are written
 * from the files in apps/weir/project while the command is built.
 */
#ifndef WEIR_INIT_H
#define WEIR_INIT_H

#include <stddef.h>

extern const char *const project_component_c[],
    *const project_component_test_c[],
        *const project_component_cases[],
            *const project_makefile[], *const project_cmakelists_txt[], *const project_readme_md[];

#endif
