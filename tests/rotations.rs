//! The big runs of the rotation's proof: `cargo test --release --features simulator --test rotations -- --level 2 --all`,
//! `-- --level 3 --count 1000000 [--from SEED]`, `-- --seed 42` for one story in full.

use std::process::ExitCode;

use credwatch::rotate::sim;

fn main() -> ExitCode {
    let mut level = 3;
    let (mut from, mut count) = (0, 10_000);
    let mut all = false;
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut number = || args.next().and_then(|text| text.parse().ok());
        match arg.as_str() {
            "--all" => all = true,
            "--level" => level = number().unwrap_or(level),
            "--from" => from = number().unwrap_or(from),
            "--count" => count = number().unwrap_or(count),
            "--seed" => {
                print(&sim::tell(number().unwrap_or_default()));
                return ExitCode::SUCCESS;
            }
            // What cargo and test runners add.
            _ => {}
        }
    }
    let summary = match level {
        1 => sim::level1(),
        2 => sim::level2((!all).then_some(2_000)),
        _ => sim::level3(from..from + count),
    };
    print(&summary.to_string());
    if summary.is_red() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

#[allow(clippy::print_stdout)]
fn print(text: &str) {
    println!("{text}");
}
