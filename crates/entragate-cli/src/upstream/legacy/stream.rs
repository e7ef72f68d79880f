//! The stream of a legacy server on its way to the client: its first event is corrected, and refusals go in between the
//! others. Nothing else in it is touched.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use entragate::sse::{Cuts, fields};
use http_body::{Body as HttpBody, Frame};

/// The longest first event that is looked at; an endpoint event has some eighty bytes.
pub(super) const LONGEST: usize = 8 * 1024;

/// What there is to be instead of an event, if that is anything else.
pub(super) type Correct = dyn Fn(&str) -> Option<Corrected> + Send;

/// The next refusal, as complete events.
pub(super) type Refusals = dyn FnMut(&mut Context<'_>) -> Poll<Option<Bytes>> + Send;

/// An endpoint event as its caller needs it.
pub(super) struct Corrected {
    pub(super) event: String,
    /// Of what is posted to the URL in it.
    pub(super) refusals: Option<Box<Refusals>>,
}

/// A stream, and what is still to be done with it.
pub(super) struct Stream {
    body: Body,
    task: Task,
}

enum Task {
    /// The first event with data has not passed yet.
    Correct(Sought),
    /// It named a URL for messages, with a seal: refusals may come.
    Tell(Open),
    Nothing,
}

struct Sought {
    correct: Box<Correct>,
    held: BytesMut,
    /// How much of it has been read.
    read: usize,
    cuts: Cuts,
}

struct Open {
    refusals: Box<Refusals>,
    cuts: Cuts,
}

impl Stream {
    pub(super) fn new(body: Body, correct: Box<Correct>) -> Self {
        let (held, cuts) = (BytesMut::new(), Cuts::default());
        Self { body, task: Task::Correct(Sought { correct, held, read: 0, cuts }) }
    }
}

impl HttpBody for Stream {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        loop {
            if let Task::Tell(open) = &mut this.task
                && open.cuts.is_between()
                && let Poll::Ready(Some(events)) = (open.refusals)(cx)
            {
                return Poll::Ready(Some(Ok(Frame::data(events))));
            }
            let data = match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                // The end, or the error, is asked for again once what was held has gone.
                end => match std::mem::replace(&mut this.task, Task::Nothing) {
                    Task::Correct(sought) if end.is_none() && !sought.held.is_empty() => {
                        return Poll::Ready(Some(Ok(Frame::data(sought.held.freeze()))));
                    }
                    _ => return Poll::Ready(end),
                },
            };
            let passed = this.pass(data, cx);
            if !passed.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(passed))));
            }
        }
    }
}

impl Stream {
    /// What goes on of what has come.
    fn pass(&mut self, data: Bytes, cx: &mut Context<'_>) -> Bytes {
        match std::mem::replace(&mut self.task, Task::Nothing) {
            Task::Correct(sought) => {
                let (passed, task) = sought.take(&data);
                self.task = task;
                passed.freeze()
            }
            Task::Tell(mut open) => {
                let passed = open.pass(data, cx);
                self.task = Task::Tell(open);
                passed
            }
            Task::Nothing => data,
        }
    }
}

impl Sought {
    /// What need not wait any longer, and what is to be done from here on.
    fn take(mut self, data: &Bytes) -> (BytesMut, Task) {
        self.held.extend_from_slice(data);
        let mut passed = BytesMut::new();
        while let Some(length) = self.cuts.next(self.held.get(self.read..).unwrap_or_default()) {
            let event = self.held.split_to(self.read + length);
            self.read = 0;
            let text = std::str::from_utf8(&event).ok();
            // Comments, `retry` and the like: for the client that is no event.
            if text.is_some_and(|text| fields(text).all(|(name, _)| name != "data")) {
                passed.unsplit(event);
                continue;
            }
            let Some(Corrected { event, refusals }) = text.and_then(&self.correct) else {
                passed.unsplit(event);
                passed.unsplit(self.held);
                return (passed, Task::Nothing);
            };
            passed.extend_from_slice(event.as_bytes());
            self.cuts.last(&self.held);
            let open = |refusals| Task::Tell(Open { refusals, cuts: self.cuts });
            let task = refusals.map_or(Task::Nothing, open);
            passed.unsplit(self.held);
            return (passed, task);
        }
        self.read = self.held.len();
        if self.read > LONGEST {
            passed.unsplit(self.held);
            return (passed, Task::Nothing);
        }
        (passed, Task::Correct(self))
    }
}

impl Open {
    /// The same, with refusals between two events of it if no other place may come for long.
    fn pass(&mut self, data: Bytes, cx: &mut Context<'_>) -> Bytes {
        let Some(cut) = self.cuts.last(&data).filter(|_| !self.cuts.is_between()) else { return data };
        let mut told = Vec::new();
        while let Poll::Ready(Some(events)) = (self.refusals)(cx) {
            told.push(events);
        }
        if told.is_empty() {
            return data;
        }
        let (before, after) = data.split_at_checked(cut).unwrap_or((&data, &[]));
        [before, &told.concat(), after].concat().into()
    }
}
