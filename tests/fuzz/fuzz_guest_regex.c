/* fuzz_guest_regex.c - regular expressions of rule files: the pattern up to the first newline, what
 * replaces it up to the second, behind it the text.  SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/mem.h"
#include "fuzz/fuzz.h"
#include "script/guest.h"

static const char source[] =
    "local function same(a, b) if a ~= b then return 'not the same: ' .. a .. ', ' .. b end end\n"
    "local function check(p, with, s)\n"
    "  local whole, first = regex.match(p, s), regex.find(p, s)\n"
    "  if whole and whole[0] ~= s then return 'a match is the whole text' end\n"
    "  if whole and not first then return 'what fits the whole fits somewhere' end\n"
    "  if first and not s:find(first[0], 1, true) then return 'found what is not there' end\n"
    "  local expanded = regex.expand(p, s, '$0')\n"
    "  if (expanded == nil) ~= (whole == nil) then return 'expand is not match' end\n"
    "  local wrong = expanded and same(expanded, s) or same(regex.replace(p, s, '${0}'), s)\n"
    "  if wrong then return wrong end\n"
    "  if not first and regex.replace(p, s, with) ~= s then return 'replaced nothing' end\n"
    "  if first then regex.replace(p, s, with) regex.expand(p, s, with) end\n"
    "end\n"
    "alert 'A' { when = function(p, with, s) return check(p, with, s) end }\n";

static mw_lua *lua;
static mw_guest *guest;

static void start(void)
{
    static mw_host host = {.clock = &mw_clock_system, .data_dir = "/tmp"};
    mw_word *words = mw_array(1, sizeof *words);
    *words = (mw_word){mw_strdup("alert"), MW_WORD_NAMED};
    lua = mw_lua_new(&host, true, NULL);
    mw_value *problems = NULL;
    guest = mw_guest_open(&(mw_guest_options){.face = &lua->face,
                                              .name = MW_STR("x.lua"),
                                              .source = mw_str_of(source),
                                              .words = words,
                                              .n_words = 1,
                                              .budget = {.cpu = 10}},
                          &problems);
    MW_ASSERT(guest);
}

static mw_str next_line(const char **p, const char *end)
{
    const char *from = *p, *cut = from < end ? memchr(from, '\n', (size_t)(end - from)) : NULL;
    *p = cut ? cut + 1 : end;
    return (mw_str){from, (size_t)((cut ? cut : end) - from)};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const char *p = (const char *)data, *end = p + n;
    mw_value *args = mw_list_new();
    for (int i = 0; i < 2; i++) mw_list_add(args, mw_text_new(next_line(&p, end)));
    mw_list_add(args, mw_text_new((mw_str){p, (size_t)(end - p)}));
    mw_value *r = mw_guest_call(guest, 1, args, NULL, NULL, NULL);
    MW_ASSERT(r);
    if (mw_map_bool(r, "ok", false)) {
        mw_str wrong = mw_map_text(mw_map_find(r, "values"), "1");
        if (wrong.n) fprintf(stderr, "%s\n", wrong.p);
        MW_ASSERT(wrong.n == 0);
    } else {
        MW_ASSERT(mw_map_text(r, "error").n > 0);
    }
    mw_value_free(r);
    return 0;
}

FUZZ_INITIALIZE(start, NULL)
