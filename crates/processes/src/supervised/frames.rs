//! Frames between a node and a child process: a JSON object and, after it, bytes that need no quoting.
//!
//! ```text
//! u32 LE  length of the JSON         u32 LE  length of the attachment         JSON         attachment
//! ```

use std::io;

use bytes::{Buf, Bytes, BytesMut};
use serde::Serialize;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
};

/// A frame as it came in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) json: Bytes,
    pub(crate) attachment: Bytes,
}

/// The bytes of a frame; neither its JSON nor its attachment may be longer than `longest` bytes.
pub(crate) fn encode(json: &impl Serialize, attached: &[Bytes], longest: usize) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; 8];
    serde_json::to_writer(&mut frame, json)?;
    let json = frame.len() - 8;
    let attachment: usize = attached.iter().map(Bytes::len).sum();
    if json > longest || attachment > longest {
        return Err(io::Error::other(format!("a frame of {json} and {attachment} bytes is too long for a worker")));
    }
    frame[..4].copy_from_slice(&(json as u32).to_le_bytes());
    frame[4..8].copy_from_slice(&(attachment as u32).to_le_bytes());
    attached.iter().for_each(|bytes| frame.extend_from_slice(bytes));
    Ok(frame)
}

/// Takes the first whole frame off `buffer`.
fn split(buffer: &mut BytesMut, longest: usize) -> io::Result<Option<Frame>> {
    let Some(head) = buffer.first_chunk::<8>() else { return Ok(None) };
    let [a, b, c, d, e, f, g, h] = *head;
    let (json, attachment) = (u32::from_le_bytes([a, b, c, d]) as usize, u32::from_le_bytes([e, f, g, h]) as usize);
    if json > longest || attachment > longest {
        let text = format!("a frame of {json} and {attachment} bytes, which is no frame of the worker protocol");
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    let whole = 8 + json + attachment;
    if buffer.len() < whole {
        buffer.reserve(whole - buffer.len());
        return Ok(None);
    }
    buffer.advance(8);
    let json = buffer.split_to(json).freeze();
    Ok(Some(Frame { json, attachment: buffer.split_to(attachment).freeze() }))
}

/// One end of the socket.
pub(crate) struct Frames {
    socket: UnixStream,
    buffer: BytesMut,
    longest: usize,
}

impl Frames {
    /// Frames over `socket`, of which neither part may be longer than `longest` bytes.
    pub(crate) fn over(socket: std::os::unix::net::UnixStream, longest: usize) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self { socket: UnixStream::from_std(socket)?, buffer: BytesMut::with_capacity(4096), longest })
    }

    /// Sends the bytes of [`encode`].
    pub(crate) async fn send(&mut self, frame: &[u8]) -> io::Result<()> {
        self.socket.write_all(frame).await
    }

    /// Tells the other side that nothing more will be sent.
    pub(crate) async fn hang_up(&mut self) {
        if let Err(error) = self.socket.shutdown().await {
            tracing::debug!(%error, "the socket of a child process was closed already");
        }
    }

    /// The next frame; `None` at the end of the socket. If the future is dropped before the frame is there, no byte is lost.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Frame>> {
        loop {
            if let Some(frame) = split(&mut self.buffer, self.longest)? {
                return Ok(Some(frame));
            }
            if self.socket.read_buf(&mut self.buffer).await? == 0 {
                return match self.buffer.is_empty() {
                    true => Ok(None),
                    false => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it hung up within a frame")),
                };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: usize = 1 << 20;

    fn pair() -> (Frames, UnixStream) {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().expect("a pair");
        theirs.set_nonblocking(true).expect("set");
        (Frames::over(ours, LONGEST).expect("frames"), UnixStream::from_std(theirs).expect("a socket"))
    }

    #[tokio::test]
    async fn frames_come_out_as_they_went_in_however_they_are_cut() {
        let (mut frames, mut theirs) = pair();
        let first = encode(&"a", &[Bytes::from_static(b"bc"), Bytes::from_static(b"d")], LONGEST).expect("encoded");
        let second = encode(&"e", &[], LONGEST).expect("encoded");
        let all = [first, second].concat();
        for cut in 0..all.len() {
            theirs.write_all(&all[..cut]).await.expect("sent");
            // A future that is dropped takes no byte away.
            tokio::select! { biased; _ = frames.next(), if cut < 8 => panic!("too early"), () = async {} => {} }
            theirs.write_all(&all[cut..]).await.expect("sent");
            let got = frames.next().await.expect("read").expect("a frame");
            assert_eq!((&*got.json, &*got.attachment), (&b"\"a\""[..], &b"bcd"[..]));
            let got = frames.next().await.expect("read").expect("a frame");
            assert_eq!((&*got.json, &*got.attachment), (&b"\"e\""[..], &b""[..]));
        }
        drop(theirs);
        assert_eq!(frames.next().await.expect("the end"), None);
    }

    #[tokio::test]
    async fn what_is_no_frame_is_refused_before_room_is_made_for_it() {
        let (mut frames, mut theirs) = pair();
        theirs.write_all(b"fake frame, says the transform").await.expect("sent");
        let error = frames.next().await.expect_err("refused");
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn a_frame_that_the_other_side_would_refuse_is_not_sent() {
        assert!(encode(&"four", &[], 5).is_err());
        assert!(encode(&"x", &[Bytes::from_static(b"123456")], 5).is_err());
    }
}
