//! A command that asks the host for what its first argument names, and writes what it gets, a line each.

wit_bindgen::generate!({ path: "wit", world: "services", generate_all });

mod places;
mod stores;

use std::fmt::Debug;

use exports::wasi::cli0_3_0::run::Guest;
use wasi::cli0_2_0::{environment, exit, stdout};

struct Command;

impl Guest for Command {
    async fn run() -> Result<(), ()> {
        let arguments = environment::get_arguments();
        let argument = |place: usize| arguments.get(place).map_or("", String::as_str);
        match argument(1) {
            "variables" => variables(argument(2)).await,
            "key-value" => {
                stores::first();
                stores::second();
                stores::third().await;
                stores::wasi();
            }
            "count" => stores::count(),
            "sqlite" => {
                stores::sqlite_first();
                stores::sqlite_second();
                stores::sqlite_third().await;
            }
            "sql" => stores::sql(argument(2)),
            "sockets" => places::sockets(argument(2)).await,
            "http" => say("http", places::http(argument(2), argument(3)).await),
            "missing" => missing(),
            "arguments" => say("arguments", &arguments[..]),
            "exit" => exit::exit(Err(())),
            "trap" => panic!("on purpose"),
            "fail" => return Err(()),
            other => say("unknown", other),
        }
        Ok(())
    }
}

export!(Command);

/// Writes a line.
fn say(what: &str, value: impl Debug) {
    let line = format!("{what}: {value:?}\n");
    stdout::get_stdout().blocking_write_and_flush(line.as_bytes()).expect("standard output");
}

/// Bytes as the text that they are.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("text")
}

async fn variables(name: &str) {
    say("config", fermyon::spin::config::get_config(name));
    say("fermyon", fermyon::spin2_0_0::variables::get(name));
    say("spin", spin::variables::variables::get(name.to_owned()).await);
}

/// What Spin has and the host has not.
fn missing() {
    say("llm", fermyon::spin2_0_0::llm::infer("llama", "hello"));
    say("postgres", spin::postgres::postgres::Connection::open("host=localhost").map(|_| ()));
}
