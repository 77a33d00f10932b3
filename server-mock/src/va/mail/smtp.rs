//! Takes replies in by SMTP (RFC 5321), as little of it as mail servers need, within bounds of size and time. The
//! verdict is given while the sender waits: whoever sends a mail that counts for nothing learns why.

use std::{future::Future, io, net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::{JoinHandle, JoinSet},
    time::{sleep, timeout},
};
use tracing::{debug, warn};

use super::{MAIL_MAX, MailRefused};

/// How many connections are served at once; more wait in the system's queue.
const CONNECTIONS_MAX: usize = 64;
/// How long a sender may be silent.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a connection may last.
const CONNECTION_MAX: Duration = Duration::from_secs(300);
/// The most bytes of a command, more than RFC 5321 §4.5.3.1.4 asks for.
const COMMAND_MAX: usize = 1024;
/// The pause after the system refused a connection.
const BREATH: Duration = Duration::from_millis(100);

/// What a mail is given to.
pub type Inbox =
    Arc<dyn Fn(Vec<u8>) -> Pin<Box<dyn Future<Output = Result<(), MailRefused>> + Send>> + Send + Sync>;

/// A running SMTP server. Dropped, it ends.
pub struct SmtpServer {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl SmtpServer {
    /// Takes mails for `recipient` on `address` and gives them to `inbox`.
    ///
    /// # Errors
    /// When the address can't be bound.
    pub async fn start(address: SocketAddr, recipient: &str, inbox: Inbox) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let host = recipient.rsplit_once('@').map_or(recipient, |(_, domain)| domain).to_owned();
        let receiver = Arc::new(Receiver { host, recipient: recipient.to_owned(), inbox });
        Ok(Self { address, task: tokio::spawn(accept(listener, receiver)) })
    }

    /// Where it listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Ends all connections and returns when that is done.
    pub async fn shutdown(mut self) {
        self.task.abort();
        // It was told to end: that it did not come to its end by itself is no news.
        let _ = (&mut self.task).await;
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, receiver: Arc<Receiver>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let place = Arc::clone(&places).acquire_owned().await.expect("the semaphore is never closed");
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                warn!(%error, "could not take an SMTP connection");
                sleep(BREATH).await;
                continue;
            }
        };
        let receiver = Arc::clone(&receiver);
        connections.spawn(async move {
            match timeout(CONNECTION_MAX, receiver.serve(stream)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => debug!(%peer, %error, "an SMTP connection broke"),
                Err(_) => debug!(%peer, "an SMTP connection took too long"),
            }
            drop(place);
        });
    }
}

struct Receiver {
    host: String,
    recipient: String,
    inbox: Inbox,
}

/// How far a mail's envelope is.
#[derive(Default, PartialEq)]
enum Envelope {
    #[default]
    None,
    From,
    To,
}

impl Receiver {
    async fn serve(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut stream = BufStream::new(stream);
        let mut envelope = Envelope::default();
        say(&mut stream, &format!("220 {} ESMTP", self.host)).await?;
        while let Some(line) = read_line(&mut stream, COMMAND_MAX).await? {
            let Line::Whole(line) = line else {
                say(&mut stream, "500 5.5.2 the line is too long").await?;
                continue;
            };
            let line = String::from_utf8_lossy(&line).into_owned();
            let (command, argument) = line.split_once(' ').unwrap_or((&line, ""));
            match command.to_ascii_uppercase().as_str() {
                "QUIT" => return say(&mut stream, "221 2.0.0 bye").await,
                "DATA" if envelope == Envelope::To => {
                    envelope = Envelope::None;
                    say(&mut stream, "354 go on, end with a dot").await?;
                    let answer = match read_mail(&mut stream).await? {
                        Some(mail) => self.take(mail).await,
                        None => "552 5.3.4 the mail is too large".to_owned(),
                    };
                    say(&mut stream, &answer).await?;
                }
                command => say(&mut stream, &self.answer(command, argument, &mut envelope)).await?,
            }
        }
        Ok(())
    }

    /// The answer to a command that is only about the envelope.
    fn answer(&self, command: &str, argument: &str, envelope: &mut Envelope) -> String {
        match command {
            "HELO" => {
                *envelope = Envelope::None;
                format!("250 {}", self.host)
            }
            "EHLO" => {
                *envelope = Envelope::None;
                let offered = ["8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"].join("\r\n250-");
                format!("250-{}\r\n250-{offered}\r\n250 SIZE {MAIL_MAX}", self.host)
            }
            "RSET" => {
                *envelope = Envelope::None;
                "250 2.0.0 forgotten".to_owned()
            }
            "NOOP" => "250 2.0.0 fine".to_owned(),
            "VRFY" => "252 2.1.5 try it".to_owned(),
            // Who delivers a mail proves nothing: the sender in it is what has to be shown.
            "MAIL" if path(argument, "FROM:").is_some() => {
                *envelope = Envelope::From;
                "250 2.1.0 fine".to_owned()
            }
            "RCPT" if *envelope == Envelope::None => "503 5.5.1 MAIL comes first".to_owned(),
            "RCPT" if path(argument, "TO:").is_some_and(|to| to.eq_ignore_ascii_case(&self.recipient)) => {
                *envelope = Envelope::To;
                "250 2.1.5 fine".to_owned()
            }
            "RCPT" => format!("550 5.1.1 mail is only taken for {}", self.recipient),
            "DATA" => "503 5.5.1 RCPT comes first".to_owned(),
            "MAIL" => "501 5.5.4 that is no path".to_owned(),
            _ => "500 5.5.1 this is not known here".to_owned(),
        }
    }

    async fn take(&self, mail: Vec<u8>) -> String {
        match (self.inbox)(mail).await {
            Ok(()) => "250 2.6.0 the reply counts".to_owned(),
            Err(refused) => {
                let code = match refused {
                    MailRefused::Later(_) => "451 4.7.5",
                    MailRefused::NotKept(_) => "451 4.3.0",
                    _ => "550 5.7.1",
                };
                debug!(reason = %refused, "a mail was refused");
                format!("{code} {}", printable(&refused.to_string()))
            }
        }
    }
}

/// The address of `FROM:<a@b>` or `TO:<a@b>`; parameters may follow.
fn path<'a>(argument: &'a str, keyword: &str) -> Option<&'a str> {
    let start = argument.get(..keyword.len())?;
    let rest = argument[keyword.len()..].trim_start();
    let (path, _) = rest.strip_prefix('<')?.split_once('>')?;
    start.eq_ignore_ascii_case(keyword).then_some(path)
}

/// One line of ASCII, as an SMTP answer must be.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).take(400).collect()
}

async fn say(stream: &mut BufStream<TcpStream>, answer: &str) -> io::Result<()> {
    let send = async {
        stream.write_all(answer.as_bytes()).await?;
        stream.write_all(b"\r\n").await?;
        stream.flush().await
    };
    timeout(PATIENCE, send).await?
}

/// A line that came in, without its end.
enum Line {
    Whole(Vec<u8>),
    TooLong,
}

/// The next line, which CRLF alone ends; `None` when the sender is gone. Of a line that is too long nothing is kept.
async fn read_line(stream: &mut BufStream<TcpStream>, max: usize) -> io::Result<Option<Line>> {
    let mut line = Vec::new();
    let mut too_long = false;
    loop {
        let room = (max + 2).saturating_sub(line.len()).max(1) as u64;
        let read = timeout(PATIENCE, (&mut *stream).take(room).read_until(b'\n', &mut line)).await??;
        if read == 0 {
            return Ok(None);
        }
        if line.ends_with(b"\r\n") {
            line.truncate(line.len() - 2);
            return Ok(Some(if too_long { Line::TooLong } else { Line::Whole(line) }));
        }
        if line.len() >= max + 2 {
            too_long = true;
            // A CR at the end may be half of the line's end.
            let last = line.pop().filter(|byte| *byte == b'\r');
            line.clear();
            line.extend(last);
        }
    }
}

/// The mail after DATA, without the dots that SMTP adds; `None` when it is too large.
async fn read_mail(stream: &mut BufStream<TcpStream>) -> io::Result<Option<Vec<u8>>> {
    let mut mail = Vec::new();
    let mut fits = true;
    loop {
        match read_line(stream, MAIL_MAX).await? {
            None => return Err(io::ErrorKind::UnexpectedEof.into()),
            Some(Line::Whole(line)) if line == b"." => return Ok(fits.then_some(mail)),
            Some(Line::Whole(line)) if fits => {
                mail.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
                mail.extend_from_slice(b"\r\n");
            }
            Some(Line::Whole(_)) => {}
            Some(Line::TooLong) => fits = false,
        }
        if mail.len() > MAIL_MAX {
            mail = Vec::new();
            fits = false;
        }
    }
}
