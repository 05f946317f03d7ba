//! The component `__PACKAGE__`.

wit_bindgen::generate!({ path: "wit", world: "library", generate_all });

use exports::__RUST_PATH__::greet::Guest;

struct Component;

impl Guest for Component {
    fn greet(name: String) -> String {
        format!("Hello, {name}!")
    }
}

export!(Component);
