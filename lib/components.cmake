# Writes the list of the library's components:
#   cmake -DOUT=FILE "-DFILES=FILE|FILE" -P components.cmake
# A file that defines one has a line  const weir_component wr_component_NAME = {  in it.
string(REPLACE "|" ";" FILES "${FILES}")
set(declared "")
set(listed "")
foreach(source IN LISTS FILES)
    file(STRINGS ${source} lines REGEX "^const weir_component wr_component_[a-z0-9_]+ = {")
    foreach(line IN LISTS lines)
        string(REGEX REPLACE "^const weir_component ([a-z0-9_]+) .*" "\\1" name "${line}")
        string(APPEND declared "extern const weir_component ${name};\n")
        string(APPEND listed "    &${name},\n")
    endforeach()
endforeach()
file(WRITE ${OUT}
     "/* Written by lib/components.cmake from the files that define components. */\n"
     "#include \"plan_text.h\"\n\n${declared}\n"
     "const weir_component *const wr_components[] = {\n${listed}    NULL,\n};\n"
     "const size_t wr_components_count = sizeof wr_components / sizeof wr_components[0] - 1;\n")
