//! Background: work that nobody waits for, on threads that give way to those that somebody waits for.

use std::{io, thread};

use tokio::{runtime::Handle, sync::oneshot, task::JoinHandle};

/// How much its threads give way: between 0, like all others, and 19.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// Has `work` done on a thread of its own, after everything that others wait for. It goes on when
/// the handle is dropped. It may wait for what the runtime does.
///
/// # Errors
/// When no thread is to be had, or the work panicked.
pub fn spawn<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<io::Result<T>> {
    let ((tell, told), runtime) = (oneshot::channel(), Handle::current());
    let thread = thread::Builder::new().name("background".to_owned()).spawn(move || {
        let _within = runtime.enter();
        give_way();
        // Nobody may want to know.
        let _ = tell.send(work());
    });
    tokio::spawn(async move {
        thread?;
        told.await.map_err(|_| io::Error::other("work in the background panicked"))
    })
}

/// Elsewhere it is the program that would give way, not this thread alone.
fn give_way() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(NICE) {
        tracing::debug!(%error, "work in the background does not give way");
    }
}
