/*
 * shapes.h - where the bundled set lives. Private to engine/data.
 */
#ifndef ENGINE_DATA_SHAPES_H
#define ENGINE_DATA_SHAPES_H

#include "thaw/dataset.h"

/* The bundled set's folder in the user's cache, drawn when it is not there yet. *OUT is owned by the caller.
 */
thaw_status shapes_cached(char **out);

#endif
