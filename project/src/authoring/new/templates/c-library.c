// The component `__PACKAGE__`.

#include <stdlib.h>
#include <string.h>

#include "library.h"

// What is passed in is the function's to free, and what it returns its caller's.
void exports___SNAKE_PACKAGE___greet_greet(library_string_t *name, library_string_t *ret) {
    static const char before[] = "Hello, ", after[] = "!";
    const size_t start = sizeof before - 1, end = sizeof after - 1;
    uint8_t *text = malloc(start + name->len + end);
    if (text == NULL) {
        abort();
    }
    memcpy(text, before, start);
    memcpy(text + start, name->ptr, name->len);
    memcpy(text + start + name->len, after, end);
    ret->ptr = text;
    ret->len = start + name->len + end;
    library_string_free(name);
}
