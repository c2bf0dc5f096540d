/* metabook.c - a hash table of names.  SPDX-License-Identifier: MIT */
#include "tsdb/metabook.h"

#include <pthread.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

typedef struct note note;
struct note {
    note *next;
    uint64_t hash;
    char *text[4]; /* name, type, help, unit */
    size_t n[4];
};
enum { NAME, TYPE, HELP, UNIT };
enum { HEADS = 1024 };

struct mw_metabook {
    pthread_mutex_t lock;
    note *heads[HEADS];
    size_t n;
};

mw_metabook *mw_metabook_new(void)
{
    mw_metabook *b = mw_zalloc(sizeof *b);
    pthread_mutex_init(&b->lock, NULL);
    return b;
}

void mw_metabook_free(mw_metabook *b)
{
    if (!b) return;
    for (size_t i = 0; i < HEADS; i++) {
        for (note *at = b->heads[i], *next; at; at = next) {
            next = at->next;
            for (int k = NAME; k <= UNIT; k++) mw_free(at->text[k]);
            mw_free(at);
        }
    }
    pthread_mutex_destroy(&b->lock);
    mw_free(b);
}

static mw_str text_of(const note *n, int which) { return (mw_str){n->text[which], n->n[which]}; }

static bool set_text(note *n, int which, mw_str s)
{
    if (s.n > MW_METABOOK_TEXT) s.n = MW_METABOOK_TEXT;
    if (!s.n || mw_str_eq(text_of(n, which), s)) return false;
    mw_free(n->text[which]);
    n->text[which] = mw_strndup(s.p, s.n);
    n->n[which] = s.n;
    return true;
}

static note *find(mw_metabook *b, mw_str name, uint64_t hash)
{
    note *at = b->heads[hash % HEADS];
    while (at && (at->hash != hash || !mw_str_eq(text_of(at, NAME), name))) at = at->next;
    return at;
}

static note *get(mw_metabook *b, mw_str name)
{
    uint64_t hash = mw_hash(name.p, name.n);
    note *n = find(b, name, hash);
    if (n || b->n >= MW_METABOOK_NAMES) return n;
    n = mw_zalloc(sizeof *n);
    n->hash = hash;
    n->next = b->heads[hash % HEADS];
    b->heads[hash % HEADS] = n;
    b->n++;
    set_text(n, NAME, name);
    return n;
}

bool mw_metabook_set(mw_metabook *b, const mw_metadata *m)
{
    bool changed = false;
    if (!m->name.n || m->name.n > MW_METABOOK_TEXT) return false;
    pthread_mutex_lock(&b->lock);
    note *n = get(b, m->name);
    if (n) {
        changed |= set_text(n, TYPE, m->type);
        changed |= set_text(n, HELP, m->help);
        changed |= set_text(n, UNIT, m->unit);
    }
    pthread_mutex_unlock(&b->lock);
    return changed;
}

static mw_str shown(const note *n, int which)
{
    return n->text[which] ? text_of(n, which) : MW_STR("");
}

static int tell(const note *n, mw_metadata_visit *visit, void *arg)
{
    mw_metadata m = {shown(n, NAME), shown(n, TYPE), shown(n, HELP), shown(n, UNIT)};
    return visit(arg, &m);
}

void mw_metabook_each(mw_metabook *b, mw_str name, mw_metadata_visit *visit, void *arg)
{
    pthread_mutex_lock(&b->lock);
    if (name.n) {
        const note *n = find(b, name, mw_hash(name.p, name.n));
        if (n) tell(n, visit, arg);
    } else {
        int stop = 0;
        for (size_t i = 0; i < HEADS && !stop; i++)
            for (const note *n = b->heads[i]; n && !stop; n = n->next) stop = tell(n, visit, arg);
    }
    pthread_mutex_unlock(&b->lock);
}
