use std::{fs, os::unix::fs::PermissionsExt};

use super::*;

fn resolver(variables: &[(&str, &str)]) -> Resolver {
    let rules = ["/bin/sh", "/nowhere/tool"];
    let rules = rules.map(|program| ExecRule { program: program.into(), env: vec!["TOOL_TOKEN".to_owned()] });
    Resolver::with_environment(rules.into(), variables.iter().map(|(name, value)| (name.into(), value.into())))
}

fn env(name: &str) -> SecretRef {
    SecretRef::Env(name.to_owned())
}

fn shell(script: &str) -> SecretRef {
    SecretRef::Exec(["/bin/sh", "-c", script].map(str::to_owned).into())
}

async fn read(resolver: &Resolver, reference: &SecretRef) -> Result<String, Unreadable> {
    resolver.resolve(reference).await.map(|secret| secret.expose().to_owned())
}

async fn reason(resolver: &Resolver, reference: &SecretRef) -> String {
    match read(resolver, reference).await {
        Err(Unreadable::Unresolved(sentence)) => sentence,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_variable_is_read_as_it_is() {
    let resolver = resolver(&[
        ("GOOD", "canary-1"),
        ("EMPTY", ""),
        ("BLANK", "  "),
        ("EDGE", "canary-2\n"),
        ("BOM", "\u{feff}canary-3"),
    ]);
    assert_eq!(read(&resolver, &env("GOOD")).await, Ok("canary-1".to_owned()));
    assert_eq!(read(&resolver, &env("EMPTY")).await, Err(Unreadable::Empty));
    assert_eq!(read(&resolver, &env("BLANK")).await, Err(Unreadable::Empty));
    assert_eq!(read(&resolver, &env("EDGE")).await, Err(Unreadable::Whitespace));
    assert_eq!(read(&resolver, &env("BOM")).await, Err(Unreadable::Whitespace));
    insta::assert_snapshot!(reason(&resolver, &env("ABSENT")).await, @"the variable is not set (env:ABSENT)");
}

#[tokio::test]
async fn one_line_break_at_the_end_of_a_file_is_dropped_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let resolver = resolver(&[("CREDENTIALS_DIRECTORY", folder.path().to_str().unwrap())]);
    for (bytes, expected) in [
        (&b"canary"[..], Ok("canary".to_owned())),
        (b"canary\n", Ok("canary".to_owned())),
        (b"canary\r\n", Ok("canary".to_owned())),
        (b"can ary\n", Ok("can ary".to_owned())),
        (b"canary\n\n", Err(Unreadable::Whitespace)),
        (b" canary", Err(Unreadable::Whitespace)),
        (b"canary\t\n", Err(Unreadable::Whitespace)),
        (b"\n", Err(Unreadable::Empty)),
        (b"", Err(Unreadable::Empty)),
    ] {
        fs::write(folder.path().join("value"), bytes).unwrap();
        assert_eq!(read(&resolver, &SecretRef::File(folder.path().join("value"))).await, expected, "{bytes:?}");
        let reference = SecretRef::File("$CREDENTIALS_DIRECTORY/value".into());
        assert_eq!(read(&resolver, &reference).await, expected, "{bytes:?}");
    }
}

#[tokio::test]
async fn white_space_around_a_pem_means_nothing() {
    let resolver = resolver(&[("PEM", "\n-----BEGIN-----\n\n"), ("BLANK", " \n ")]);
    assert!(resolver.resolve_pem(&env("PEM")).await.is_ok());
    assert_eq!(resolver.resolve_pem(&env("BLANK")).await.unwrap_err(), Unreadable::Empty);
}

#[tokio::test]
async fn a_file_that_cannot_be_read_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("binary"), b"\xff\xfe\x00").unwrap();
    fs::write(at("large"), vec![b'x'; LIMIT + 1]).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, at("fifo"), rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let mut reasons = Vec::new();
    for path in [
        at("absent"),
        at("binary"),
        at("large"),
        at("fifo"),
        at(""),
        "/dev/zero".into(),
        "$CREDENTIALS_DIRECTORY/x".into(),
    ] {
        let sentence = reason(&resolver(&[]), &SecretRef::File(path)).await;
        reasons.push(sentence.replace(folder.path().to_str().unwrap(), "DIR"));
    }
    insta::assert_snapshot!(reasons.join("\n"), @r#"
    there is no such file (file:DIR/absent)
    the value is not UTF-8 text (file:DIR/binary)
    the file is larger than 64 KiB (file:DIR/large)
    this is no regular file (file:DIR/fifo)
    this is no regular file (file:DIR/)
    this is no regular file (file:/dev/zero)
    CREDENTIALS_DIRECTORY is not set; systemd sets it for LoadCredential= (file:$CREDENTIALS_DIRECTORY/x)
    "#);
}

#[tokio::test]
async fn a_program_sees_only_what_the_settings_let_it_see() {
    let resolver = resolver(&[("PATH", "/usr/bin:/bin"), ("TOOL_TOKEN", "t"), ("OTHER_SECRET", "canary")]);
    let seen = read(&resolver, &shell("/usr/bin/env | cut -d= -f1 | sort | tr '\\n' ' ' | tr -d '\\n'; printf ."))
        .await
        .unwrap();
    assert!(seen.contains("TOOL_TOKEN") && seen.contains("PATH") && !seen.contains("OTHER_SECRET"), "{seen}");
    assert_eq!(read(&resolver, &shell("cat; echo canary-4; echo complaint >&2")).await, Ok("canary-4".to_owned()));
}

#[tokio::test]
async fn a_program_that_fails_says_how_and_not_what_it_printed() {
    let resolver = resolver(&[]);
    let mut reasons = Vec::new();
    for reference in [
        shell("echo canary; echo canary >&2; exit 3"),
        shell("kill -9 $$"),
        shell("while :; do echo canarycanarycanarycanary; done"),
        SecretRef::Exec(vec!["/nowhere/tool".to_owned()]),
        SecretRef::Exec(vec!["/bin/cat".to_owned(), "/etc/passwd".to_owned()]),
        SecretRef::Store { scheme: "vault", address: "secret/app#key".to_owned() },
    ] {
        reasons.push(reason(&resolver, &reference).await);
    }
    insta::assert_snapshot!(reasons.join("\n"), @r#"
    the program ended with exit code 3 (exec:/bin/sh)
    the program was ended by a signal (exec:/bin/sh)
    the program printed more than 64 KiB (exec:/bin/sh)
    there is no such program (exec:/nowhere/tool)
    the settings do not list the program under `exec` (exec:/bin/cat)
    no store is read for this; use an env:, file: or exec: reference (vault:secret/app#key)
    "#);
}

#[tokio::test(start_paused = true)]
async fn a_program_that_waits_for_ever_is_ended() {
    let sentence = reason(&resolver(&[]), &shell("/bin/sleep 600")).await;
    assert_eq!(sentence, "the program did not end within 30 s (exec:/bin/sh)");
}

#[tokio::test]
async fn a_program_given_up_takes_what_it_started_along() {
    let folder = tempfile::tempdir().unwrap();
    let pid_file = folder.path().join("pid");
    let script = format!("sleep 600 & echo $! > {0}.new; mv {0}.new {0}; wait", pid_file.display());
    let resolver = resolver(&[("PATH", "/usr/bin:/bin")]);
    let reference = shell(&script);
    let run = resolver.resolve(&reference);
    let started = async {
        while !pid_file.exists() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = run => panic!("it cannot have ended"),
        () = started => {}
    }
    let pid: i32 = fs::read_to_string(&pid_file).unwrap().trim().parse().unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    let stat = format!("/proc/{}/stat", pid.as_raw_nonzero());
    let is_gone = || fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z "));
    while !is_gone() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_a_person_typed_is_read_like_a_file() {
    for (typed, expected) in [
        (&b"canary-5\n"[..], Ok("canary-5".to_owned())),
        (b" canary", Err(Unreadable::Whitespace)),
        (b"\n", Err(Unreadable::Empty)),
    ] {
        let resolver = resolver(&[]).with_typed(Zeroizing::new(typed.to_vec()));
        assert_eq!(read(&resolver, &Resolver::typed_reference()).await, expected);
    }
}

#[test]
fn a_file_without_permission_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("locked");
    fs::write(&path, "canary").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    // The superuser reads all the same.
    if let Err(reason) = read_file(&path) {
        assert_eq!(reason, "no permission to read the file");
    }
}

/// Reads with what opens it, and says so.
struct Cupboard(Arc<Resolver>);

#[async_trait]
impl Shelf for Cupboard {
    async fn read(&self, scheme: &'static str, address: &str) -> Result<Secret, Unreadable> {
        let token = self.0.resolve(&env("TOKEN")).await?;
        match address {
            "kv/loop#k" => self.0.resolve(&stored("kv/other#k")).await,
            "kv/edge#k" => Ok(Secret::new("canary\n".to_owned())),
            _ => Ok(Secret::new(format!("{scheme} opened with {}", token.expose()))),
        }
    }
}

fn stored(address: &str) -> SecretRef {
    SecretRef::Store { scheme: "vault", address: address.to_owned() }
}

#[tokio::test]
async fn a_store_is_read_through_the_shelf_which_is_opened_from_outside() {
    let bare = resolver(&[("TOKEN", "canary-token")]);
    insta::assert_snapshot!(reason(&bare, &stored("kv/etl#k")).await, @"no store is read for this; use an env:, file: or exec: reference (vault:kv/etl#k)");
    let resolver = bare.with_shelf(Cupboard);
    assert_eq!(read(&resolver, &stored("kv/etl#k")).await, Ok("vault opened with canary-token".to_owned()));
    assert_eq!(read(&resolver, &env("TOKEN")).await, Ok("canary-token".to_owned()));
    insta::assert_snapshot!(reason(&resolver, &stored("kv/loop#k")).await, @"no store is read for this; use an env:, file: or exec: reference (vault:kv/other#k)");
    // What others read from the store has the line break too.
    assert_eq!(read(&resolver, &stored("kv/edge#k")).await, Err(Unreadable::Whitespace));
}
