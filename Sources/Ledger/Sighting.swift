internal import Postgres
package import Vocabulary

/// A recording as one source shows it, and how far Takeup has come with it.
package struct Sighting: Hashable, Sendable {
    package enum State: String, CaseIterable, Sendable {
        /// Looked at, and not ready or not possible yet. To be looked at again from `notBefore` on; goes anywhere.
        case waiting
        /// Transfers are under way. The commit of the last one makes it `converged`.
        case transferring
        /// Everything that the mark promises is durable. Goes to `marked`, or back when the source changed.
        case converged
        /// The source has our mark. Leaves this state only when the source changed afterwards.
        case marked
        /// A person has to look (a sid collision). Looked at again from `notBefore` on.
        case refused
    }

    /// What an operator asked for.
    package enum Reopening: String, CaseIterable, Sendable {
        /// Its mark E is to become the true one.
        case retry
        /// The replay wants it back. A mark that licenses deletion stays as it is.
        case restore
    }

    package var reference: RecordingReference
    package var sid: Sid
    package var stopped: Instant?
    /// When it was complete at the recorder, where that is known.
    package var finished: Instant?
    package var state: State
    /// Why it waits or is refused: a sentence without phone numbers.
    package var why: String?
    package var notBefore: Instant
    /// How often it was found waiting or refused since it last moved on.
    package var attempts: Int
    /// The mark that will be true in the end; nil where none may be set.
    package var mark: Mark?
    /// The mark that the source's row had when it was looked at.
    package var standing: Mark?
    /// Of what was planned, and so of what is committed: mark only while the source still shows this.
    package var fingerprint: [UInt8]?
    /// What the plan saw, as the planner wrote it down; opaque here.
    package var detail: [UInt8]?
    package var lastError: String?
    /// Attempts that failed by its rows, since it last moved on.
    package var failures: Int
    /// Why it is looked at although its row carries a mark; until it has its mark again.
    package var reopened: Reopening?
    package var converged: Instant?
    package var marked: Instant?

    static let columns = ColumnList(
        plain: [
            "source", "source_id", "sid", "state", "why", "attempts", "mark", "standing", "fingerprint", "detail",
            "last_error", "failures", "reopened",
        ],
        times: ["stopped_at", "finished_at", "not_before", "converged_at", "marked_at"])

    /// Without the detail, which can be long: for many at once.
    static let columnsWithoutDetail = ColumnList(
        plain: columns.plain.filter { $0 != "detail" }, times: columns.times)

    init(_ row: Row) throws {
        reference = RecordingReference(source: try row.name("source"), id: try row.integer("source_id"))
        sid = Sid(try row.text("sid"))
        stopped = try row.optionalInstant("stopped_at")
        finished = try row.optionalInstant("finished_at")
        state = try row.word("state")
        why = try row.optionalText("why")
        notBefore = try row.instant("not_before")
        attempts = try row.count("attempts")
        mark = try row.optionalWord("mark")
        standing = try row.optionalWord("standing")
        fingerprint = try row.optionalBytes("fingerprint")
        detail = row.has("detail") ? try row.optionalBytes("detail") : nil
        lastError = try row.optionalText("last_error")
        failures = try row.count("failures")
        reopened = try row.optionalWord("reopened")
        converged = try row.optionalInstant("converged_at")
        marked = try row.optionalInstant("marked_at")
    }
}
