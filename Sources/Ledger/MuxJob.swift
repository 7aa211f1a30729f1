internal import Postgres
package import Vocabulary

/// The work of muxing one sound of a recording with a set of its screens. There is one row for each such pair, for ever.
package struct MuxJob: Hashable, Identifiable, Sendable {
    package struct ID: RowNumber {
        package let rawValue: Int64
        package init(rawValue: Int64) { self.rawValue = rawValue }
    }

    package enum State: String, CaseIterable, Sendable {
        /// To be claimed from `notBefore` on. Goes to `claimed`, `superseded`.
        case waiting
        /// A worker has it until the lease ends. Goes to `done`, `waiting`, `notMuxable`, `failed`, `superseded`.
        case claimed
        /// `result` is committed. Goes to `waiting` where that went bad on its volume, or what it lacks is tried again.
        case done
        /// Only a person can help, who then says to try again. Goes to `waiting`.
        case failed
        /// Its screens are RECD, and only a worker with a converter claims it. Goes to `claimed`, `superseded`.
        case notMuxable = "not_muxable"
        /// One of its halves was replaced, or there are more screens. Final: the new pair has a job of its own.
        case superseded
    }

    package var id: ID
    package var sid: Sid
    package var sound: Replica.ID
    /// In the order of their ids; at least one.
    package var screens: [Replica.ID]
    package var isRECD: Bool
    package var state: State
    /// Claims so far, this one included.
    package var attempts: Int
    package var failures: Int
    /// The screen of each failure that was a tool's being killed at it.
    package var killedScreens: [Replica.ID]
    /// How many workers were lost with it, one after the other: each let its lease run out.
    package var losses: Int
    package var notBefore: Instant
    package var holder: Holder?
    package var leaseUntil: Instant?
    /// Of a job that is not done: the one that its new result takes the place of, which is bad, or lacks screens.
    package var result: Replica.ID?
    /// Screens that `result` lacks, as they were refused. Empty where it lacks none, and where it is bad.
    package var leftOut: [Replica.ID]
    package var lastError: String?
    /// What was encoded of its result, and why; nil before it is done.
    package var encoded: String?
    /// What who plays its result cannot see, and should know: screens that are not shown, what was cut, lengths that do not
    /// fit. Nil where there is nothing.
    package var notes: String?
    package var made: Instant

    /// Whether its result shows all that the other's does, and more.
    package func isMore(than other: MuxJob) -> Bool {
        // What was converted from RECD shows no more than the recorder's own mp4.
        sound == other.sound && (Set(screens).isStrictSuperset(of: other.screens) || other.isRECD && !isRECD)
    }

    /// Whether `result` is as good as it was when it was committed, as far as is known.
    package var hasStandingResult: Bool { result != nil && (state == .done || !leftOut.isEmpty) }

    /// The screens that a result of it shows, or those of `result` where that stands.
    package var shown: Set<Replica.ID> { Set(screens).subtracting(leftOut) }

    /// What to show when acting on it; nil unless it is claimed.
    package var claim: Claim<ID>? { holder.map { Claim(id: id, holder: $0, attempt: attempts) } }

    static let columns = ColumnList(
        plain: [
            "id", "sid", "sound_id", "screen_ids", "is_recd", "state", "attempts", "failures", "losses", "holder",
            "result_id", "last_error", "encoded", "notes", "left_out", "killed_screen_ids",
        ],
        times: ["not_before", "lease_until", "made_at"])

    init(_ row: Row) throws {
        id = try row.number("id")
        sid = Sid(try row.text("sid"))
        sound = try row.number("sound_id")
        screens = try row.numbers("screen_ids")
        isRECD = try row.boolean("is_recd")
        state = try row.word("state")
        attempts = try row.count("attempts")
        failures = try row.count("failures")
        killedScreens = try row.numbers("killed_screen_ids")
        losses = try row.count("losses")
        notBefore = try row.instant("not_before")
        holder = try row.optionalName("holder")
        leaseUntil = try row.optionalInstant("lease_until")
        result = try row.optionalNumber("result_id")
        lastError = try row.optionalText("last_error")
        encoded = try row.optionalText("encoded")
        notes = try row.optionalText("notes")
        leftOut = try row.numbers("left_out")
        made = try row.instant("made_at")
    }
}
