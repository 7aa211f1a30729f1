package import Vocabulary

/// How far a look has come through the unmarked recordings of a source, by `(stop_ts, id)`.
///
/// A look takes a page behind the cursor and wraps around at the end: what can't go on keeps its place at the source
/// and costs its share of a page, but never stands in the way of what comes behind it.
package struct LookCursor: Hashable, Sendable {
    package struct Position: Hashable, Sendable {
        package let stop: WallTime
        package let id: Int64
        package init(stop: WallTime, id: Int64) {
            self.stop = stop
            self.id = id
        }
    }
    /// The last recording of the last page; nil at the beginning.
    package private(set) var position: Position?
    /// Whether the page before this position ended the way: the next look begins anew.
    package private(set) var isAtEnd = false

    package init() {}

    /// Notes a page that was read.
    /// - Parameters:
    ///   - last: its last recording, if it had any.
    ///   - isFull: whether it had as many as were asked for, so that more may follow.
    package mutating func read(last: Position?, isFull: Bool) {
        position = isFull ? last : nil
        isAtEnd = !isFull
    }
}
