/*
 * bench_json.cc - what one look into a line of JSON costs, beside simdjson's own interfaces.
 *
 * One JSON object on stdout: nanoseconds a line of 174 bytes, medians of ROUNDS, the ways in turn.
 *   weir_find      whole line validated, one key looked up (all members are seen: the last one counts)
 *   weir_index     whole line validated
 *   ondemand_one   one field by ondemand, which validates only what it passes
 *   ondemand_all   ondemand, each member's key and value visited
 *   dom            simdjson's DOM parser, which validates the whole line
 */
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include <simdjson.h>

/* A header of C, with compound literals. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
extern "C" {
#include "codec_json.h"
}
#pragma GCC diagnostic pop

namespace
{
constexpr size_t LINE_BYTES = 174, LINES = 1000, ROUNDS = 15, PASSES = 40;

struct text {
    std::string bytes;
    std::vector<size_t> starts;

    text()
    {
        static const char *const types[] = {"user_login", "page_view", "purchase", "error"};
        for (size_t i = 0; i < LINES; i++) {
            char line[LINE_BYTES * 2];
            int len = std::snprintf(
                line, sizeof line,
                R"({"ts":"2026-03-01T12:%02zu:%02zu.%03zuZ","type":"%s","user":{"name":"user%zu","id":%zu},)"
                R"("host":"web-%02zu.example.net","ms":%zu.%zu,"ok":true,"note":")",
                i / 60 % 60, i % 60, i, types[i % 4], i, i * 7919, i % 20, i % 300, i % 10);
            std::string whole(line, static_cast<size_t>(len));
            whole.append(LINE_BYTES - 3 - whole.size(), 'x');
            starts.push_back(bytes.size());
            bytes += whole + "\"}\n";
        }
        bytes.append(simdjson::SIMDJSON_PADDING, ' ');
    }
};

uint64_t sink;

template <class F> double pass(F &&look, const text &lines)
{
    auto from = std::chrono::steady_clock::now();
    for (size_t i = 0; i < PASSES; i++) {
        for (size_t start : lines.starts) {
            sink += look(lines.bytes.data() + start);
        }
    }
    std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - from;
    return took.count() / static_cast<double>(PASSES * LINES);
}

struct weir {
    wr_json json;
    wr_text wanted = {"type", 4};

    size_t find(const char *line)
    {
        if (wr_json_index(&json, line, LINE_BYTES - 1) != 0) {
            std::abort();
        }
        return wr_json_inside(&json, wr_json_find(&json, WR_JSON_ROOT, wanted)).len;
    }
    size_t index(const char *line)
    {
        if (wr_json_index(&json, line, LINE_BYTES - 1) != 0) {
            std::abort();
        }
        return json.count;
    }
};

simdjson::padded_string_view padded(const char *line)
{
    return simdjson::padded_string_view(line, LINE_BYTES - 1,
                                        LINE_BYTES - 1 + simdjson::SIMDJSON_PADDING);
}

size_t ondemand_one(simdjson::ondemand::parser &parser, const char *line)
{
    simdjson::ondemand::document document;
    std::string_view value;
    if (parser.iterate(padded(line)).get(document) != simdjson::SUCCESS ||
        document["type"].get_string().get(value) != simdjson::SUCCESS) {
        std::abort();
    }
    return value.size();
}

size_t ondemand_all(simdjson::ondemand::parser &parser, const char *line)
{
    simdjson::ondemand::document document;
    simdjson::ondemand::object object;
    size_t bytes = 0;
    if (parser.iterate(padded(line)).get(document) != simdjson::SUCCESS ||
        document.get_object().get(object) != simdjson::SUCCESS) {
        std::abort();
    }
    for (auto found : object) {
        simdjson::ondemand::field field;
        std::string_view key, value;
        if (std::move(found).get(field) != simdjson::SUCCESS ||
            field.unescaped_key().get(key) != simdjson::SUCCESS ||
            field.value().raw_json_token().data() == nullptr) {
            std::abort();
        }
        bytes += key.size();
    }
    return bytes;
}

size_t dom(simdjson::dom::parser &parser, const char *line)
{
    simdjson::dom::element element;
    std::string_view value;
    if (parser.parse(line, LINE_BYTES - 1, false).get(element) != simdjson::SUCCESS ||
        element["type"].get_string().get(value) != simdjson::SUCCESS) {
        std::abort();
    }
    return value.size();
}

double median(std::vector<double> values)
{
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}
} // namespace

int main()
{
    text lines;
    weir w;
    wr_json_init(&w.json);
    simdjson::ondemand::parser one, all;
    simdjson::dom::parser tree;
    std::vector<double> ns[5];
    for (size_t i = 0; i < ROUNDS; i++) {
        ns[0].push_back(pass([&](const char *line) { return w.find(line); }, lines));
        ns[1].push_back(pass([&](const char *line) { return w.index(line); }, lines));
        ns[2].push_back(pass([&](const char *line) { return ondemand_one(one, line); }, lines));
        ns[3].push_back(pass([&](const char *line) { return ondemand_all(all, line); }, lines));
        ns[4].push_back(pass([&](const char *line) { return dom(tree, line); }, lines));
    }
    wr_json_fini(&w.json);
    std::printf("{\"bench\": \"json_look\", \"weir_find_ns\": %.1f, \"weir_index_ns\": %.1f, "
                "\"ondemand_one_ns\": %.1f, \"ondemand_all_ns\": %.1f, \"dom_ns\": %.1f}\n",
                median(ns[0]), median(ns[1]), median(ns[2]), median(ns[3]), median(ns[4]));
    return sink == 0;
}
