//! The bytes of a connection, with or without TLS, and a note of those that move.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::connection::Connection;

/// A connection's bytes.
pub(super) enum Stream {
    /// Plain.
    Plain(TcpStream),
    /// In TLS.
    Tls(Box<TlsStream<TcpStream>>),
}

/// A stream that tells its [`Connection`] what happens on it.
pub(super) struct Watched {
    stream: Stream,
    connection: Arc<Connection>,
}

impl Watched {
    /// `stream`, told to `connection`.
    pub(super) fn new(stream: Stream, connection: Arc<Connection>) -> Watched {
        Watched { stream, connection }
    }
}

/// Calls a poll function of whichever stream it is.
macro_rules! delegate {
    ($self:ident.$function:ident($($argument:expr),*)) => {
        match &mut $self.stream {
            Stream::Plain(stream) => Pin::new(stream).$function($($argument),*),
            Stream::Tls(stream) => Pin::new(stream.as_mut()).$function($($argument),*),
        }
    };
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(delegate!(self.poll_read(cx, buffer)))?;
        if buffer.filled().len() > before {
            self.connection.read();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(delegate!(self.poll_write(cx, bytes)))?;
        self.connection.written();
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(delegate!(self.poll_write_vectored(cx, slices)))?;
        self.connection.written();
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        match &self.stream {
            Stream::Plain(stream) => stream.is_write_vectored(),
            Stream::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(delegate!(self.poll_flush(cx)))?;
        // hyper flushes the stream once its own buffers are empty (`proto/h1/io.rs`).
        self.connection.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self.poll_shutdown(cx))
    }
}
