/*
 * demo_recipe.h - the recipe that shows the whole idea on what comes with thaw.
 */
#ifndef TUI_DEMO_RECIPE_H
#define TUI_DEMO_RECIPE_H

#include "thaw/recipe.h"

/* As it is. R has been initialised. Fails when the file is not where thaw's files are. */
thaw_status demo_recipe_read(thaw_recipe *r);
/* For the workbench: with outputs kept the head's 200 epochs are over in three seconds, before anybody has
 * found a key; computed each time they leave a minute, and end with the same weights. */
thaw_status demo_recipe_slow_down(thaw_recipe *r);

#endif
