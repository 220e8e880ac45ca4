/*
 * codec_json_index.cc - simdjson's first stage, for C. The one C++ file of the library: no
 * exceptions, no RTTI, no iostreams.
 *
 * simdjson picks the implementation for this processor at the first use. Its parser object writes
 * the positions into an array of its own; for each text it borrows the caller's array instead, so
 * that the memory that grows with the text comes from weir's allocator. What remains is the object
 * itself, made once, whose allocation simdjson does with nothrow new.
 */
#include <memory>

#include <simdjson.h>

#include "codec_json_index.h"

namespace
{
using implementation = simdjson::internal::dom_parser_implementation;

/* Its capacity, which limits a text's length, is set together with the size of its own array only.
 * The member is protected. */
struct limits : implementation {
    static void set(implementation &parser, size_t bytes)
    {
        parser.*(&limits::_capacity) = bytes;
    }
};
} // namespace

extern "C" void *wr_json_indexer_new(void)
{
    std::unique_ptr<implementation> parser;
    if (simdjson::get_active_implementation()->create_dom_parser_implementation(0, 1, parser) !=
        simdjson::SUCCESS) {
        return nullptr;
    }
    parser->structural_indexes.reset();
    return parser.release();
}

extern "C" void wr_json_indexer_free(void *indexer)
{
    delete static_cast<implementation *>(indexer);
}

extern "C" size_t wr_json_index_room(size_t len)
{
    return ((len + 63) & ~size_t{63}) + 64;
}

extern "C" wr_json_indexed wr_json_indexer_run(void *indexer, const char *text, size_t len,
                                               uint32_t *at, uint32_t *count)
{
    auto &parser = *static_cast<implementation *>(indexer);
    limits::set(parser, len);
    parser.structural_indexes.reset(at);
    simdjson::error_code code =
        parser.stage1(reinterpret_cast<const uint8_t *>(text), len, simdjson::stage1_mode::regular);
    (void)parser.structural_indexes.release();
    *count = parser.n_structural_indexes;
    switch (code) {
    case simdjson::SUCCESS: return WR_JSON_INDEXED;
    case simdjson::UTF8_ERROR: return WR_JSON_BAD_UTF8;
    case simdjson::UNCLOSED_STRING:
    case simdjson::UNESCAPED_CHARS: return WR_JSON_BAD_STRING;
    case simdjson::EMPTY:
        *count = 0;
        at[0] = static_cast<uint32_t>(len);
        return WR_JSON_INDEXED;
    default: return WR_JSON_INDEX_FAILED;
    }
}
