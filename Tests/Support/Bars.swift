internal import Glibc

extension Duration {
    /// Whether a measured time keeps what is promised.
    ///
    /// A bar is of a machine that does nothing else meanwhile. The long proofs run alone, and hold a time to its bar as it
    /// stands (`TAKEUP_LONG_TESTS`). The others may share two cores with a build: there only what is off by far more
    /// than that fails, and the figure is printed.
    package func isWithin(bar: Duration) -> Bool {
        self <= bar * (getenv("TAKEUP_LONG_TESTS") == nil ? 4 : 1)
    }
}
