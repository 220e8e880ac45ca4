# Writes the templates of `weir init` as texts in C:
#   cmake -DOUT=FILE -DFOLDER=FOLDER -P project.cmake
# Each is a list of lines that ends with NULL.
set(text "/* Written by apps/weir/project.cmake from the files in apps/weir/project. */\n")
string(APPEND text "#include \"weir_init.h\"\n")
foreach(name component.c component_test.c component.cases Makefile CMakeLists.txt README.md)
    file(READ ${FOLDER}/${name}.in lines)
    string(REPLACE "\\" "\\\\" lines "${lines}")
    string(REPLACE "\"" "\\\"" lines "${lines}")
    string(REPLACE "\n" "\\n\",\n    \"" lines "${lines}")
    string(MAKE_C_IDENTIFIER project_${name} id)
    string(TOLOWER ${id} id)
    string(APPEND text "\nconst char *const ${id}[] = {\n    \"${lines}\",\n    NULL,\n};\n")
endforeach()
file(WRITE ${OUT} "${text}")
