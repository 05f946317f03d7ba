// Package export___SNAKE_PACKAGE___greet is what the component exports as the interface `greet`.
package export___SNAKE_PACKAGE___greet

// Greet is a greeting for somebody by name.
func Greet(name string) string {
	return "Hello, " + name + "!"
}
