/*
 * recipe_fields.h - the table behind thaw/recipe.h: where in a thaw_recipe each field lies, and its value as
 * JSON.
 */
#ifndef ENGINE_RUN_RECIPE_FIELDS_H
#define ENGINE_RUN_RECIPE_FIELDS_H

#include "engine/base/json.h"
#include "thaw/recipe.h"

/* The C type at a row's offset. */
typedef enum recipe_storage {
    STORE_TEXT,    /* char *, owned */
    STORE_POOL,    /* thaw_pool */
    STORE_BOOL,    /* bool */
    STORE_INT,     /* int */
    STORE_SEED,    /* uint64_t, up to 2^53 - 1: what a JSON number holds exactly */
    STORE_DOUBLE,  /* double */
    STORE_NAMES,   /* char **, owned; size_t at count_offset */
    STORE_SIZES,   /* int[THAW_HEAD_HIDDEN_MAX]; int at count_offset */
    STORE_PHASES,  /* thaw_recipe_phase *, owned; size_t at count_offset */
    STORE_FACTORS, /* thaw_layer_lr *, owned; size_t at count_offset */
} recipe_storage;

typedef struct recipe_row {
    thaw_recipe_field field;
    recipe_storage storage;
    size_t offset, count_offset;
    bool (*accepts)(const char *text); /* TEXT: is the word one that can be meant? NULL: any */
} recipe_row;

size_t recipe_row_count(void);
const recipe_row *recipe_row_at(size_t index);
const recipe_row *recipe_row_find(const char *key); /* NULL when unknown */
size_t recipe_row_index(const recipe_row *row);
/* Is there a row under "KEY."? And the last part of the first one's key, for messages. */
bool recipe_is_section(const char *key);
const char *recipe_section_example(const char *key);
/* The error for a key that no row has, with the one that was probably meant. */
thaw_status recipe_unknown_key(const char *key) THAW_MUST_CHECK;

/* Type and range of ITEM; the error names the key, what it must be and what it is. */
thaw_status recipe_row_check(const recipe_row *row, const cJSON *item);
/* Put an ITEM that checks into R, freeing what was there. */
void recipe_row_store(const recipe_row *row, thaw_recipe *r, const cJSON *item);
cJSON *recipe_row_load(const recipe_row *row, const thaw_recipe *r); /* owned by the caller */
void recipe_row_clear(const recipe_row *row, thaw_recipe *r);

/* The words of head.pool. */
const char *recipe_pool_name(thaw_pool pool);
bool recipe_pool_parse(const char *word, thaw_pool *out);

/* What a person typed for ROW as the JSON it stands for; unchecked; owned by the caller. */
cJSON *recipe_text_item(const recipe_row *row, const char *typed);
/* Change what DOCUMENT names, or nothing when any of it is wrong. */
thaw_status recipe_apply(thaw_recipe *r, const cJSON *document);

#endif
