/* bundle.c - sets of rule files, shared by all nodes and kept in versions.
 *
 * A bundle is the JSON {"files": {path: text}} with its paths in order, so that the same files have
 * the same sha256, which names it.  A version is a line in a log that points to one.  Rolling back
 * appends a version; nothing is ever rewritten.  SPDX-License-Identifier: MIT */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "cluster/inside.h"

enum { MAX_BUNDLE = 16 << 20, MAX_FILES = 4096, MAX_PATH = 512, SLOW_MS = 10000 };

static void sha256_hex(mw_str s, char out[65])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    MW_ASSERT(EVP_Digest(s.p, s.n, digest, &n, EVP_sha256(), NULL) == 1 && n == 32);
    mw_hex(digest, n, out);
}

/* -- what may be in a bundle ------------------------------------------------------------------ */

/* Relative, inside the bundle, and something a person can read. */
static bool path_valid(mw_str path)
{
    if (!path.n || path.n > MAX_PATH || path.p[0] == '/' || !mw_utf8_valid(path)) return false;
    for (size_t i = 0; i < path.n; i++)
        if ((unsigned char)path.p[i] < 0x20 || path.p[i] == '\\') return false;
    for (const char *p = path.p; p;) {
        const char *slash = strchr(p, '/');
        size_t n = slash ? (size_t)(slash - p) : strlen(p);
        if (!n || (n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.')) return false;
        p = slash ? slash + 1 : NULL;
    }
    return true;
}

static int check_files(const mw_value *files, mw_err *err)
{
    size_t bytes = 0;
    if (!files || files->type != MW_MAP || !files->map.n)
        return mw_fail(err, MW_EARG, 0, 0, "the bundle has no files");
    if (files->map.n > MAX_FILES)
        return mw_fail(err, MW_ETOOBIG, 0, 0, "the bundle has more than %d files", MAX_FILES);
    for (size_t i = 0; i < files->map.n; i++) {
        const mw_entry *e = &files->map.entry[i];
        if (!path_valid(e->key))
            return mw_fail(err, MW_EARG, 0, 0, "\"%.*s\" is no usable path for a file of a bundle",
                           MW_STR_ARG(e->key));
        if (e->value->type != MW_TEXT || !mw_utf8_valid(e->value->text))
            return mw_fail(err, MW_EARG, 0, 0, "file %s is not text", e->key.p);
        bytes += e->key.n + e->value->text.n;
    }
    if (bytes > MAX_BUNDLE)
        return mw_fail(err, MW_ETOOBIG, 0, 0, "the bundle is larger than %d bytes", MAX_BUNDLE);
    return MW_OK;
}

static int by_path(const void *a, const void *b)
{
    return mw_str_cmp(((const mw_entry *)a)->key, ((const mw_entry *)b)->key);
}

static char *make_blob(const mw_value *files)
{
    mw_buf json = {0};
    mw_value *all = mw_map_new(), *sorted = mw_value_copy(files);
    qsort(sorted->map.entry, sorted->map.n, sizeof *sorted->map.entry, by_path);
    mw_map_set(all, "files", sorted);
    mw_value_to_json(all, &json);
    mw_value_free(all);
    return mw_buf_take(&json);
}

/* -- push, versions, rollback ----------------------------------------------------------------- */

static void on_appended(void *arg, const redisReply *r)
{
    mw_ask *call = arg;
    if (!mw_ask_good(call, r)) return;
    mw_value *meta = mw_value_from_json(mw_reply_text(r), NULL);
    if (!meta) {
        mw_ask_refuse(call, "there is no version %g", mw_map_number(call->arg, "version", 0));
        return;
    }
    mw_ask_answer(call, meta);
}

static void append_begin(const mw_cluster *c, mw_words *w, const char *script)
{
    mw_eval_begin(c, w, script, 3, (const char *[]){"versions", "version", "events"});
    mw_eval_key(c, w, "blob:");
}

void mw_bundle_push(mw_cluster *c, mw_ask *call)
{
    const mw_value *files = mw_map_find(call->arg, "files");
    char sha[65];
    mw_words w = {0};
    mw_err err;
    mw_err_init(&err);
    if (check_files(files, &err) != MW_OK) {
        mw_ask_refuse(call, "%s", err.msg);
        return;
    }
    char *blob = make_blob(files);
    sha256_hex(mw_str_of(blob), sha);
    append_begin(c, &w, mw_script_push);
    mw_words_text(&w, sha);
    mw_words_text(&w, blob);
    mw_words_add(&w, mw_map_text(call->arg, "author"));
    mw_words_add(&w, mw_map_text(call->arg, "comment"));
    mw_free(blob);
    if (!mw_link_send(c->commands, &w, SLOW_MS, on_appended, call)) mw_ask_refuse_away(call);
}

void mw_bundle_rollback(mw_cluster *c, mw_ask *call)
{
    mw_words w = {0};
    double version = mw_map_number(call->arg, "version", 0);
    if (!(version >= 1 && version < 1e15)) {
        mw_ask_refuse(call, "cluster.rollback: version must be a number from 1");
        return;
    }
    append_begin(c, &w, mw_script_rollback);
    mw_words_printf(&w, "%.0f", version);
    mw_words_add(&w, mw_map_text(call->arg, "author"));
    if (!mw_link_send(c->commands, &w, MW_REDIS_TIMEOUT_MS, on_appended, call))
        mw_ask_refuse_away(call);
}

static void on_versions(void *arg, const redisReply *r)
{
    mw_ask *call = arg;
    double current = 0;
    if (!mw_ask_good(call, r)) return;
    mw_value *answer = mw_map_new(), *list = mw_list_new();
    for (size_t i = 0; i < r->elements; i++) {
        mw_value *meta = mw_value_from_json(mw_reply_text(r->element[i]), NULL);
        if (!meta) continue;
        current = mw_map_number(meta, "version", current);
        mw_list_add(list, meta);
    }
    mw_map_set(answer, "versions", list);
    if (list->list.n) mw_map_set_number(answer, "current", current);
    mw_ask_answer(call, answer);
}

void mw_bundle_versions(mw_cluster *c, mw_ask *call)
{
    mw_words w = {0};
    mw_words_text(&w, "LRANGE");
    mw_eval_key(c, &w, "versions");
    mw_words_text(&w, "0");
    mw_words_text(&w, "-1");
    if (!mw_link_send(c->commands, &w, MW_REDIS_TIMEOUT_MS, on_versions, call))
        mw_ask_refuse_away(call);
}

/* -- delivery --------------------------------------------------------------------------------- */

struct fetch {
    mw_cluster *cluster;
    mw_value *meta;
};

static bool is_newest(const mw_cluster *c, const mw_value *meta)
{
    return c->bundle_meta &&
           mw_map_number(c->bundle_meta, "version", 0) == mw_map_number(meta, "version", -1) &&
           mw_str_eq(mw_map_text(c->bundle_meta, "sha"), mw_map_text(meta, "sha"));
}

static void deliver(mw_cluster *c, const mw_value *meta, mw_str blob)
{
    char sha[65];
    mw_value *all = NULL, *msg = NULL;
    double version = mw_map_number(meta, "version", 0);
    sha256_hex(blob, sha);
    if (mw_str_is(mw_map_text(meta, "sha"), sha)) all = mw_value_from_json(blob, NULL);
    if (!mw_map_find(all, "files")) {
        mw_log(MW_ERROR, "a bundle in Redis is damaged", "version=%g then=\"it is not loaded\"",
               version);
        mw_value_free(all);
        return;
    }
    mw_value_free(c->bundle_meta);
    mw_free(c->bundle_blob);
    c->bundle_meta = mw_value_copy(meta);
    c->bundle_blob = mw_strndup(blob.p, blob.n);
    msg = mw_map_new();
    mw_map_set_text(msg, "type", "bundle");
    mw_map_set_number(msg, "version", version);
    mw_map_set_text(msg, "sha", sha);
    mw_map_set(msg, "files", mw_value_copy(mw_map_find(all, "files")));
    mw_post_send(&c->post, MW_TO_RULES, msg);
    mw_value_free(all);
}

static void on_blob(void *arg, const redisReply *r)
{
    struct fetch *f = arg;
    mw_cluster *c = f->cluster;
    bool newer = mw_map_number(f->meta, "version", 0) >= c->bundle_wanted;
    if (r && newer && !is_newest(c, f->meta)) deliver(c, f->meta, mw_reply_text(r));
    mw_value_free(f->meta);
    mw_free(f);
}

void mw_bundle_newest(mw_cluster *c, mw_str meta_json)
{
    mw_words w = {0};
    mw_value *meta = mw_value_from_json(meta_json, NULL);
    if (!meta || !mw_map_text(meta, "sha").n || is_newest(c, meta)) {
        mw_value_free(meta);
        return;
    }
    struct fetch *f = mw_alloc(sizeof *f);
    *f = (struct fetch){c, meta};
    c->bundle_wanted = mw_map_number(meta, "version", 0);
    mw_words_text(&w, "GET");
    char *key = mw_sprintf("blob:%s", mw_map_text(meta, "sha").p);
    mw_eval_key(c, &w, key);
    mw_free(key);
    if (mw_link_send(c->commands, &w, SLOW_MS, on_blob, f)) return;
    mw_value_free(meta); /* the next snapshot names it again */
    mw_free(f);
}

static void on_restore(void *arg, const redisReply *r) { mw_reply_good(r, "restoring the bundle"); }

void mw_bundle_restore(mw_cluster *c)
{
    mw_words w = {0};
    mw_buf meta = {0};
    if (!c->bundle_meta) return;
    char *key = mw_sprintf("blob:%s", mw_map_text(c->bundle_meta, "sha").p);
    mw_value_to_json(c->bundle_meta, &meta);
    mw_eval_begin(c, &w, mw_script_restore, 3, (const char *[]){"versions", "version", key});
    mw_words_printf(&w, "%.0f", mw_map_number(c->bundle_meta, "version", 0));
    mw_words_add(&w, (mw_str){meta.p, meta.n});
    mw_words_text(&w, c->bundle_blob);
    mw_link_send(c->commands, &w, SLOW_MS, on_restore, c);
    mw_buf_deinit(&meta);
    mw_free(key);
}
