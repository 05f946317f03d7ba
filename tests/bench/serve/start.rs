//! From the start of the process to the first answer.
//!
//! The app is locked and its release in the store; `wasmtime serve` gets the composed file. With compiled code, each has
//! run before and finds it in its own cache; without, that cache is removed. A connection is tried until one is taken.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use spin_deps_fixtures::http::{large_app, p2_app};
use spin_deps_fixtures::library::chain;

use super::server::{Kind, command};
use super::{compose, median, runs, write_app};
use crate::support::process::Process;
use crate::support::world::{Sandbox, files_below};

/// Functions of the large component, which makes it as large as those that bring an interpreter.
const FUNCTIONS: u32 = 8_000;

pub(super) fn run() {
    println!("start: to the first answer, {} turns, medians\n", runs() * 2);
    println!("| | `spin-deps up` | `wasmtime serve` | ratio |");
    println!("|---|---:|---:|---:|");
    let small = Sandbox::new();
    small.use_folder();
    small.publish(&chain("acme:hash", "1.0.0", &[]));
    write_app(
        &small,
        &p2_app(&[("acme:hash", "1.0.0")]),
        "",
        "[component.app.dependencies]\n\"acme:hash\" = \"^1\"\n",
    );
    measure("small, compiled before", &small, false);
    measure("small, not compiled", &small, true);
    let large = Sandbox::new();
    let component = large_app(FUNCTIONS);
    write_app(&large, &component, "", "");
    measure(&format!("{} MB, compiled before", component.len() / 1_000_000), &large, false);
    println!();
}

fn measure(name: &str, sandbox: &Sandbox, compiling: bool) {
    let composed = compose(sandbox);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for turn in 0..=runs() * 2 {
        for (kind, times) in [(Kind::Ours, &mut ours), (Kind::Wasmtime, &mut theirs)] {
            if compiling {
                forget(sandbox);
            }
            let time = first_answer(kind, sandbox, &composed);
            // The first finds nothing in its cache.
            if turn > 0 {
                times.push(time.as_secs_f64() * 1e3);
            }
        }
    }
    let (ours, theirs) = (median(ours), median(theirs));
    println!("| {name} | {ours:.1} ms | {theirs:.1} ms | {:.2} × |", ours / theirs);
}

/// Removes the compiled code of both, and nothing else.
fn forget(sandbox: &Sandbox) {
    for directory in ["spin-deps/compiled", "wasmtime"] {
        let directory = sandbox.cache().join(directory);
        for file in files_below(&directory).keys() {
            fs_err::remove_file(directory.join(file)).expect("a file of a cache");
        }
    }
}

fn first_answer(kind: Kind, sandbox: &Sandbox, composed: &str) -> Duration {
    // A port that was free a moment ago: to read it from what the server says would measure that as well.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address");
    drop(listener);
    let mut command = command(kind, sandbox, composed, &address.to_string(), true);
    let begun = Instant::now();
    let process = Process::start(&mut command).expect("a server");
    while !answers(address) {
        assert!(begun.elapsed() < Duration::from_mins(1), "{command:?} does not answer");
        std::thread::sleep(Duration::from_micros(200));
    }
    let time = begun.elapsed();
    process.kill();
    time
}

/// Whether a request gets an answer. Nobody listening yet is the only excuse.
fn answers(address: SocketAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect(address) else { return false };
    stream.write_all(b"GET /x HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n").expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    true
}
