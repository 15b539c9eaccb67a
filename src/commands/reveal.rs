//! `credwatch reveal`: the new value, once, on a terminal, for the person who types it into the product.

use std::{
    fs::File,
    io::{self, IsTerminal, Write},
    os::fd::AsFd,
    time::Duration,
};

use anyhow::{Context, ensure};
use tokio_util::sync::CancellationToken;
use zeroize::{Zeroize, Zeroizing};

use super::{
    desk::{Desk, StepArgs, nothing},
    signals::{Caught, cancel_on_signal},
    stdio::remark,
};
use crate::{
    assess::product,
    cli::Common,
    exit::Exit,
    inventory::Subject,
    logging,
    rotate::{Event, Made, identity},
    secret::Secret,
    text::{is_harmless, printable, shortened},
};

/// Show the new secret once, on a terminal, to the person who claimed it; each time is recorded
///
/// The value is read from the first store of `deliver_to` and shown on the terminal's second screen, which leaves nothing in
/// its scrollback. Enter takes it away again, and so do five minutes. It is never written to a pipe or a file.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    step: StepArgs,
    /// Place it is for, where several wait for a person
    #[arg(long, value_name = "person:ADDRESS")]
    store: Option<String>,
}

/// A screen that somebody has left.
const SHOWN_FOR: Duration = Duration::from_secs(5 * 60);

/// # Errors
/// It may not be shown, or not here. Nothing was shown.
pub async fn run(args: Args, common: &Common) -> anyhow::Result<Exit> {
    // Before anything is read: what a pipe takes is a file a moment later.
    ensure!(
        io::stdout().is_terminal() && io::stdin().is_terminal(),
        "the secret is shown on a terminal only, never to a pipe or a file: there it would stay. Run it by hand, with \
         neither input nor output redirected"
    );
    let can_hide = std::env::var("TERM").is_ok_and(|term| !term.is_empty() && term != "dumb");
    ensure!(can_hide, "this terminal cannot take away again what it shows (TERM is not set, or `dumb`)");
    let desk = Desk::for_step(&args.step, common)?;
    let (subject, who) = (desk.subject(&args.step)?, args.step.who()?);
    let identity = identity(subject);
    let history = desk.history(&identity)?;
    let rotation = history.newest().with_context(|| nothing(&args.step))?;
    let may = rotation.may_reveal(args.store.as_deref(), &who);
    let store = may.map_err(anyhow::Error::msg)?;
    let made = rotation.successor().with_context(|| nothing(&args.step))?;
    let value = match desk.new_value(subject, made).await {
        Ok(value) => value,
        Err(why) => {
            logging::print_error(&why);
            return Ok(Exit::Incomplete);
        }
    };
    let is_shown_as_it_is = |c: char| is_harmless(c) && !c.is_whitespace();
    ensure!(value.expose().chars().all(is_shown_as_it_is), "the value has characters that a terminal does not show");
    let stop = CancellationToken::new();
    let caught = cancel_on_signal(&stop).context("the terminal could not be guarded")?;
    // Recorded before it is shown; and then the journal is asked again, since a roll-back may have come in between.
    desk.append(&identity, rotation.id, &Event::Revealed { store: store.to_owned(), who: who.clone() })?;
    let now = desk.history(&identity)?;
    let again = now.rotations.iter().find(|now| now.id == rotation.id).with_context(|| nothing(&args.step))?;
    again.may_reveal(Some(store), &who).map_err(|why| anyhow::anyhow!("nothing is shown: {why}"))?;
    ensure!(again.successor() == Some(made), "nothing is shown: meanwhile there is another new secret; try again");
    let ended = show(&text(&args.step, subject, made, &value), &stop, &caught).await;
    drop(value);
    let ended = ended.context("the terminal could not be written to")?;
    let (compare, confirm) = (args.step.command("check-paste"), args.step.command("confirm"));
    let who = printable(&who);
    remark(
        common,
        &format!(
            "shown to {who} and taken away again; next: {compare} compares what you put in, {confirm} says that it works"
        ),
    );
    Ok(ended.unwrap_or(Exit::Clean))
}

/// The value on a line of its own, so that a double click takes it and nothing else.
fn text(args: &StepArgs, subject: Subject<'_>, made: &Made, value: &Secret) -> Zeroizing<Vec<u8>> {
    let product = subject.app.used_by.as_deref().map(|product| format!(" ({})", shortened(product, 60)));
    let head = format!("The new secret of {}{}:\n\n", printable(&subject.app.name), product.unwrap_or_default());
    let id =
        made.key_id.as_deref().map(|id| format!("Its ID, which is no secret and logs nobody in: {}\n", printable(id)));
    let tail = format!(
        "\n\n{}{}\n\n{} tells whether what you pasted is it.\nPress Enter to take it away; after 5 minutes it goes by itself.\n",
        id.unwrap_or_default(),
        product::steps(subject.app.used_by.as_deref()),
        args.command("check-paste"),
    );
    // All the room at once: a buffer that grows leaves copies behind.
    let mut text = Zeroizing::new(Vec::with_capacity(head.len() + value.expose().len() + tail.len()));
    for part in [&*head, value.expose(), &*tail] {
        text.extend_from_slice(part.as_bytes());
    }
    text
}

/// The terminal's second screen, which has no scrollback; left on every way out.
struct Screen(File);

impl Screen {
    fn enter() -> io::Result<Self> {
        // Unbuffered: the standard library's own stdout would keep a copy.
        let mut screen = Self(File::from(io::stdout().as_fd().try_clone_to_owned()?));
        screen.0.write_all(b"\x1b[?1049h\x1b[2J\x1b[H")?;
        Ok(screen)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.0.write_all(b"\x1b[2J\x1b[H\x1b[?1049l");
    }
}

/// Until Enter, the end of the time, or a signal.
async fn show(text: &Zeroizing<Vec<u8>>, stop: &CancellationToken, caught: &Caught) -> io::Result<Option<Exit>> {
    let (pressed, enter) = tokio::sync::oneshot::channel();
    let mut screen = Screen::enter()?;
    screen.0.write_all(text)?;
    // A thread of its own, which nobody waits for: the process may end while it still reads.
    std::thread::spawn(move || {
        let mut line = String::new();
        let _ = io::stdin().read_line(&mut line);
        line.zeroize();
        let _ = pressed.send(());
    });
    Ok(tokio::select! {
        _ = enter => None,
        () = tokio::time::sleep(SHOWN_FOR) => None,
        () = stop.cancelled() => caught.exit(),
    })
}
