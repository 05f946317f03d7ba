//! How many requests an instance answers, one after the other and at once.

use std::time::Duration;

use spin_deps_fixtures::http::{p3_bad_app, p3_counter_app};
use spin_deps_host::{Options, Request, Reuse, Running, ask, start};

use crate::support::{app, component, lines, say};

async fn running(reuse: Reuse) -> Running {
    start(app(component(p3_counter_app())), Options { reuse, ..Options::default() }).await.unwrap()
}

#[tokio::test]
async fn an_instance_answers_as_often_as_it_may() {
    let fresh = running(Reuse::none()).await;
    assert_eq!(say(&fresh, "/").await, "200 1");
    assert_eq!(say(&fresh, "/").await, "200 1");

    let thrice = running(Reuse { requests: 3..=3, ..Reuse::default() }).await;
    for count in [1, 2, 3, 1, 2, 3, 1] {
        assert_eq!(say(&thrice, "/").await, format!("200 {count}"));
    }
}

#[tokio::test]
async fn of_a_range_each_instance_gets_its_own() {
    let running = running(Reuse { requests: 1..=4, ..Reuse::default() }).await;
    let mut lives = Vec::new();
    let mut life = 0;
    while lives.len() < 40 {
        let count: usize = say(&running, "/").await.strip_prefix("200 ").unwrap().parse().unwrap();
        if count == 1 && life > 0 {
            lives.push(life);
        }
        life = count;
    }
    assert!(lives.iter().all(|life| (1..=4).contains(life)), "{lives:?}");
    assert!(lives.iter().any(|life| *life != lives[0]), "{lives:?}");
}

#[tokio::test]
async fn a_component_has_its_own_limits_if_it_says_so() {
    let mut web = component(p3_counter_app());
    web.reuse = Some(Reuse { requests: 2..=2, ..Reuse::default() });
    let running = start(app(web), Options { reuse: Reuse::none(), ..Options::default() }).await.unwrap();
    for count in [1, 2, 1, 2] {
        assert_eq!(say(&running, "/").await, format!("200 {count}"));
    }
}

#[tokio::test]
async fn an_idle_instance_goes() {
    let idle = Duration::from_millis(1);
    let running = running(Reuse { idle: idle..=idle, ..Reuse::default() }).await;
    // Sooner or later one is idle for longer than that between two requests.
    let mut count = 0;
    while say(&running, "/").await != "200 1" || count == 0 {
        count += 1;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn a_trap_ends_all_requests_of_the_instance_with_one_report_and_the_next_one_is_fresh() {
    let (output, lines) = lines();
    let grace = Duration::ZERO;
    let options = Options { output, request_timeout: None, grace, ..Options::default() };
    let running = start(app(component(p3_bad_app())), options).await.unwrap();
    let address = running.address();
    let mut waiting: tokio::task::JoinSet<_> = (0..5)
        .map(|_| {
            let request = Request { path: "/never".to_owned(), ..Request::default() };
            async move { ask(address, &request).await.map_or(0, |answer| answer.status) }
        })
        .collect();
    // Until the instance is asked in which some of them wait.
    loop {
        let said = say(&running, "/break").await;
        if said == "500 the component failed to answer\n" {
            break;
        }
        assert!(said.starts_with("200 "), "{said}");
    }
    assert_eq!(waiting.join_next().await.unwrap().unwrap(), 500);
    assert_eq!(lines.lock().unwrap().len(), 1, "one report for all of them");
    while say(&running, "/").await != "200 1" {}
    running.shutdown().await;
}
