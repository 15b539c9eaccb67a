//! A proxy that hands everything on and loses the replies to some requests, after the server has done them.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

pub struct LossyProxy {
    pub base: String,
    lost: Arc<AtomicUsize>,
}

impl LossyProxy {
    /// In front of `upstream` (`http://HOST:PORT`); loses the reply to each POST whose path ends so.
    pub fn start(upstream: &str, path_end: &'static str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (upstream, lost) = (upstream.trim_start_matches("http://").to_owned(), Arc::<AtomicUsize>::default());
        let count = Arc::clone(&lost);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (server, count) = (TcpStream::connect(&upstream).unwrap(), Arc::clone(&count));
                thread::spawn(move || drop(serve(client, server, path_end, &count)));
            }
        });
        Self { base, lost }
    }

    /// How many replies were lost.
    pub fn lost(&self) -> usize {
        self.lost.load(Ordering::SeqCst)
    }
}

fn serve(mut client: TcpStream, mut server: TcpStream, path_end: &str, lost: &AtomicUsize) -> io::Result<()> {
    let mut request = [0; 16 * 1024];
    let length = client.read(&mut request)?;
    let first = String::from_utf8_lossy(&request[..length]);
    let line = first.lines().next().unwrap_or_default();
    let is_lost = line.starts_with("POST ") && line.ends_with(&format!("{path_end} HTTP/1.1"));
    server.write_all(&request[..length])?;
    if is_lost {
        // Its first bytes say that the work is done.
        server.read_exact(&mut [0; 12])?;
        lost.fetch_add(1, Ordering::SeqCst);
        return client.shutdown(Shutdown::Both);
    }
    let (mut from, mut to) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || {
        let copied = io::copy(&mut from, &mut to);
        to.shutdown(Shutdown::Write).and(copied)
    });
    io::copy(&mut server, &mut client)?;
    client.shutdown(Shutdown::Both)
}
