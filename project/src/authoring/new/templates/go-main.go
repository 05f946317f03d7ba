// Command __NAME__ is the component `__PACKAGE__`. What it exports is in `spin_dependencies/export_…`.
package main

import _ "__NAME__/spin_dependencies/wit_exports"

func main() {}
