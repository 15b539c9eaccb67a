//! `credwatch serve`: the audit on its schedule, and the latest report over HTTP.

use std::net::SocketAddr;

use anyhow::Context;
use tokio::net::TcpListener;

use crate::{
    exit::Exit,
    serve::{self, NightlyJob, Signals},
};

/// Stay up: audit on the settings' schedule, serve /healthz, /readyz, /metrics and the latest report page
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Address and port to listen on [default: the settings' serve.listen, else 127.0.0.1:9464]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// Audit once at the start as well, not only when the schedule says so
    #[arg(long)]
    now: bool,
}

/// Serves `job` until a signal ends it. `listen` is what the settings say; an argument wins.
///
/// # Errors
/// The address cannot be listened on, or the settings' schedule cannot be used.
pub async fn drive(args: &Args, listen: SocketAddr, job: &impl NightlyJob) -> anyhow::Result<Exit> {
    let mut signals = Signals::catch()?;
    let listen = args.listen.unwrap_or(listen);
    let listener = TcpListener::bind(listen).await.with_context(|| {
        format!("cannot listen on {listen}: is another credwatch serve running? choose an address with --listen")
    })?;
    let address = listener.local_addr()?;
    tracing::info!("listening on http://{address}/");
    if !address.ip().is_loopback() {
        tracing::warn!("{address} is not a loopback address: whoever can reach it reads the report, without a login");
    }
    serve::serve(job, listener, args.now, signals.first()).await
}
