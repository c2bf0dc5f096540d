/* mathfn.c - functions of numbers.  SPDX-License-Identifier: MIT */
#include <math.h>

#include "promql/functions.h"
#include "promql/hist.h"

double mw_pq_sgn(double v) { return v > 0 ? 1 : v < 0 ? -1 : v; }
double mw_pq_deg(double v) { return v * 180 / M_PI; }
double mw_pq_rad(double v) { return v * M_PI / 180; }

/* Like Go's, infinite as soon as exp() is: C's would go on for the last bit of the way. */
double mw_pq_sinh(double v) { return fabs(v) > 21 ? copysign(exp(fabs(v)) * 0.5, v) : sinh(v); }
double mw_pq_cosh(double v) { return fabs(v) > 21 ? exp(fabs(v)) * 0.5 : cosh(v); }

/* Names go; what then looks alike must not meet at one step. */
static struct value renamed(struct ev *e, struct vec *v)
{
    mw_pq_drop_names(e, v);
    mw_pq_drop_h(v);
    mw_pq_merge(e, v, false);
    return mw_pq_vector(*v);
}

void mw_pq_math_row(struct ev *e, const struct node *call, struct series *s)
{
    double (*fn)(double) = call->call.fn->math, *x = s->v;
    for (size_t k = 0; k < e->n; k++)
        if (!mw_pq_absent(x[k])) x[k] = fn(x[k]);
    s->h = NULL; /* only of numbers */
    mw_pq_tick(e->run, e->n);
}

struct value mw_pq_call_math(struct ev *e, const struct node *call)
{
    struct vec v = mw_pq_eval_vec(e, call->call.args[0]);
    for (size_t i = 0; i < v.n; i++) mw_pq_math_row(e, call, &v.s[i]);
    return renamed(e, &v);
}

struct value mw_pq_call_round(struct ev *e, const struct node *call)
{
    struct vec v = mw_pq_eval_vec(e, call->call.args[0]);
    double *to = call->call.n_args > 1 ? mw_pq_eval_scalar(e, call->call.args[1]) : NULL;
    for (size_t i = 0; i < v.n; i++) {
        double *x = v.s[i].v;
        for (size_t k = 0; k < e->n; k++) {
            double inverse = 1 / (to ? to[k] : 1); /* dividing by it loses less than multiplying */
            if (!mw_pq_absent(x[k])) x[k] = floor(x[k] * inverse + 0.5) / inverse;
        }
        mw_pq_tick(e->run, e->n);
    }
    return renamed(e, &v);
}

/* As Go has them: an infinity decides even against NaN, and 0 is more than -0. */
static double go_max(double a, double b)
{
    if (a == INFINITY || b == INFINITY) return INFINITY;
    if (isnan(a) || isnan(b)) return NAN;
    if (a == 0 && b == 0) return signbit(a) ? b : a;
    return a > b ? a : b;
}

static double go_min(double a, double b)
{
    if (a == -INFINITY || b == -INFINITY) return -INFINITY;
    if (isnan(a) || isnan(b)) return NAN;
    if (a == 0 && b == 0) return signbit(a) ? a : b;
    return a < b ? a : b;
}

/* Steps where the bounds contradict each other have no value at all. */
static struct value clamp(struct ev *e, const struct node *arg, const double *low,
                          const double *high)
{
    struct vec v = mw_pq_eval_vec(e, arg);
    for (size_t i = 0; i < v.n; i++) {
        double *x = v.s[i].v;
        for (size_t k = 0; k < e->n; k++) {
            if (mw_pq_absent(x[k])) continue;
            if (low && high && low[k] > high[k]) {
                x[k] = mw_pq_none();
                continue;
            }
            if (high) x[k] = go_min(high[k], x[k]);
            if (low) x[k] = go_max(low[k], x[k]);
        }
        mw_pq_tick(e->run, e->n);
    }
    return renamed(e, &v);
}

struct value mw_pq_call_clamp(struct ev *e, const struct node *call)
{
    struct node **a = call->call.args;
    return clamp(e, a[0], mw_pq_eval_scalar(e, a[1]), mw_pq_eval_scalar(e, a[2]));
}

struct value mw_pq_call_clamp_min(struct ev *e, const struct node *call)
{
    return clamp(e, call->call.args[0], mw_pq_eval_scalar(e, call->call.args[1]), NULL);
}

struct value mw_pq_call_clamp_max(struct ev *e, const struct node *call)
{
    return clamp(e, call->call.args[0], NULL, mw_pq_eval_scalar(e, call->call.args[1]));
}

struct value mw_pq_call_pi(struct ev *e, const struct node *call)
{
    double *v = mw_pq_alloc(e->run, e->n, sizeof *v);
    (void)call;
    for (size_t k = 0; k < e->n; k++) v[k] = M_PI;
    return mw_pq_numbers(v);
}

static struct value of_two(struct ev *e, const struct node *call, double (*fn)(double, double))
{
    double *a = mw_pq_eval_scalar(e, call->call.args[0]);
    const double *b = mw_pq_eval_scalar(e, call->call.args[1]);
    for (size_t k = 0; k < e->n; k++) a[k] = fn(a[k], b[k]);
    return mw_pq_numbers(a);
}

struct value mw_pq_call_min_of(struct ev *e, const struct node *call)
{
    return of_two(e, call, go_min);
}

struct value mw_pq_call_max_of(struct ev *e, const struct node *call)
{
    return of_two(e, call, go_max);
}

struct value mw_pq_call_vector(struct ev *e, const struct node *call)
{
    struct vec v = {.distinct = true};
    mw_pq_add_row(e, &v, mw_pq_labels(e, NULL, 0), mw_pq_eval_scalar(e, call->call.args[0]));
    return mw_pq_vector(v);
}

/* The value where there is exactly one, else NaN. */
struct value mw_pq_call_scalar(struct ev *e, const struct node *call)
{
    struct vec v = mw_pq_eval_vec(e, call->call.args[0]);
    double *out = mw_pq_alloc(e->run, e->n, sizeof *out);
    for (size_t k = 0; k < e->n; k++) {
        size_t found = 0;
        out[k] = NAN;
        for (size_t i = 0; i < v.n; i++)
            if (!mw_pq_absent(v.s[i].v[k])) found++, out[k] = v.s[i].v[k];
        if (found > 1) out[k] = NAN;
        mw_pq_tick(e->run, v.n);
    }
    return mw_pq_numbers(out);
}
