use crate::support::*;
use spin_deps_registry::*;
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn perf() {
    let upstream = DockerRegistry::start();
    let world = World::new(upstream.address());
    let registries = world.open().await;
    let names: Vec<String> = (0..50).map(|n| format!("acme:p{}{}", char::from(b'a' + n / 10), char::from(b'a' + n % 10))).collect();
    for (i, name) in names.iter().enumerate() {
        registries.publish(&publication(name, "1.0.0", content(i as u64 + 9, 40_000)), &world.registry).await.unwrap();
    }
    for round in 0..4 {
        let cold = World::new(upstream.address());
            let start = std::time::Instant::now();
            let registries = cold.open().await;
            let one = std::sync::Mutex::new(vec![]);
            let all = names.iter().map(|name| { let r = registries.clone(); let reg = cold.registry.clone(); let name = package(name); let one = &one; async move {
                let v = version("1.0.0");
                r.versions(&name, &reg).await.unwrap(); let a = start.elapsed();
                let rel = r.release(&name, &v, &reg).await.unwrap().unwrap();let b = start.elapsed();
                r.fetch(&Content::of(&name, &v, &reg, &rel)).await.unwrap();
                one.lock().unwrap().push((a, b, start.elapsed()));
            }});
            let n = futures::future::join_all(all).await.len();
            let l = one.lock().unwrap();
            eprintln!("round {round}: {n} in {:?}; first {:?} last {:?}", start.elapsed(), l.first().unwrap(), l.last().unwrap());
            let t = std::time::Instant::now();
            for i in 0..50u8 { registries.store().put(vec![i; 1000]).await.unwrap(); }
            eprintln!("round 50 puts {:?}", t.elapsed());
    }
}
