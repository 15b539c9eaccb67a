//! A proxy that tells the test of each request and hands it on; the reply to it may get lost after the server has done it.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
    sync::Arc,
    thread,
};

/// What becomes of the reply to a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    HandedOn,
    Lost,
}

/// Its address, in front of `upstream` (`http://HOST:PORT`). `meet` is told the first line of each request before it goes on.
pub fn start(upstream: &str, meet: impl Fn(&str) -> Reply + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let (upstream, meet) = (upstream.trim_start_matches("http://").to_owned(), Arc::new(meet));
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let (server, meet) = (TcpStream::connect(&upstream).unwrap(), Arc::clone(&meet));
            thread::spawn(move || drop(serve(client, server, &*meet)));
        }
    });
    base
}

/// One request, and no other on this connection.
fn serve(mut client: TcpStream, mut server: TcpStream, meet: &dyn Fn(&str) -> Reply) -> io::Result<()> {
    let mut from = BufReader::new(client.try_clone()?);
    let mut line = String::new();
    from.read_line(&mut line)?;
    let mut request = format!("{line}connection: close\r\n").into_bytes();
    let mut length = 0;
    loop {
        let mut header = String::new();
        if from.read_line(&mut header)? == 0 {
            return Ok(());
        }
        request.extend_from_slice(header.as_bytes());
        match header.to_ascii_lowercase().strip_prefix("content-length:") {
            Some(text) => length = text.trim().parse().unwrap(),
            None if header == "\r\n" => break,
            None => {}
        }
    }
    from.take(length).read_to_end(&mut request)?;
    let reply = meet(line.trim_end());
    server.write_all(&request)?;
    if reply == Reply::Lost {
        // Its first bytes say that the work is done.
        server.read_exact(&mut [0; 12])?;
        return client.shutdown(Shutdown::Both);
    }
    io::copy(&mut server, &mut client)?;
    client.shutdown(Shutdown::Both)
}

/// Whether this is the request for a new secret.
pub fn regenerates(line: &str) -> bool {
    line.starts_with("POST ") && line.ends_with("/client-secret HTTP/1.1")
}
