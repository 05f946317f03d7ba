//! A request and its answer, as the server and the instance both know it.
//!
//! wasmtime's dispatcher hands a request to an instance and an answer back, and neither side learns how the other one
//! ends. A client may go while a guest still works on its answer: then nobody needs the guest any more. And an
//! instance may trap while its answer is being sent: what was sent must not look like all of it. So both sides hold the
//! same exchange, which says how far the other one is.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use futures::task::AtomicWaker;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Sleep;
use wasmtime_wasi_http::{Error, WasiBody};

/// The instance works.
const WORKING: u8 = 0;
/// The instance went as it should.
const ENDED: u8 = 1;
/// The instance trapped or was stopped, and its output says so.
const FAILED: u8 = 2;

/// A request and its answer.
#[derive(Debug)]
pub(crate) struct Exchange {
    /// How long the answer may take.
    limit: Option<Duration>,
    /// Whether the head of the answer has come.
    answered: AtomicBool,
    /// Whether nobody waits for the answer, or for more of it.
    over: AtomicBool,
    /// Whether a part of the answer's body was taken since that was asked last.
    moved: AtomicBool,
    instance: AtomicU8,
    wake_instance: AtomicWaker,
    wake_server: AtomicWaker,
}

impl Exchange {
    /// Whether the client went before it had an answer.
    fn is_abandoned(&self) -> bool {
        self.is_over() && !self.answered.load(Ordering::Acquire)
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    fn has_failed(&self) -> bool {
        self.instance.load(Ordering::Acquire) == FAILED
    }

    fn end(&self, state: u8) {
        self.instance.store(state, Ordering::Release);
        self.wake_server.wake();
    }
}

/// The server's side. Dropping it says that nobody waits any more.
#[derive(Debug)]
pub(crate) struct Client(Arc<Exchange>);

impl Client {
    pub(crate) fn new(limit: Option<Duration>) -> Self {
        Self(Arc::new(Exchange {
            limit,
            answered: AtomicBool::new(false),
            over: AtomicBool::new(false),
            moved: AtomicBool::new(false),
            instance: AtomicU8::new(WORKING),
            wake_instance: AtomicWaker::new(),
            wake_server: AtomicWaker::new(),
        }))
    }

    /// What goes to the instance with the request.
    pub(crate) fn exchange(&self) -> Arc<Exchange> {
        Arc::clone(&self.0)
    }

    /// How long the answer may take.
    pub(crate) fn limit(&self) -> Option<Duration> {
        self.0.limit
    }

    /// The answer has come, with this body. It breaks off where the instance does.
    pub(crate) fn answered(self, body: WasiBody) -> WasiBody {
        self.0.answered.store(true, Ordering::Release);
        Answer { body, client: self }.boxed_unsync()
    }

    /// Waits for the end of the instance; whether that was a failure, which its output tells.
    pub(crate) async fn failed(&self) -> bool {
        std::future::poll_fn(|cx| {
            self.0.wake_server.register(cx.waker());
            match self.0.instance.load(Ordering::Acquire) {
                WORKING => Poll::Pending,
                state => Poll::Ready(state == FAILED),
            }
        })
        .await
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::Release);
        self.0.wake_instance.wake();
    }
}

struct Answer {
    body: WasiBody,
    client: Client,
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
        let exchange = &this.client.0;
        Poll::Ready(match frame {
            // To the body, an instance that is gone looks like one that is done.
            None if exchange.has_failed() => Some(Err(Error::HttpResponseIncomplete)),
            None => None,
            Some(frame) => {
                exchange.moved.store(true, Ordering::Release);
                Some(frame)
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream() && !self.client.0.has_failed()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The exchanges of one instance.
#[derive(Clone, Debug, Default)]
pub(crate) struct Exchanges(Arc<Mutex<Vec<Arc<Exchange>>>>);

impl Exchanges {
    fn all(&self) -> MutexGuard<'_, Vec<Arc<Exchange>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds one, with a future for its end: when the client goes, or the time is over.
    pub(crate) fn add(&self, exchange: Arc<Exchange>) -> Expiry {
        let mut all = self.all();
        all.retain(|exchange| !exchange.is_over() || exchange.is_abandoned());
        all.push(Arc::clone(&exchange));
        let sleep = exchange.limit.map(|limit| Box::pin(tokio::time::sleep(limit)));
        Expiry { exchange, sleep }
    }

    /// Whether a client went before it had an answer, and nobody else waits for one or for the rest of one. If not,
    /// the task is woken when that changes.
    pub(crate) fn are_abandoned(&self, cx: &mut Context<'_>) -> bool {
        let all = self.all();
        if !all.iter().any(|exchange| exchange.is_abandoned()) {
            // When one is, the end of its `Expiry` wakes the task.
            return false;
        }
        all.iter().all(|exchange| {
            exchange.wake_instance.register(cx.waker());
            exchange.is_over()
        })
    }

    /// Whether a client took a part of an answer since this was asked last.
    pub(crate) fn have_moved(&self) -> bool {
        let mut moved = false;
        for exchange in self.all().iter() {
            moved |= exchange.moved.swap(false, Ordering::AcqRel) && !exchange.is_over();
        }
        moved
    }

    /// Whether all answers have come, of which there may be more to come.
    pub(crate) fn are_answered(&self) -> bool {
        self.all().iter().all(|exchange| exchange.answered.load(Ordering::Acquire))
    }

    /// The instance is gone.
    pub(crate) fn end(&self, failed: bool) {
        for exchange in self.all().drain(..) {
            exchange.end(if failed { FAILED } else { ENDED });
        }
    }
}

/// The end of the time that an instance has for an answer.
pub(crate) struct Expiry {
    exchange: Arc<Exchange>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Future for Expiry {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.exchange.wake_instance.register(cx.waker());
        if self.exchange.is_over() {
            return Poll::Ready(());
        }
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}
