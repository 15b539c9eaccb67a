//! The step in between that binds a hook to the run that started it.

use std::{
    fs,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
};

fn leashed(parent: u32, program: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_credwatch"));
    command.arg0("credwatch-leash").arg(parent.to_string()).args(program);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap()
}

fn wait_for(path: &Path) {
    while !path.exists() {
        thread::yield_now();
    }
}

#[test]
fn a_hook_dies_with_whatever_started_it() {
    let folder = tempfile::tempdir().unwrap();
    let ready = folder.path().join("ready");
    let script = format!("touch {}; exec sleep 600", ready.display());
    // The kernel means the thread that started it, so that one thread can stand for the run that is killed.
    let child = thread::spawn(move || {
        let child = leashed(std::process::id(), &["/bin/sh", "-c", &script]);
        wait_for(&ready);
        child
    });
    let status = child.join().unwrap().wait().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9));
}

#[test]
fn a_hook_whose_run_is_gone_or_that_is_not_there_is_not_started() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let touch = ["/bin/touch", trace.to_str().unwrap()];
    for (parent, program, reason) in [
        (1, &touch[..], "the run that wanted it has ended"),
        (std::process::id(), &["/nowhere/hook"][..], "there is no such program"),
    ] {
        let output = leashed(parent, program).wait_with_output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("\0not started: {reason}"));
        assert_eq!(output.status.code(), Some(127));
    }
    assert!(!trace.exists());
    assert!(fs::read_dir(folder.path()).unwrap().next().is_none());
}
