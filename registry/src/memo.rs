//! Work that several tasks want, done once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared, WeakShared};
use tokio::sync::OnceCell;

use crate::error::Error;

/// Answers kept as long as the process lives: the first task that wants one works, the others wait for it. An error
/// is not kept; the next waiting task tries again.
#[derive(Debug)]
pub(crate) struct Memo<T>(Mutex<HashMap<String, Arc<OnceCell<T>>>>);

impl<T> Default for Memo<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Memo<T> {
    pub(crate) async fn get_or_try<F>(&self, key: &str, work: impl FnOnce() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let cell = {
            let mut cells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(cells.entry(key.to_owned()).or_default())
        };
        cell.get_or_try_init(work).await.cloned()
    }

    pub(crate) fn forget(&self, key: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

type Flight = BoxFuture<'static, Result<(), Error>>;

/// Downloads in progress, by digest. Whoever wants the same content joins, and gets the same error if it fails; when
/// all who wait are gone, the download ends. Nothing is kept once it has landed: the store has it.
#[derive(Default)]
pub(crate) struct Flights(Mutex<HashMap<String, WeakShared<Flight>>>);

impl Flights {
    pub(crate) async fn join(&self, key: String, download: impl FnOnce() -> Flight) -> Result<(), Error> {
        let flight: Shared<Flight> = {
            let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            flights.retain(|_, flight| flight.upgrade().is_some());
            if let Some(flight) = flights.get(&key).and_then(WeakShared::upgrade) {
                flight
            } else {
                let flight = download().shared();
                if let Some(weak) = flight.downgrade() {
                    flights.insert(key, weak);
                }
                flight
            }
        };
        flight.await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_memo_works_once_and_keeps_no_error() {
        let memo = Memo::<u32>::default();
        let failed = memo.get_or_try("k", || async { Err(Error::Insecure { url: String::new() }) }).await;
        assert!(failed.is_err());
        let made = AtomicU32::new(0);
        let work = || async { Ok(made.fetch_add(1, Ordering::SeqCst)) };
        let (a, b) = futures::join!(memo.get_or_try("k", work), memo.get_or_try("k", work));
        assert_eq!((a.unwrap(), b.unwrap(), made.load(Ordering::SeqCst)), (0, 0, 1));
        memo.forget("k");
        assert_eq!(memo.get_or_try("k", work).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn those_who_join_a_flight_share_its_outcome_and_the_next_one_starts_anew() {
        let flights = Flights::default();
        let made = Arc::new(AtomicU32::new(0));
        let download = || {
            let made = Arc::clone(&made);
            async move {
                tokio::task::yield_now().await;
                made.fetch_add(1, Ordering::SeqCst);
                Err(Error::Insecure { url: "x".into() })
            }
            .boxed()
        };
        let (a, b) = futures::join!(flights.join("d".into(), download), flights.join("d".into(), download));
        assert!(a.is_err() && b.is_err());
        assert_eq!(made.load(Ordering::SeqCst), 1);
        assert!(flights.join("d".into(), download).await.is_err());
        assert_eq!(made.load(Ordering::SeqCst), 2);
    }
}
