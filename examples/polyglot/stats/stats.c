#include "spin_dependencies/stats.h"

static bool is_space(uint8_t byte) {
  return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

void exports_acme_stats_counter_count(stats_string_t *text, exports_acme_stats_counter_counts_t *counts) {
  bool in_word = false;
  *counts = (exports_acme_stats_counter_counts_t){0};
  for (size_t i = 0; i < text->len; i++) {
    uint8_t byte = text->ptr[i];
    // The bytes that go on with a character of UTF-8 begin with 10.
    counts->characters += (byte & 0xc0) != 0x80;
    counts->words += !in_word && !is_space(byte);
    in_word = !is_space(byte);
  }
  stats_string_free(text);
}
