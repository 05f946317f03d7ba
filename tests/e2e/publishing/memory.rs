//! A large component is published in little memory: it is read three times (to be validated, for its digest, to be
//! sent) and never held.

#![cfg(target_os = "linux")]

use crate::support::proxy::Proxy;
use crate::support::registry::Registry;
use crate::support::world::Sandbox;

/// A component around a core module with `size` bytes of data.
fn component_of(size: usize) -> Vec<u8> {
    let section = |id: u8, content: Vec<u8>| [vec![id], leb(content.len()), content].concat();
    let data = [vec![1, 0, 0x41, 0, 0x0b], leb(size), noise(size)].concat();
    let memory = [vec![1, 0], leb(size.div_ceil(65_536))].concat();
    let module = [b"\0asm\x01\0\0\0".to_vec(), section(5, memory), section(11, data)].concat();
    [b"\0asm\x0d\0\x01\0".to_vec(), section(1, module)].concat()
}

fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let byte = number.to_le_bytes()[0] & 0x7f;
        number >>= 7;
        if number == 0 {
            bytes.push(byte);
            return bytes;
        }
        bytes.push(byte | 0x80);
    }
}

/// Bytes that no compression makes smaller.
fn noise(size: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    let next = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    });
    next.take(size).collect()
}

/// The most memory that a publication has had by the time its content is uploaded, in KiB.
fn peak(size: usize) -> usize {
    let registry = Registry::open();
    let proxy = Proxy::start(&registry.host());
    let sandbox = Sandbox::new();
    sandbox.use_host(&proxy.host(), None);
    let file = sandbox.artifact(&component_of(size));
    let first = proxy.hold("acme/large/manifests/1.0.0");
    let process = sandbox.start(&["publish", &file, "--package", "acme:large@1.0.0"]);
    first.wait();
    drop(first);
    // There are three more: before the manifest is pushed, the manifest, and after it.
    let second = proxy.hold("acme/large/manifests/1.0.0");
    second.wait();
    let status = fs_err::read_to_string(format!("/proc/{}/status", process.id())).expect("its status");
    drop(second);
    let ended = process.finish();
    assert!(ended.status.success(), "{}", ended.stderr);
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the peak");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[test]
fn memory_does_not_grow_with_the_file() {
    let size = 48 << 20;
    let (small, large) = (peak(1 << 20), peak(size));
    assert!(large < small + size / 1024 / 2, "{small} KiB for 1 MiB, {large} KiB for {} MiB", size >> 20);
}
