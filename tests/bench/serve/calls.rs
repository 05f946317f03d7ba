//! What it costs that a call meets an adapter and not the host.
//!
//! A dependency asks for its environment many times within one request: of the host, where it was granted that; of the
//! adapter that denies it, where it was not; and of another component, composed in. All three answer with an empty
//! list. What the same request takes without those calls is subtracted.

use spin_deps_fixtures::calls::{CALLS, HOST, OTHER, caller, environment};
use spin_deps_fixtures::http::p2_app;

use super::load::ask;
use super::server::{Kind, Server};
use super::{median, runs, write_app};
use crate::support::world::Sandbox;

pub(super) fn run() {
    println!("calls: {} turns of 1 s each, medians\n", runs());
    println!("| a dependency calls | one call |");
    println!("|---|---:|");
    for (name, asks, inherit) in [
        ("a function of the host", HOST, "[\"environment\"]"),
        ("the adapter that denies it", HOST, "false"),
        ("a function of another component", OTHER, "false"),
    ] {
        let sandbox = Sandbox::new();
        sandbox.use_folder();
        sandbox.publish(&environment().expect("a valid fixture"));
        sandbox.publish(&caller(asks).expect("a valid fixture"));
        let dependency = format!(
            "[component.app.dependencies]\n\"acme:caller\" = {{ version = \"^1\", inherit_configuration = {inherit} }}\n"
        );
        write_app(&sandbox, &p2_app(&[("acme:caller", "1.0.0")]), "", &dependency);
        let server = Server::start(Kind::Ours, &sandbox, "", true);
        let (mut without, mut with) = (Vec::new(), Vec::new());
        for _ in 0..runs() {
            for (path, times) in [("/x", &mut without), ("/many", &mut with)] {
                let seen = ask(&format!("{}{path}", server.url), 1, 1);
                assert!(seen.wrong == 0.0, "{name}: {} requests failed", seen.wrong);
                times.push(seen.p50);
            }
        }
        server.stop();
        let each = (median(with) - median(without)) * 1e6 / f64::from(CALLS);
        println!("| {name} | {each:.0} ns |");
    }
    println!();
}
