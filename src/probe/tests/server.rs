//! A server that says exactly what a test tells it to, byte for byte, over TCP or TLS.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use rustls::{
    RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    server::WebPkiClientVerifier,
};

pub trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

/// Handles one connection.
pub type Script = dyn Fn(&mut dyn Stream) -> io::Result<()> + Send + Sync;

pub struct Server {
    pub address: SocketAddr,
    /// Every byte that came in, one text a connection.
    received: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub fn start(
        tls: Option<Arc<ServerConfig>>,
        script: impl Fn(&mut dyn Stream) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let (log, script): (_, Arc<Script>) = (Arc::clone(&received), Arc::new(script));
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let (tls, log, script) = (tls.clone(), Arc::clone(&log), Arc::clone(&script));
                thread::spawn(move || serve(connection, tls, &log, &*script));
            }
        });
        Self { address, received }
    }

    /// Answers every request with these bytes and closes.
    pub fn saying(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::start(None, move |stream| {
            read_request(stream)?;
            stream.write_all(&answer)
        })
    }

    pub fn url(&self) -> String {
        format!("http://{}/token", self.address)
    }

    pub fn received(&self) -> Vec<String> {
        self.received.lock().unwrap().clone()
    }
}

fn serve(connection: TcpStream, tls: Option<Arc<ServerConfig>>, log: &Mutex<Vec<String>>, script: &Script) {
    let slot = {
        let mut log = log.lock().unwrap();
        log.push(String::new());
        log.len() - 1
    };
    let stream: Box<dyn Stream> = match tls {
        Some(config) => Box::new(StreamOwned::new(ServerConnection::new(config).unwrap(), connection)),
        None => Box::new(connection),
    };
    // A client that goes away is what some tests are about.
    let _ = script(&mut Recorded { stream, log, slot });
}

struct Recorded<'a> {
    stream: Box<dyn Stream>,
    log: &'a Mutex<Vec<String>>,
    slot: usize,
}

impl Read for Recorded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.stream.read(buffer)?;
        self.log.lock().unwrap()[self.slot] += &String::from_utf8_lossy(&buffer[..read]);
        Ok(read)
    }
}

impl Write for Recorded<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// The head and the body as far as its `Content-Length`.
pub fn read_request(stream: &mut dyn Stream) -> io::Result<String> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while reader.read_line(&mut head)? > 2 {}
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    Ok(head + &String::from_utf8_lossy(&body))
}

pub fn http(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n{body}", body.len())
}

pub fn json(status: &str, body: &str) -> String {
    http(status, "Content-Type: application/json\r\n", body)
}

/// Writes an HTTP/2 frame (RFC 9113 section 4.1).
pub fn frame(stream: &mut dyn Stream, kind: u8, flags: u8, id: u32, payload: &[u8]) -> io::Result<()> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    stream.write_all(&[&length[1..], &[kind, flags], &id.to_be_bytes(), payload].concat())?;
    stream.flush()
}

/// Kind, flags and stream of the next frame.
pub fn read_frame(stream: &mut dyn Stream) -> io::Result<(u8, u8, u32)> {
    let mut head = [0; 9];
    stream.read_exact(&mut head)?;
    let [_, _, _, kind, flags, a, b, c, d] = head;
    let mut payload = vec![0; usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2])];
    stream.read_exact(&mut payload)?;
    Ok((kind, flags, u32::from_be_bytes([a & 0x7f, b, c, d])))
}

/// A CA and what it signs.
pub struct Ca {
    certificate: rcgen::Certificate,
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
}

impl Ca {
    pub fn new() -> Self {
        let mut params = rcgen::CertificateParams::new(vec![]).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, format!("CA {}", uuid::Uuid::new_v4()));
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self { certificate, issuer: rcgen::Issuer::new(params, key) }
    }

    pub fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// A certificate for these names and its key.
    pub fn sign(&self, names: &[&str], change: impl FnOnce(&mut rcgen::CertificateParams)) -> Identity {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = rcgen::CertificateParams::new(names).unwrap();
        change(&mut params);
        let key = rcgen::KeyPair::generate().unwrap();
        Identity { certificate: params.signed_by(&key, &self.issuer).unwrap(), key }
    }

    /// TLS for a server, which asks its clients for a certificate of `clients`.
    pub fn server(identity: &Identity, clients: Option<&Self>, alpn: &[&[u8]]) -> Arc<ServerConfig> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder =
            ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions().unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(ca) => {
                let mut roots = RootCertStore::empty();
                roots.add(ca.certificate.der().clone()).unwrap();
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
                builder.with_client_cert_verifier(verifier)
            }
        };
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(identity.key.serialize_der()));
        let mut config = builder.with_single_cert(vec![identity.certificate.der().clone()], key).unwrap();
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        Arc::new(config)
    }
}

pub struct Identity {
    pub certificate: rcgen::Certificate,
    pub key: rcgen::KeyPair,
}

impl Identity {
    pub fn self_signed(name: &str) -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        Self {
            certificate: rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap().self_signed(&key).unwrap(),
            key,
        }
    }

    pub fn pem(&self) -> String {
        self.certificate.pem() + &self.key.serialize_pem()
    }
}
