//! Components by URL: what is there is shown before it is trusted, and a digest is the only thing that is trusted then.

use crate::support::library::base;
use crate::support::oci::digest;
use crate::support::terminal::Terminal;
use crate::support::web::{Page, WebServer};
use crate::support::world::{Run, Sandbox};

/// An app that imports `acme:base/api@1.0.0`, without any dependency yet.
fn app() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write_app(&[("acme:base", "1.0.0")], "", "acme:base@1.0.0(/x)");
    sandbox
}

/// A server that has the component at every path.
fn server() -> WebServer {
    WebServer::start(|_| Page::new(200, base("1.0.0")).header("content-type", "application/wasm"))
}

/// Runs the binary, which must not change a file.
#[track_caller]
fn unchanged(sandbox: &Sandbox, arguments: &[&str]) -> Run {
    let before = sandbox.files();
    let run = sandbox.run(arguments);
    assert_ne!(run.code, Some(0), "{}", run.stdout);
    assert!(sandbox.files() == before, "a file was changed by what was refused:\n{}", run.stderr);
    run
}

#[test]
fn without_a_digest_the_message_has_the_command_that_adds_it() {
    let (sandbox, server) = (app(), server());
    let url = server.url("/c.wasm");
    let refused = unchanged(&sandbox, &["add", &url, "--to", "app", "--inherit", "none"]).misused();
    insta::assert_snapshot!(sandbox.snapshot(&refused), @"
    exit: 2
    --- stderr
    error: no digest was given for http://127.0.0.1:[PORT]/c.wasm; what it serves now has the digest sha256:[DIGEST-1]

    hint: if that is what you expect: `spin-deps add http://127.0.0.1:[PORT]/c.wasm --to app --inherit none --digest sha256:[DIGEST-1]`
    ");
    let (_, command) = refused.stderr.split_once("`spin-deps ").expect("the command");
    let (command, _) = command.split_once('`').expect("the command's end");
    assert!(command.contains(&digest(&base("1.0.0"))), "{command}");
    sandbox.run(&command.split(' ').collect::<Vec<_>>()).done();
    sandbox.run(&["verify"]).done();
    assert_eq!(server.asked().len(), 1, "what was looked at is not fetched again");
}

#[test]
fn in_a_terminal_it_is_shown_and_confirmed() {
    let (sandbox, server) = (app(), server());
    let url = server.url("/c.wasm?key=t0ken");
    let before = sandbox.files();
    for answer in ["n", "\r"] {
        let mut terminal = Terminal::start(&mut sandbox.command(&["add", &url]));
        terminal.wait_for("calls itself  acme:base 1.0.0");
        terminal.wait_for("exports       acme:base/api@1.0.0");
        terminal.wait_for("capabilities  none");
        terminal.wait_for(&digest(&base("1.0.0")));
        terminal.wait_for("Add it?");
        terminal.type_in(answer);
        let (code, screen, _) = terminal.finish();
        assert_eq!(code, Some(1), "{screen}");
        assert!(screen.contains("nothing was added") && !screen.contains("t0ken"), "{screen}");
        assert!(sandbox.files() == before);
    }
    let mut terminal = Terminal::start(&mut sandbox.command(&["add", &url]));
    terminal.wait_for("Add it?");
    terminal.type_in("y");
    let (code, screen, _) = terminal.finish();
    assert_eq!(code, Some(0), "{screen}");
    assert!(sandbox.read("spin.toml").contains(&digest(&base("1.0.0"))));
    sandbox.run(&["verify"]).done();
}

#[test]
fn a_secret_in_the_url_is_shown_nowhere() {
    let (sandbox, server) = (app(), server());
    let url = server.url("/c.wasm?key=t0ken");
    let shown = unchanged(&sandbox, &["add", &url]).misused();
    insta::assert_snapshot!(sandbox.snapshot(&shown), @"
    exit: 2
    --- stderr
    error: no digest was given for http://127.0.0.1:[PORT]/c.wasm; what it serves now has the digest sha256:[DIGEST-1]

    hint: if that is what you expect, run the same command with `--digest sha256:[DIGEST-1]`
    ");
    let with_password = url.replace("http://", "http://ada:hunter2@");
    let asked = server.asked().len();
    let refused = unchanged(&sandbox, &["add", &with_password, "-vv"]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&refused), @"
    exit: 1
    --- stderr
    error: the URL http://127.0.0.1:[PORT]/c.wasm contains credentials, which would get into spin.toml

    hint: leave them out, or publish the component to a registry that asks for them
    ");
    assert_eq!(server.asked().len(), asked, "a password was sent");
    let bad = unchanged(&sandbox, &["add", "https://ada:hunter2@[::1/?key=t0ken"]).failed();
    let wrong = unchanged(&sandbox, &["add", &url, "--digest", &digest(b"other"), "-vv"]).failed();
    let loud = unchanged(&sandbox, &["add", &url, "-vv"]).misused();
    let added = sandbox.run(&["add", &url, "--digest", &digest(&base("1.0.0")), "-vv"]).done();
    let json = sandbox.run(&["remove", "acme:base", "--format", "json"]).done();
    for run in [shown, refused, bad, wrong, loud, added, json] {
        for secret in ["t0ken", "hunter2"] {
            assert!(
                !run.stdout.contains(secret) && !run.stderr.contains(secret),
                "{}{}",
                run.stdout,
                run.stderr
            );
        }
    }
}

#[test]
fn a_wrong_digest_is_shown_beside_the_right_one() {
    let (sandbox, server) = (app(), server());
    let refused =
        unchanged(&sandbox, &["add", &server.url("/c.wasm"), "--digest", &digest(b"other")]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&refused), @"
    exit: 1
    --- stderr
    error: the content of the file from `http://127.0.0.1:[PORT]/c.wasm` does not match its digest: expected sha256:[DIGEST-1], got sha256:[DIGEST-2]

    hint: the bytes were changed on the way or at their source, or the digest was edited; they were not used
    ");
    for shown in [digest(b"other"), digest(&base("1.0.0"))] {
        assert!(refused.stderr.contains(&shown), "{}", refused.stderr);
    }
}

#[test]
fn nobody_is_told_who_asks() {
    let sandbox = app();
    fs_err::write(sandbox.root().join("home/.netrc"), "default login ada password hunter2\n")
        .expect("a .netrc");
    let target = server();
    let url = target.url("/moved.wasm");
    let front = WebServer::start(move |_| Page::redirect(&url));
    let url = front.url("/c.wasm?key=t0ken");
    sandbox.run(&["add", &url, "--digest", &digest(&base("1.0.0"))]).done();
    let asked = [front.asked(), target.asked()].concat();
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert!(
        asked.iter().all(|head| !head.contains("authorization") && !head.contains("referer")),
        "{asked:?}"
    );
}

#[test]
fn a_redirect_leads_neither_from_https_to_http_nor_from_afar_to_this_machine() {
    let sandbox = app();
    let target = server();
    let url = target.url("/c.wasm");
    let certificate = sandbox.root().join("certificate.pem");
    let secure = WebServer::start_secure(&certificate, move |path| match path {
        "/c.wasm" => Page::new(200, base("1.0.0")),
        _ => Page::redirect(&url),
    });
    let add = |path: &str| {
        let url = secure.url(path);
        let mut command = sandbox.command(&["add", &url, "--digest", &digest(&base("1.0.0"))]);
        Sandbox::run_command(command.env("SSL_CERT_FILE", &certificate))
    };
    let refused = add("/away").failed();
    insta::assert_snapshot!(sandbox.snapshot(&refused), @"
    exit: 1
    --- stderr
    error: could not reach registry `127.0.0.1`: it redirects to `http://127.0.0.1:[PORT]/c.wasm`, which is not https

    hint: check the registry's name and your network; what is in the local store works with `--offline`
    ");
    assert_eq!(target.asked().len(), 0);
    add("/c.wasm").done();
}

#[test]
fn a_redirect_leads_neither_in_circles_nor_into_the_clear() {
    let sandbox = app();
    let server = WebServer::start(|path| {
        if path == "/round" {
            Page::redirect("/round")
        } else {
            Page::redirect("http://plain.example/c.wasm")
        }
    });
    for arguments in [vec![], vec!["--digest".to_owned(), digest(b"")]] {
        let add = |path: &str| {
            let url = server.url(path);
            let arguments = arguments.iter().map(String::as_str);
            let arguments: Vec<_> = ["add", &url].into_iter().chain(arguments).collect();
            let refused = unchanged(&sandbox, &arguments).failed();
            sandbox.snapshot(&refused)
        };
        insta::allow_duplicates! {
            insta::assert_snapshot!(add("/round"), @"
            exit: 1
            --- stderr
            error: could not reach registry `127.0.0.1`: it redirects too often

            hint: check the registry's name and your network; what is in the local store works with `--offline`
            ");
            insta::assert_snapshot!(add("/away"), @"
            exit: 1
            --- stderr
            error: could not reach registry `127.0.0.1`: it redirects to `http://plain.example/c.wasm`, which is not https

            hint: check the registry's name and your network; what is in the local store works with `--offline`
            ");
        }
    }
    let refused = unchanged(&sandbox, &["add", "http://plain.example/c.wasm"]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&refused), @"
    exit: 1
    --- stderr
    error: refusing to use plain http for `http://plain.example/c.wasm`

    hint: use https, or a server on this machine
    ");
}

#[test]
fn what_is_no_component_is_named_for_what_it_is() {
    let sandbox = app();
    let server = WebServer::start(|path| match path {
        "/page" => Page::login_page(),
        "/text" => Page::new(200, "not yet\n").header("content-type", "text/plain"),
        "/huge" => Page::new(200, "").header("content-length", (1_u64 << 31).to_string()),
        "/denied" => Page::new(403, ""),
        _ => Page::new(404, ""),
    });
    let add = |path: &str| {
        let refused = unchanged(&sandbox, &["add", &server.url(path)]).failed();
        sandbox.snapshot(&refused)
    };
    insta::assert_snapshot!(add("/page"), @"
    exit: 1
    --- stderr
    error: registry `127.0.0.1` gave an answer for `http://127.0.0.1:[PORT]/page` that cannot be understood: it is a web page, such as one to log in

    hint: check that the name is that of a registry, and that no login page or proxy answers in its place
    ");
    insta::assert_snapshot!(add("/text"), @"
    exit: 1
    --- stderr
    error: http://127.0.0.1:[PORT]/text: the file is not WebAssembly, it is text

    hint: name the built component, a file that usually ends in `.wasm`
    ");
    insta::assert_snapshot!(add("/huge"), @"
    exit: 1
    --- stderr
    error: http://127.0.0.1:[PORT]/huge is larger than the [SIZE] bytes that are accepted
    ");
    insta::assert_snapshot!(add("/denied"), @"
    exit: 1
    --- stderr
    error: registry `127.0.0.1` does not allow access to `http://127.0.0.1:[PORT]/denied`

    hint: check that the package's name is right and that your account may use it
    ");
    insta::assert_snapshot!(add("/none"), @"
    exit: 1
    --- stderr
    error: registry `127.0.0.1` has no `http://127.0.0.1:[PORT]/none`
    ");
    let refused = unchanged(&sandbox, &["add", &server.url("/page"), "--offline"]).failed();
    insta::assert_snapshot!(sandbox.snapshot(&refused), @"
    exit: 1
    --- stderr
    error: `http://127.0.0.1:[PORT]/page` is not in the local store, and `--offline` forbids requests

    hint: run once with network access, for example `spin-deps sync`
    ");
}

#[test]
fn a_mistake_elsewhere_costs_no_download() {
    let (sandbox, server) = (app(), server());
    unchanged(&sandbox, &["add", &server.url("/c.wasm"), "--to", "ap"]).failed();
    unchanged(&sandbox, &["add", &server.url("/c.wasm"), "--route", "/none"]).failed();
    assert_eq!(server.asked().len(), 0);
}
