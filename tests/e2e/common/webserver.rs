//! A web server for clients that only write files.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tempfile::TempDir;

/// Serves a folder's challenge files until it is dropped.
pub(crate) struct Webserver {
    folder: TempDir,
    port: u16,
    ended: Arc<AtomicBool>,
}

impl Webserver {
    pub(crate) fn start(port: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (path, ended) = (folder.path().to_owned(), Arc::new(AtomicBool::new(false)));
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let told = Arc::clone(&ended);
        std::thread::spawn(move || {
            for stream in listener.incoming().take_while(|_| !told.load(Ordering::Relaxed)) {
                let _ = answer(&stream.unwrap(), &path);
            }
        });
        Self { folder, port, ended }
    }

    /// The folder for the files of http-01.
    pub(crate) fn challenges(&self) -> PathBuf {
        self.folder.path().to_owned()
    }
}

impl Drop for Webserver {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        // One more connection lets the thread see it.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn answer(mut stream: &TcpStream, folder: &Path) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut request = String::new();
    reader.read_line(&mut request)?;
    let mut header = String::from(" ");
    while !header.trim().is_empty() || header == " " {
        header.clear();
        reader.read_line(&mut header)?;
    }
    let name =
        request.split_whitespace().nth(1).and_then(|path| path.split_once("/.well-known/acme-challenge/"));
    let content = name.and_then(|(_, name)| std::fs::read(folder.join(name)).ok());
    let (status, content) = content.map_or(("404 Not Found", Vec::new()), |content| ("200 OK", content));
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", content.len())?;
    stream.write_all(&content)
}
