//! A token endpoint on loopback that answers as it is told and counts what it is sent.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

/// What was received, head and body.
pub struct Endpoint {
    pub port: u16,
    requests: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
}

pub enum Reply {
    Json(u16, String),
    Raw(Vec<u8>),
    /// Bytes for ever.
    Endless,
    /// Nothing, with the connection held open.
    Silent,
}

pub const TOKEN: &str = r#"{"access_token":"token-CANARY-5hXw2Qk9","token_type":"Bearer","expires_in":3599}"#;

pub fn entra_error(status: u16, error: &str, code: u32, text: &str) -> Reply {
    Reply::Json(
        status,
        format!(
            r#"{{"error":"{error}","error_description":"AADSTS{code}: {text} Trace ID: 0a1b2c3d-0000-4000-8000-00000000abcd Correlation ID: 11111111-2222-4333-8444-555555555555 Timestamp: 2026-11-21 03:00:00Z","error_codes":[{code}],"timestamp":"2026-11-21 03:00:00Z","trace_id":"0a1b2c3d-0000-4000-8000-00000000abcd","correlation_id":"11111111-2222-4333-8444-555555555555"}}"#
        ),
    )
}

impl Endpoint {
    /// Answers each request by its text (head and body).
    pub fn answering(answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (requests, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (seen, ended, answer) = (Arc::clone(&requests), Arc::clone(&stop), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if ended.load(Ordering::SeqCst) {
                    break;
                }
                let (seen, answer, ended) = (Arc::clone(&seen), Arc::clone(&answer), Arc::clone(&ended));
                thread::spawn(move || serve(stream, &seen, &*answer, &ended));
            }
        });
        Self { port, requests, stop }
    }

    pub fn tokens() -> Self {
        Self::answering(|_| Reply::Json(200, TOKEN.to_owned()))
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/token", self.port)
    }

    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn serve(mut stream: TcpStream, seen: &Mutex<Vec<String>>, answer: &dyn Fn(&str) -> Reply, ended: &AtomicBool) {
    while let Some(request) = read_request(&mut stream) {
        seen.lock().unwrap().push(request.clone());
        let written = match answer(&request) {
            Reply::Json(status, body) => write!(
                stream,
                "HTTP/1.1 {status} Status\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            ),
            Reply::Raw(bytes) => {
                let _ = stream.write_all(&bytes);
                return;
            }
            Reply::Endless => {
                let _ =
                    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{\"access_token\":\"");
                while !ended.load(Ordering::SeqCst) && stream.write_all(&[b'a'; 4096]).is_ok() {}
                return;
            }
            Reply::Silent => {
                stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
                let _ = stream.read(&mut [0; 1]);
                return;
            }
        };
        if written.is_err() {
            return;
        }
    }
}

fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 8192];
    loop {
        if let Some(head) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
            let length = text
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"))
                .map_or(0, |value| value.trim().parse::<usize>().unwrap());
            if bytes.len() >= head + 4 + length {
                return Some(String::from_utf8_lossy(&bytes).into_owned());
            }
        }
        match stream.read(&mut chunk) {
            Ok(n) if n > 0 => bytes.extend_from_slice(&chunk[..n]),
            _ => return None,
        }
    }
}
