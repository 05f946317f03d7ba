//! Publishing while the registry fails, at each of its requests: afterwards there is all of the release or nothing, the
//! command says which, and to publish again completes it.

use super::EVER;
use super::stage::{released, stages};
use crate::support::fault::Fault;
use crate::support::library::base;
use crate::support::world::Sandbox;

/// The requests of a publication: methods, and what the path contains.
const REQUESTS: [(&[&str], &str); 4] = [
    (&["GET", "HEAD"], "/manifests/1.0.0"),
    (&["POST"], "/blobs/uploads/"),
    (&["PUT", "PATCH"], "/blobs/uploads/"),
    (&["PUT"], "/manifests/1.0.0"),
];

/// What happens to a request, and how often.
fn faults() -> [(Fault, usize); 9] {
    [
        (Fault::Reset, 1),
        (Fault::Reset, EVER),
        (Fault::Lost, 1),
        (Fault::status(401), EVER),
        (Fault::status(403), EVER),
        (Fault::header(429, "retry-after", "0"), 1),
        (Fault::status(500), EVER),
        (Fault::header(307, "location", "/v2/"), EVER),
        // Success, with nothing of what a registry says then.
        (Fault::body("<html>Please log in to the guest network</html>"), EVER),
    ]
}

#[test]
fn is_whole_or_nothing_and_can_be_repeated() {
    let stages = stages();
    let (bytes, faults) = (base("1.0.0"), faults());
    let (bytes, faults) = (&bytes, &faults);
    std::thread::scope(|scope| {
        for (number, stage) in [&stages[0], &stages[2]].into_iter().enumerate() {
            for (place, (methods, part)) in REQUESTS.into_iter().enumerate() {
                scope.spawn(move || {
                    let proxy = stage.proxy();
                    let sandbox = Sandbox::new();
                    stage.configure(&sandbox, &proxy);
                    let file = sandbox.artifact(bytes);
                    for (kind, (fault, times)) in faults.iter().enumerate() {
                        let name = format!("stage{number}-part{place}-fault{kind}");
                        let release = format!("acme:{name}@1.0.0");
                        let publish = ["publish", file.as_str(), "--package", release.as_str()];
                        proxy.fail_for(methods, &format!("/acme/{name}{part}"), *times, fault.clone());
                        let run = sandbox.run(&publish);
                        let there = released(stage, &name);
                        if run.code == Some(0) {
                            assert!(there.is_some(), "{name}: it said that it had published");
                        } else {
                            let run = run.failed();
                            assert!(run.stderr.starts_with("error: "), "{name}: {}", run.stderr);
                            // What was done after all, but not answered, cannot be known.
                            assert!(
                                there.is_none() || matches!(fault, Fault::Lost),
                                "{name}: {}",
                                run.stderr
                            );
                        }
                        proxy.heal();
                        sandbox.run(&publish).done();
                        let now = released(stage, &name).expect("the release");
                        assert!(there.is_none_or(|there| there == now), "{name}: it was replaced");
                        assert_eq!(now.blobs[1], *bytes);
                    }
                });
            }
        }
    });
}
