/* fuzz_pipeline.c - a text through a pipeline that replaces everything it knows: as the message of
 * a record, and as a field that is JSON.  SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "fuzz/fuzz.h"
#include "ingest/pipeline.h"

static mw_pipes *set;

static mw_str kept(const char *text) { return (mw_str){mw_strdup(text), strlen(text)}; }

static void start(void)
{
    set = mw_pipes_new(1);
    mw_pipe *p = &set->pipe[0];
    p->name = mw_strdup("p");
    p->logs = p->spans = true;
    p->with = kept("***");
    p->kinds = (1u << MW_PII_KINDS) - 1;
    p->fields.name = mw_array(2, sizeof(mw_str));
    p->fields.name[p->fields.n++] = kept("user.email");
    p->fields.name[p->fields.n++] = kept("http.header.*");
}

static bool is_json(mw_str text)
{
    mw_json j;
    mw_arena *a = mw_arena_new(1 << 20);
    mw_json_init(&j, text, a, NULL);
    mw_json_skip(&j);
    bool is = mw_json_end(&j) == MW_OK;
    mw_arena_free(a);
    return is;
}

/* What is found in a text as it stands is not there any more. */
static void look_again(mw_str before, mw_str after)
{
    mw_pii_hit h;
    unsigned kinds = ((1u << MW_PII_KINDS) - 1) & ~(1u << MW_PII_TOKEN);
    if (before.p != after.p && !memmem(before.p, before.n, "***", 3))
        MW_ASSERT(memmem(after.p, after.n, "***", 3));
    MW_ASSERT(!mw_pii_next(kinds, before, 0, &h) || before.p != after.p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char *text = mw_strndup((const char *)data, n);
    mw_str bytes = {text, n};
    bool json = is_json(bytes);
    mw_labels *none = mw_labels_new(NULL, 0, NULL);
    mw_attr attr = {.key = MW_STR("x"), .type = MW_ATTR_JSON, .s = bytes};
    mw_log_record r = {.message = bytes, .stream = none, .fields = &attr, .n_fields = 1};
    mw_arena *a = mw_arena_new(0);
    MW_ASSERT(mw_pipes_log(set, &r, a) == MW_PASS);
    look_again(bytes, r.message);
    /* A message that is a number is a text of digits: what takes the place of a card's is none. */
    if (json && memchr("{[\"", text[strspn(text, " \t\r\n")], 3)) MW_ASSERT(is_json(r.message));
    if (json && r.fields[0].type == MW_ATTR_JSON) MW_ASSERT(is_json(r.fields[0].s));
    mw_arena_free(a);
    mw_free(none);
    mw_free(text);
    return 0;
}

FUZZ_INITIALIZE(start, NULL)
