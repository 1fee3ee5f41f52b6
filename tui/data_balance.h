/*
 * data_balance.h - how evenly a dataset's classes are filled, in figures and in words.
 */
#ifndef TUI_DATA_BALANCE_H
#define TUI_DATA_BALANCE_H

#include "engine/base/str.h"
#include "thaw/dataset.h"

typedef struct data_balance {
    int classes;
    int most, least; /* labels of the fullest and the emptiest class, by training images */
    size_t most_images, least_images;
    size_t most_val, least_val; /* of any class */
    int shifted; /* the class whose share differs most between the sides; -1: none worth naming */
    double shifted_train, shifted_val; /* its shares, 0..1 */
    int commonest_val;                 /* the class with the most validation images */
    double commonest_share;            /* of the validation images: what always naming it would score */
} data_balance;

data_balance data_balance_of(const thaw_dataset *d);
/* The fullest class has twice the images of the emptiest, or more. */
bool data_balance_uneven(const data_balance *b);
/* What a person should know of it, a sentence a line, none ending in a newline; "" when all is even. */
void data_balance_describe(const data_balance *b, const thaw_dataset *d, str *out);

#endif
