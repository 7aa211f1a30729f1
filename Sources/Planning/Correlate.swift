package import Vocabulary

/// What rows and files of one mount have to do with each other, after their grace time.
package struct Correlation: Hashable, Sendable {
    /// Rows whose file is there.
    package var matched: Set<FilePath>
    /// Rows whose file is not there, and has not been for longer than the grace time.
    package var missing: Set<FilePath>
    /// Files without a row, unchanged for longer than the grace time.
    package var orphans: Set<FilePath>
}

/// Matches rows with files by path. Young ones are neither missing nor orphans: row and file may come minutes apart,
/// either way round.
/// - Parameters:
///   - rows: path below the mount, with how long the row has been waiting for its file.
///   - files: path below the mount, with how long the file has been unchanged.
///   - isProven: whether the mount proved itself before and after; if not, absence means nothing.
package func correlate(
    rows: [FilePath: Duration], files: [FilePath: Duration], grace: Duration, isProven: Bool
) -> Correlation {
    let matched = Set(rows.keys).intersection(files.keys)
    guard isProven else { return Correlation(matched: matched, missing: [], orphans: []) }
    return Correlation(
        matched: matched,
        missing: Set(rows.filter { !matched.contains($0.key) && $0.value > grace }.keys),
        orphans: Set(files.filter { !matched.contains($0.key) && $0.value > grace }.keys))
}
