/* guest.h - one file of somebody else's Lua: loaded, declared, called, within a budget.
 *
 * One thread at a time.  A guest is a Lua state of its own; only plain values go in and out.
 * SPDX-License-Identifier: MIT */
#ifndef MW_SCRIPT_GUEST_H
#define MW_SCRIPT_GUEST_H
#include "script/sandbox.h"
#include "script/state.h"

typedef struct mw_guest mw_guest;

typedef enum mw_word_shape {
    MW_WORD_NAMED,
    MW_WORD_TABLE,
    MW_WORD_TEXT,
    MW_WORD_CALL
} mw_word_shape;
bool mw_word_shape_parse(mw_str name, mw_word_shape *out);

typedef struct mw_word {
    char *name; /* owned */
    mw_word_shape shape;
} mw_word;

typedef struct mw_guest_options {
    mw_face *face;
    mw_str name, source; /* copied */
    mw_word *words;      /* n_words, and the names in kinds, n_kinds: taken */
    char **kinds;
    size_t n_words, n_kinds;
    const char *env; /* copied: " A B " are the only variables it may read; NULL: any */
    mw_budget budget;
    /* The text of module NAME into SOURCE and what to call it in messages into PATH; false: there
     * is none, and PATH says why or nothing.  May be NULL: no modules.  Only while the guest is
     * used. */
    bool (*module)(void *arg, const char *name, mw_buf *source, mw_buf *path);
    void *module_arg;
    mw_value *
        *declared; /* when it cannot be opened: what it had declared; the caller's.  Or NULL */
} mw_guest_options;

/* NULL after *PROBLEMS was set to a list of {line=, col=, message=, file=} (file: of a module);
 * the caller owns it. */
mw_guest *mw_guest_open(const mw_guest_options *o, mw_value **problems);
/* Calls that wait are answered with an error, or only freed when QUIET.  NULL is fine. */
void mw_guest_close(mw_guest *g, bool quiet);

const mw_value *mw_guest_declarations(const mw_guest *g); /* a list, see docs/host.md */

typedef enum mw_call_kind {
    MW_CALL_WHEN,
    MW_CALL_CHECK,
    MW_CALL_EVERY,
    MW_CALL_RECEIVER,
    MW_CALL_TEXT,
    MW_CALL_RELABEL
} mw_call_kind;

/* What a call gave, as docs/host.md has it.  NULL: the state is closing, only free ARG. */
typedef bool mw_guest_done(mw_lua *l, void *arg, mw_value *result, mw_err *err);

/* Runs function FN with ARGS (a list) and CTX (a map {kind=, now=, state=, rule=}, or NULL); both
 * are taken.  The result when it is there at once (DONE is not called then), or NULL: DONE will be
 * called with it. */
mw_value *mw_guest_call(mw_guest *g, int fn, mw_value *args, mw_value *ctx, mw_guest_done *done,
                        void *done_arg);

#endif
