/* line.h - what a log line says about itself: its level, its trace.
 * SPDX-License-Identifier: MIT */
#ifndef MW_INGEST_LINE_H
#define MW_INGEST_LINE_H
#include "base/arena.h"
#include "base/log.h"
#include "model/logrec.h"

typedef struct mw_line_facts {
    bool has_level, has_trace, has_span;
    mw_level level;
    uint8_t trace_id[16], span_id[8];
} mw_line_facts;

/* Level words in use out there ("warning", "crit", "trace", pino's 10 to 60), any letter case. */
bool mw_level_of_word(mw_str word, mw_level *out);

/* When KEY is one of the usual names of a level, trace id or span id and VALUE can be read as one:
 * keep it, unless something was found before.  True when KEY is such a name. */
bool mw_line_fact(mw_line_facts *facts, mw_str key, mw_str value);

/* Adds to FACTS from LINE: the members of a JSON object, or key=value words. */
void mw_line_read(mw_line_facts *facts, mw_str line, mw_arena *a);

#endif
