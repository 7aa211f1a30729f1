internal import Catalogs
internal import Ledger
internal import Postgres
internal import Vocabulary

/// Calls and recordings that a commit touches: made where they are missing, filled where the replay's rows are empty, and
/// each call's times and count brought up to date once. A few statements, however many recordings.
struct CallBook {
    private let catalog: ReplayCatalog
    private let known: [CallReference: Int64]
    private var bound: [CallReference: Int64] = [:]
    private var made: Set<CallReference> = []
    private var grown: Set<Int64> = []

    /// Locks the calls of these recordings in the ledger.
    init(_ recordings: [SourceRecording], catalog: ReplayCatalog, in session: Session) throws {
        self.catalog = catalog
        known = try Calls.lock(recordings.map(\.callReference), in: session)
    }

    /// `couples.id` at the replay of each of these, which are among those that the book was opened with.
    mutating func ensure(
        _ recordings: [SourceRecording], in session: Session
    ) throws -> [RecordingReference: Int64] {
        // Two sources can bring one recording in one batch: the first makes it, the other one fills what it left empty.
        let bySid = Dictionary(grouping: recordings, by: \.sid)
        let firsts = bySid.values.compactMap(\.first).sorted { $0.id < $1.id }
        try bind(recordings, in: session)
        let ensured = try catalog.ensureRecordings(
            firsts.compactMap { recording in
                bound[recording.callReference].map { (recording: recording, callID: $0) }
            }, on: session)
        var ids: [RecordingReference: Int64] = [:]
        var standing: [(id: Int64, recording: SourceRecording)] = []
        for recording in recordings {
            guard let row = ensured[recording.sid] else { continue }
            ids[recording.reference] = row.id
            let isMaker = row.isNew && bySid[recording.sid]?.first?.reference == recording.reference
            if isMaker {
                if let call = bound[recording.callReference] { grown.insert(call) }
            } else {
                standing.append((row.id, recording))
            }
        }
        // One row takes one update: of two sources each has a statement of its own.
        for round in CallBook.rounds(standing) { try catalog.complete(round, on: session) }
        try attach(recordings, ids, in: session)
        try regroup(recordings, in: session)
        return ids
    }

    /// External data as a set. What the replay's table refuses for its length is kept in the ledger: media must not stay at
    /// the recorder for one value.
    private func attach(
        _ recordings: [SourceRecording], _ ids: [RecordingReference: Int64], in session: Session
    ) throws {
        let standing = recordings.compactMap { recording in ids[recording.reference].map { (id: $0, recording) } }
        try catalog.attach(standing.map { ($0.id, $0.1.externalData.filter { !$0.isLong }) }, on: session)
        let long = standing.flatMap { id, recording in
            recording.externalData.filter(\.isLong).map { (id: id, recording: recording, datum: $0) }
        }
        if long.isEmpty { return }
        let refused = try catalog.attachLong(long.map { ($0.id, $0.datum) }, on: session)
        try KeptData.keep(
            refused.map { (long[$0].recording.sid, long[$0].recording.reference, long[$0].datum) }, in: session)
    }

    func close(in session: Session) throws {
        try catalog.refreshCalls(grown, on: session)
        try Calls.bind(bound.filter { known[$0.key] != $0.value }, made: made, in: session)
    }

    /// Makes one call of the replay's calls that a source shows to be one, the oldest: legs can come from other sources,
    /// or on other days, before anybody showed that they belong together. Only what Takeup made is moved.
    private mutating func regroup(_ recordings: [SourceRecording], in session: Session) throws {
        let shown = recordings.filter { $0.call.legs.count > 1 || known[$0.callReference] != nil }
        if shown.isEmpty { return }
        let standing = try catalog.calls(of: shown.flatMap { $0.call.legs + [$0.sid] }, on: session)
        var moved: [Int64: Int64] = [:]
        for recording in shown {
            var calls = Set((recording.call.legs + [recording.sid]).compactMap { standing[$0] })
            if let call = bound[recording.callReference] { calls.insert(call) }
            calls = Set(calls.map { moved[$0] ?? $0 })
            guard calls.count > 1, let oldest = calls.min() else { continue }
            let movable = try Calls.made(calls.filter { $0 != oldest }, in: session)
                .union(calls.filter { call in made.contains { bound[$0] == call } })
            for emptied in movable.sorted() where emptied != oldest {
                try catalog.moveRecordings(ofCall: emptied, to: oldest, on: session)
                try Calls.merge(emptied, into: oldest, in: session)
                for (from, to) in moved where to == emptied { moved[from] = oldest }
                moved[emptied] = oldest
            }
        }
        for (reference, call) in bound {
            guard let oldest = moved[call] else { continue }
            bound[reference] = oldest
            made.remove(reference)
        }
        grown.formUnion(moved.values)
    }

    /// The replay's calls of those that have none yet.
    private mutating func bind(_ recordings: [SourceRecording], in session: Session) throws {
        let open = Dictionary(grouping: recordings.filter { bound[$0.callReference] == nil }, by: \.callReference)
        let wishes = open.sorted { $0.key.id < $1.key.id }.compactMap { reference, legs in
            legs.first.map { (reference: reference, wish: CallWish($0.call, known: known[reference], legs: legs)) }
        }
        let calls = try catalog.ensureCalls(
            wishes.map(\.wish), spares: { try Calls.takeSpares(atMost: $0, in: session) }, on: session)
        for (wish, call) in zip(wishes, calls) {
            bound[wish.reference] = call.id
            if call.isNew { made.insert(wish.reference) }
        }
    }

    /// The same, so that no round has a row twice.
    static func rounds<Item>(_ items: [(id: Int64, Item)]) -> [[(id: Int64, Item)]] {
        var rounds: [[(id: Int64, Item)]] = []
        var seen: [Int64: Int] = [:]
        for item in items {
            let round = seen[item.id, default: 0]
            seen[item.id] = round + 1
            if round == rounds.count { rounds.append([]) }
            rounds[round].append(item)
        }
        return rounds
    }
}

extension SourceRecording {
    var callReference: CallReference { CallReference(source: source, id: call.id) }
}
