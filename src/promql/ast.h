/* ast.h - the tree of one PromQL expression.
 *
 * Everything lives in the arena of the ast except matchers, which own compiled regular expressions
 * and are freed with it.  A tree belongs to one query: mw_pq_prepare writes the query's times in.
 * SPDX-License-Identifier: MIT */
#ifndef MW_PROMQL_AST_H
#define MW_PROMQL_AST_H
#include "promql/lexer.h"
#include "promql/promql.h"

/* Names in a list are compared with each other and with the labels of every row. */
enum { PQ_DEPTH_MAX = 256, PQ_ARGS_MAX = 64, PQ_NAMES_MAX = 1000 };
enum { PQ_PATTERN_BYTES_MAX = 32 << 20 }; /* of compiled patterns: short ones may become long */

enum node_kind {
    N_NUMBER,
    N_STRING,
    N_SELECTOR, /* a vector, or a matrix when it has a range */
    N_SUBQUERY,
    N_CALL,
    N_AGGREGATE,
    N_BINARY,
    N_UNARY,
};

enum binop {
    OP_ADD,
    OP_SUB,
    OP_MUL,
    OP_DIV,
    OP_MOD,
    OP_POW,
    OP_TRIM_UPPER,
    OP_TRIM_LOWER,
    OP_ATAN2,
    OP_EQ,
    OP_NE,
    OP_GT,
    OP_LT,
    OP_GE,
    OP_LE,
    OP_AND,
    OP_OR,
    OP_UNLESS
};
#define PQ_IS_COMPARE(op) ((op) >= OP_EQ && (op) <= OP_LE)
#define PQ_IS_TRIM(op)    ((op) == OP_TRIM_UPPER || (op) == OP_TRIM_LOWER)
#define PQ_IS_SET(op)     ((op) >= OP_AND)

enum at_kind { AT_NONE, AT_TIME, AT_START, AT_END };
enum window_kind { WINDOW_PLAIN, WINDOW_ANCHORED, WINDOW_SMOOTHED };

struct node;

/* When a selector or subquery looks: both kinds of node have it. */
struct when {
    struct node *range_expr, *step_expr, *offset_expr; /* NULL when not written */
    enum at_kind at;
    int64_t at_ms;
    /* by mw_pq_prepare */
    int64_t range_ms, step_ms, offset_ms;
    int64_t until; /* with hides: nothing later is seen */
    bool hides;
    bool moves_on; /* the time behind "@" is only that of the first step, and in offset_ms */
};

struct names {
    const mw_str *p;
    size_t n;
};

struct matching {
    bool on, ignoring, group_left, group_right, fills_left, fills_right;
    struct names labels, include;
    double fill_left, fill_right;
};

struct node {
    enum node_kind kind;
    mw_value_type type;
    size_t pos, end;
    size_t own;            /* pos without the parentheses around it */
    unsigned short parens; /* pairs of parentheses that it was written in */
    bool fixed;            /* the same value at every step */
    bool units;            /* a number written as a duration */
    int depth;
    unsigned id;           /* by mw_pq_number_nodes */
    struct shared *shared; /* by mw_pq_share: stands in the query more than once */
    union {
        double number;
        mw_str string;
        struct {
            struct when when;
            mw_str name; /* in front of the braces; empty when it is not there */
            mw_matcher *matchers;
            size_t n_matchers;
            bool ranged;
            bool any; /* may match every series: the labels of info() */
            enum window_kind window;
            struct node *sub; /* of a subquery */
        } sel;
        struct {
            const struct function *fn;
            mw_str name;
            size_t name_pos, n_args;
            struct node **args;
        } call;
        struct {
            enum tok op;
            struct node *param, *arg;
            bool without, grouped;
            struct names by;
        } agg;
        struct {
            enum binop op;
            bool returns_bool;
            struct matching match;
            struct node *lhs, *rhs;
            size_t op_pos;
        } bin;
        struct {
            struct node *inner;
            bool plus;
        } unary;
    };
};

/* The matchers of one selector, which the tree owns. */
struct selected {
    struct selected *next;
    mw_matcher *m;
    size_t n;
};

struct ast {
    mw_arena *arena;
    mw_str src;
    struct node *root;
    bool version_2; /* it went through mw_pq_as_version_2 */
    mw_str text;    /* printed in one spelling, once somebody asked for it */
    struct selected *selected, **last_selected; /* in the order of the text */
    size_t n_selected;
    size_t pattern_bytes; /* of all their patterns */
};

/* Parse and check types; NULL after filling ERR. */
struct ast *mw_pq_parse(mw_str text, mw_err *err);
void mw_pq_free(struct ast *a); /* NULL is fine */

/* version2.c: refuse what Prometheus 2 does not know, and make the rest what it was there.  Once
 * per tree; MW_EPARSE with ERR. */
int mw_pq_as_version_2(struct ast *a, mw_err *err);

/* check.c: types, arities, operators.  MW_OK or a code with ERR. */
int mw_pq_check_types(struct ast *a, struct node *n, mw_err *err);
const char *mw_pq_op_text(enum binop op);
const char *mw_pq_type_text(mw_value_type t); /* as errors say it: "instant vector" */

#endif
