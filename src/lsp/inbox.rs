//! What the client has sent and nobody has answered yet.

use std::collections::{HashSet, VecDeque};
use std::io::BufRead;
use std::sync::mpsc::{Receiver, TryRecvError, channel};

use serde_json::Value;

use super::frame::{self, Frame};

/// The messages of a client, in the order in which they came.
///
/// Requests that the client takes back while they wait are recognised, so that they cost nothing.
#[derive(Debug)]
pub struct Inbox {
    incoming: Receiver<Frame>,
    waiting: VecDeque<Frame>,
    /// The ids of requests that were taken back, as JSON.
    cancelled: HashSet<String>,
}

impl Inbox {
    /// Reads an input to its end, in a thread of its own.
    pub fn of(mut input: impl BufRead + Send + 'static) -> Self {
        let (sender, incoming) = channel();
        std::thread::spawn(move || {
            while let Ok(Some(frame)) = frame::read(&mut input) {
                if sender.send(frame).is_err() {
                    break;
                }
            }
        });
        Self { incoming, waiting: VecDeque::new(), cancelled: HashSet::new() }
    }

    /// Returns the next message, and waits for it; `None` at the end of the input.
    pub fn next(&mut self) -> Option<Frame> {
        self.drain();
        if self.waiting.is_empty() {
            let frame = self.incoming.recv().ok()?;
            self.keep(frame);
        }
        self.waiting.pop_front()
    }

    /// Tells whether nothing has come that is not answered.
    pub fn is_empty(&mut self) -> bool {
        self.drain();
        self.waiting.is_empty()
    }

    /// Tells whether the client has taken a request back.
    pub fn is_cancelled(&mut self, id: &Value) -> bool {
        self.drain();
        !self.cancelled.is_empty() && self.cancelled.remove(&id.to_string())
    }

    fn drain(&mut self) {
        loop {
            match self.incoming.try_recv() {
                Ok(frame) => self.keep(frame),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return,
            }
        }
    }

    fn keep(&mut self, frame: Frame) {
        if let Frame::Message(message) = &frame
            && message["method"] == "$/cancelRequest"
        {
            let id = &message["params"]["id"];
            // A request that was answered before has nothing to take back.
            let waits = |frame: &Frame| matches!(frame, Frame::Message(message) if message["id"] == *id && message["method"].is_string());
            if self.waiting.iter().any(waits) {
                self.cancelled.insert(id.to_string());
            }
            return;
        }
        self.waiting.push_back(frame);
    }
}
