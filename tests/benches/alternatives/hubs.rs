//! Servers through which clients send each other messages. The clients are as bare as can be: what
//! is measured is the server.

use crate::Figures;
use crate::programs::p50_us;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::thread;
use std::time::Duration;
use tests::Running;

const ROUND_TRIPS: u32 = 5_000;
const BYTES: usize = 100;

/// A server that is not ready by then, or does not answer in this time, hangs.
const DEADLINE: Duration = Duration::from_secs(10);

/// The echo ends at a message of one byte.
const LAST: &[u8] = b".";

/// A client of a hub: sends to one channel, receives from another.
trait Client: Send {
    fn send(&mut self, message: &[u8]) -> io::Result<()>;
    fn receive(&mut self) -> io::Result<Vec<u8>>;
}

fn round_trip(mut here: impl Client, mut there: impl Client + 'static) -> io::Result<f64> {
    let echo = thread::spawn(move || -> io::Result<()> {
        loop {
            let message = there.receive()?;
            if message == LAST {
                return Ok(());
            }
            there.send(&message)?;
        }
    });
    let text = [b'x'; BYTES];
    let measured = p50_us(ROUND_TRIPS, || {
        here.send(&text).map_err(|error| error.to_string())?;
        let answer = here.receive().map_err(|error| error.to_string())?;
        if answer == text { Ok(()) } else { Err("another message came back".to_owned()) }
    });
    here.send(LAST)?;
    echo.join().map_err(|_| io::Error::other("the echo panicked"))??;
    measured.map_err(io::Error::other)
}

fn figures(round_trip: io::Result<f64>) -> Result<Figures, String> {
    let round_trip = round_trip.map_err(|error| error.to_string())?;
    Ok(Figures { start_us: None, round_trip_us: Some(round_trip) })
}

/// Starts a server and waits for the line that says that it takes connections.
fn serve(
    command: &mut Command,
    line: fn(&mut Running, Duration) -> Option<String>,
) -> Result<Running, String> {
    let mut server = Running::start(command);
    let mut said = Vec::new();
    while let Some(line) = line(&mut server, DEADLINE) {
        if line.to_lowercase().contains("ready") {
            return Ok(server);
        }
        said.push(line);
    }
    Err(format!("the server did not become ready: {}", said.join("; ")))
}

pub(crate) fn redis() -> Result<Figures, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let socket = folder.path().join("redis");
    let mut command = Command::new("redis-server");
    command.args(["--port", "0", "--save", "", "--unixsocket"]).arg(&socket);
    let _server = serve(command.current_dir(folder.path()), Running::stdout_line)?;
    let client = |from, to| Redis::connect(&socket, from, to);
    figures(client("a", "b").and_then(|here| round_trip(here, client("b", "a")?)))
}

/// One connection that publishes, one that is subscribed: the first version of the protocol allows a
/// connection no more than that.
struct Redis {
    publishing: BufReader<UnixStream>,
    subscribed: BufReader<UnixStream>,
    to: &'static str,
}

impl Redis {
    fn connect(socket: &std::path::Path, from: &str, to: &'static str) -> io::Result<Self> {
        let open = || -> io::Result<_> {
            let stream = UnixStream::connect(socket)?;
            stream.set_read_timeout(Some(DEADLINE))?;
            Ok(BufReader::new(stream))
        };
        let mut client = Redis { publishing: open()?, subscribed: open()?, to };
        let order = format!("*2\r\n$9\r\nSUBSCRIBE\r\n${}\r\n{from}\r\n", from.len());
        client.subscribed.get_mut().write_all(order.as_bytes())?;
        // "subscribe", the channel, and how many there are.
        element(&mut client.subscribed, 3)?;
        Ok(client)
    }
}

impl Client for Redis {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        let mut order = format!(
            "*3\r\n$7\r\nPUBLISH\r\n${}\r\n{}\r\n${}\r\n",
            self.to.len(),
            self.to,
            message.len()
        )
        .into_bytes();
        order.extend_from_slice(message);
        order.extend_from_slice(b"\r\n");
        self.publishing.get_mut().write_all(&order)?;
        // How many have got it.
        match &line(&mut self.publishing)?[..] {
            b":1" => Ok(()),
            other => Err(io::Error::other(String::from_utf8_lossy(other).into_owned())),
        }
    }

    fn receive(&mut self) -> io::Result<Vec<u8>> {
        // "message", the channel, and the message.
        element(&mut self.subscribed, 3)
    }
}

/// The last element of an array of so many: a string, or the text of a number.
fn element(stream: &mut impl BufRead, count: usize) -> io::Result<Vec<u8>> {
    let head = line(stream)?;
    if head != format!("*{count}").into_bytes() {
        return Err(io::Error::other(String::from_utf8_lossy(&head).into_owned()));
    }
    let mut last = Vec::new();
    for _ in 0..count {
        let head = line(stream)?;
        last = match head.strip_prefix(b"$") {
            Some(len) => body(stream, len)?,
            None => head,
        };
    }
    Ok(last)
}

pub(crate) fn nats() -> Result<Figures, String> {
    // Free a moment ago; a server that does not get it says so and ends.
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let port = free.map_err(|error| error.to_string())?.port();
    let mut command = Command::new("nats-server");
    command.args(["-a", "127.0.0.1", "-p", &port.to_string()]);
    let _server = serve(&mut command, Running::stderr_line)?;
    let client = |from, to| Nats::connect(port, from, to);
    figures(client("a", "b").and_then(|here| round_trip(here, client("b", "a")?)))
}

struct Nats {
    stream: BufReader<TcpStream>,
    to: &'static str,
}

impl Nats {
    fn connect(port: u16, from: &str, to: &'static str) -> io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        let mut client = Nats { stream: BufReader::new(stream), to };
        line(&mut client.stream)?;
        let hello = format!("CONNECT {{\"verbose\":false}}\r\nSUB {from} 1\r\nPING\r\n");
        client.stream.get_mut().write_all(hello.as_bytes())?;
        // What comes before the answer is done.
        while line(&mut client.stream)? != b"PONG" {}
        Ok(client)
    }
}

impl Client for Nats {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        let mut order = format!("PUB {} {}\r\n", self.to, message.len()).into_bytes();
        order.extend_from_slice(message);
        order.extend_from_slice(b"\r\n");
        self.stream.get_mut().write_all(&order)
    }

    fn receive(&mut self) -> io::Result<Vec<u8>> {
        loop {
            let head = line(&mut self.stream)?;
            if let Some(rest) = head.strip_prefix(b"MSG ") {
                let len = rest.rsplit(|byte| *byte == b' ').next().unwrap_or_default().to_vec();
                return body(&mut self.stream, &len);
            } else if head == b"PING" {
                self.stream.get_mut().write_all(b"PONG\r\n")?;
            }
        }
    }
}

/// A line without its end.
fn line(stream: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    stream.read_until(b'\n', &mut line)?;
    match line.strip_suffix(b"\r\n") {
        Some(line) => Ok(line.to_vec()),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// So many bytes, and the end of a line.
fn body(stream: &mut impl Read, len: &[u8]) -> io::Result<Vec<u8>> {
    let len: Option<usize> = str::from_utf8(len).ok().and_then(|len| len.parse().ok());
    let mut body = vec![0; len.ok_or(io::ErrorKind::InvalidData)? + 2];
    stream.read_exact(&mut body)?;
    body.truncate(body.len() - 2);
    Ok(body)
}
