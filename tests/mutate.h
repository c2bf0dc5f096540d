/* mutate.h - seeded damage for parsers: the same seed gives the same hostile inputs.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TESTS_MUTATE_H
#define MW_TESTS_MUTATE_H
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct mutator {
    uint64_t state;
} mutator;

static inline uint64_t mutator_next(mutator *m)
{
    m->state ^= m->state << 13;
    m->state ^= m->state >> 7;
    m->state ^= m->state << 17;
    return m->state;
}

static inline size_t mutator_below(mutator *m, size_t n) { return n ? mutator_next(m) % n : 0; }

/* A damaged copy of FROM in memory of exactly *N bytes, so that a read past the end is seen. */
static inline char *mutate(mutator *m, const char *from, size_t n, size_t *out_n)
{
    static const char spice[] = "\0\xff\"\\{}[]:,\n= 0e-#_\x80\x7f";
    char *copy = malloc(n + 64);
    memcpy(copy, from, n);
    for (size_t rounds = 1 + mutator_below(m, 4); rounds; rounds--) {
        size_t at = mutator_below(m, n), len = mutator_below(m, 16);
        if (len > n - at) len = n - at;
        switch (mutator_below(m, 5)) {
        case 0: copy[at] = (char)mutator_next(m); break;
        case 1: copy[at] = spice[mutator_below(m, sizeof spice - 1)]; break;
        case 2: /* cut a piece out */
            memmove(copy + at, copy + at + len, n - at - len);
            n -= len;
            break;
        case 3: /* say a piece again, elsewhere */
            memmove(copy + mutator_below(m, n - len + 1), copy + at, len);
            break;
        case 4: n = at; break;
        }
        if (!n) break;
    }
    char *exact = malloc(n ? n : 1);
    memcpy(exact, copy, n);
    free(copy);
    *out_n = n;
    return exact;
}

#endif
